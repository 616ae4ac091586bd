import type { Kind } from "../define.ts";
import { isLayout, oddLayout } from "../layout.ts";
import type { Operation } from "../operation.ts";
import { KINDS } from "./table.ts";

/** What takes a node: a kind, or nothing but addresses; or why nothing does, as a clause behind its name. */
type Choice = Kind | "layout" | { readonly odd: string };

export function choiceFor(op: Operation): Choice {
  if (isLayout(op)) {
    const odd = oddLayout(op);
    return odd === undefined ? "layout" : { odd };
  }
  const known = KINDS.filter(({ ops }) => ops.includes(op.name));
  const refusals = known.map((one) => one.refusal?.(op));
  return known[refusals.indexOf(undefined)] ?? { odd: refusals.at(-1) ?? "has no lowering" };
}

export const isTaken = (choice: Choice): choice is Kind | "layout" =>
  choice === "layout" || !("odd" in choice);
