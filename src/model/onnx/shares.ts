import type { Graph } from "../../onnx/graph.ts";
import { summarize, type Work } from "../../onnx/summary.ts";
import { choiceFor, isTaken } from "./kinds/choice.ts";
import { Operation } from "./operation.ts";
import type { Parts } from "./parts.ts";

/** What of a model's work is whose. */
export interface Shares {
  readonly machine: Work;
  /** What the host computes in real numbers before it and behind it, with the operators; absent where it computes nothing. */
  readonly front?: Work & { readonly ops: readonly string[] };
  readonly back?: Work & { readonly ops: readonly string[] };
}

export function sharesOf({ machine, front, back }: Parts): Shares {
  const hosted = (graph: Graph) => {
    const { total, ops } = summarize(graph);
    return { ...total, ops: ops.map(({ op }) => op) };
  };
  return {
    machine: summarize(machine).total,
    ...(front && { front: hosted(front) }),
    ...(back && { back: hosted(back) }),
  };
}

/** Nodes of the machine's part that it does not take, and why. */
export const oddOf = (
  machine: Graph,
): readonly { readonly node: string; readonly op: string; readonly why: string }[] =>
  machine.nodes.flatMap((node) => {
    const choice = choiceFor(new Operation(node, machine));
    return isTaken(choice) ? [] : [{ node: node.name, op: node.op.name, why: choice.odd }];
  });
