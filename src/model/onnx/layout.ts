import { isReal } from "../../onnx/dtype.ts";
import { computed } from "../../onnx/resolve.ts";
import type { Tensor } from "../../onnx/tensor.ts";
import type { Operation } from "./operation.ts";

/** Operators that compute nothing: each element of their results is an element of an operand, or the 0 of padding. */

/** Of an element that is padding. */
export const PADDING = -1;

const SAME = ["Identity", "Dropout", "Cast"];
const PLACED =
  "Reshape Flatten Squeeze Unsqueeze Transpose Concat Slice Split Gather Expand Tile Pad DepthToSpace SpaceToDepth".split(
    " ",
  );

export const isLayout = ({ name }: Operation): boolean => SAME.includes(name) || PLACED.includes(name);

/** Why a node cannot be traced; undefined where it can. */
export function oddLayout(op: Operation): string | undefined {
  const { name, call } = op;
  if (name === "Cast" && !isReal(op.typeOf(op.key).dtype)) return "makes real numbers integers";
  const data = name === "Concat" ? [...op.node.inputs.keys()] : [0];
  if (op.active.join() !== data.join())
    return name === "Concat" ? "joins a constant" : "moves elements by numbers that are no constants";
  if (name !== "Pad") return undefined;
  const value = call.opset < 11 ? call.real("value") : (op.constant(2)?.data[0] ?? 0);
  return value === 0 || call.text("mode") !== "constant" ? undefined : `pads with ${value} instead of 0`;
}

/**
 * Where the elements of each result come from, as numbers of elements of operands or `PADDING`: the operator itself is computed on
 * these numbers.
 * @param sources  numbers of the elements of each operand that is no constant
 */
export function traced(op: Operation, sources: readonly Int32Array[]): readonly Int32Array[] {
  if (SAME.includes(op.name)) return [sources[0]!];
  const operands = op.node.inputs.map((name, i): Tensor | undefined => {
    if (name === "" || !op.isActive(i)) return op.constant(i);
    // 0 is what padding writes, so numbers begin at 1.
    const data = Float64Array.from(sources[op.active.indexOf(i)]!, (source) => source + 1);
    return { dtype: "float64", shape: op.shape(i), data };
  });
  const types = op.results.map((name) => ({ dtype: "float64" as const, shape: op.shapeOf(name) }));
  return computed(op.node.op, op.call, operands, types).map(({ data }) =>
    Int32Array.from(data, (source) => source - 1),
  );
}
