import { prefixed, type Tap } from "../../kernels/tensors.ts";
import { execute } from "../../onnx/execute.ts";
import type { Graph } from "../../onnx/graph.ts";
import type { Tensor } from "../../onnx/tensor.ts";
import { choiceFor, isTaken } from "./kinds/choice.ts";
import { Operation } from "./operation.ts";

/** What a node is called in ranges of what is inside it, and in programs: its first result, whose dots would be parts of it. */
export const siteOf = (key: string): string => key.replaceAll(".", "·");

/**
 * Computes a graph in real numbers. Sites of the tap: every value by its name, and inside the nodes what their kinds show, under
 * `siteOf` their first result.
 */
export function observeNetwork(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  tap?: Tap,
): ReadonlyMap<string, Tensor> {
  if (tap === undefined) return execute(graph, inputs);
  const show = (name: string, { data }: Tensor) => tap(name, Float64Array.from(data));
  for (const [name, tensor] of inputs) show(name, tensor);
  return execute(graph, inputs, {
    show(node, operands, results) {
      const op = new Operation(node, graph);
      for (const [i, name] of node.outputs.entries()) if (name !== "") show(name, results[i]!);
      const choice = choiceFor(op);
      if (isTaken(choice) && choice !== "layout")
        choice.observe?.(op, operands, prefixed(tap, siteOf(op.key))!);
    },
  });
}
