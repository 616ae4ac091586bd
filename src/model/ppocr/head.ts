import { InputError } from "../../base/errors.ts";
import type { Graph } from "../../onnx/graph.ts";
import { type Tensor, tensorOf, type ValueType } from "../../onnx/tensor.ts";

/**
 * A graph that ends in x W + b, with some of its outputs alone: of W [inputs][outputs] and b [outputs] the columns that are kept, in
 * their order.
 * @throws InputError where it does not end so
 */
export function withOutputs(graph: Graph, kept: readonly number[]): Graph {
  const value = graph.outputs[0]!.value;
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const sum = nodeOf(graph, value, "Add");
  const bias = sum.inputs.find((name) => constants.has(name));
  const product = sum.inputs.find((name) => name !== bias);
  const weight = product === undefined ? undefined : nodeOf(graph, product, "MatMul").inputs[1];
  for (const name of [bias, weight]) {
    const tensor = name === undefined ? undefined : constants.get(name);
    if (name === undefined || tensor === undefined) return refuse(graph);
    const narrow = columnsOf(tensor, kept);
    constants.set(name, narrow);
    types.set(name, narrow);
  }
  for (const name of [product!, value]) types.set(name, narrowed(types.get(name)!, kept.length));
  return { ...graph, constants, types };
}

function nodeOf(graph: Graph, value: string, op: string) {
  const node = graph.nodes.find(({ outputs }) => outputs.includes(value));
  return node?.op.name === op ? node : refuse(graph);
}

function refuse({ file, outputs }: Graph): never {
  throw new InputError(`${file}: value ${outputs[0]!.name}`, "is not the sum of a product and a bias");
}

/** Of a tensor's last axis. */
function columnsOf({ dtype, shape, data }: Tensor, kept: readonly number[]): Tensor {
  const width = shape.at(-1)!;
  const rows = data.length / width;
  const values = Array.from({ length: rows }, (_, r) => kept.map((column) => data[r * width + column]!));
  return tensorOf(dtype, [...shape.slice(0, -1), kept.length], values.flat());
}

const narrowed = ({ dtype, shape }: ValueType, width: number): ValueType => ({
  dtype,
  shape: shape && [...shape.slice(0, -1), width],
});
