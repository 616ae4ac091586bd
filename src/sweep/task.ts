import type { ArchSpec } from "../arch/spec.ts";
import type { Recipe } from "../quant/recipe.ts";
import { type Executed, executeOnFirst, priceOnAll } from "./halves.ts";
import type { Mapper } from "./mapped.ts";
import { referenceOf } from "./measure.ts";
import { type Refusal, refusalOf } from "./refusal.ts";
import { type SubjectSpec, subjectOf } from "./subject.ts";

/** A piece of a sweep, as plain data: the real-valued reference, or a quantized model to be executed once, or priced on machines. */
export type Task =
  | { readonly kind: "reference"; readonly subject: SubjectSpec }
  | {
      readonly kind: "execute" | "price";
      readonly subject: SubjectSpec;
      readonly recipe: Recipe;
      readonly archs: readonly ArchSpec[];
      readonly mapper: Mapper;
    };

/** What a task gave, or what is wrong with its input. */
export type Answer =
  | { readonly kind: "reference"; readonly outputs: readonly (readonly number[])[] }
  | ({ readonly kind: "execute" } & Executed)
  | ({ readonly kind: "price" } & Omit<Executed, "results">)
  | ({ readonly kind: "refused" } & Refusal);

export function runTask(task: Task): Answer {
  try {
    const subject = subjectOf(task.subject);
    if (task.kind === "reference") return { kind: "reference", outputs: referenceOf(subject) };
    const asked = { ...task, subject };
    if (task.kind === "execute") return { kind: "execute", ...executeOnFirst(asked) };
    return { kind: "price", ...priceOnAll(asked) };
  } catch (error) {
    return { kind: "refused", ...refusalOf(error) };
  }
}
