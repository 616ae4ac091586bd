import type { Graph, Node } from "./graph.ts";
import { Call } from "./ops/define.ts";

/** A node as its record sees it, with the types and constants of its graph. */
export function callOf(
  { where, opset, inputs, outputs, attributes }: Node,
  { types, constants }: Pick<Graph, "types" | "constants">,
): Call {
  const operands = inputs.map((name) =>
    name === "" ? undefined : { ...types.get(name)!, tensor: constants.get(name) },
  );
  return new Call(where, opset, operands, outputs.length, attributes);
}
