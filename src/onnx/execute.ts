import { InputError } from "../base/errors.ts";
import { type Block, type Graph, type Node, readsOf } from "./graph.ts";
import { Call } from "./ops/define.ts";
import { computed } from "./resolve.ts";
import { type Tensor, textOf } from "./tensor.ts";

/** Called before each node, with how many were computed and how many there are. */
export type Watch = (done: number, all: number) => void;

/** Shown what each node took, undefined where an input is left out, and what it gave. */
export type Show = (
  node: Node,
  operands: readonly (Tensor | undefined)[],
  results: readonly Tensor[],
) => void;

/**
 * Computes a graph in real numbers, as `Op.compute` says.
 * @param inputs  by name; of the type and of sizes that the graph has
 * @throws InputError for inputs that are missing, not the graph's or of other types, and where a node's sizes do not fit
 */
export function execute(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  { watch, show }: { readonly watch?: Watch | undefined; readonly show?: Show | undefined } = {},
): Map<string, Tensor> {
  checkInputs(graph, inputs);
  const values = new Map([...graph.constants, ...inputs]);
  // A value is let go after its last reader; constants are the graph's.
  const lastRead = new Map<string, number>();
  for (const [i, node] of graph.nodes.entries()) for (const name of readsOf(node)) lastRead.set(name, i);
  const kept = new Set(graph.outputs.map(({ value }) => value));
  for (const [i, node] of graph.nodes.entries()) {
    watch?.(i, graph.nodes.length);
    run(node, values, show);
    for (const name of readsOf(node)) if (lastRead.get(name) === i && !kept.has(name)) values.delete(name);
  }
  return new Map(graph.outputs.map(({ name, value }) => [name, values.get(value)!]));
}

/**
 * Results where some values, or constants, are others than they were: what does not hang on them is not computed again.
 * @param known  all values of an execution, inputs and constants too
 */
export function executeChanged(
  graph: Graph,
  known: ReadonlyMap<string, Tensor>,
  changed: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  const values = new Map([...known, ...changed]);
  const others = new Set(changed.keys());
  for (const node of graph.nodes) {
    if (!readsOf(node).some((name) => others.has(name))) continue;
    run(node, values);
    for (const name of node.outputs) others.add(name);
    for (const [name, tensor] of changed) if (node.outputs.includes(name)) values.set(name, tensor);
  }
  return new Map(graph.outputs.map(({ name, value }) => [name, values.get(value)!]));
}

function run(node: Node, values: Map<string, Tensor>, show?: Show): void {
  const { op, inputs, outputs, branches } = node;
  const operands = inputs.map((name) => (name === "" ? undefined : values.get(name)!));
  if (branches !== undefined) {
    const block: Block = branches[operands[0]!.data[0] !== 0 ? 0 : 1];
    for (const inner of block.nodes) run(inner, values, show);
    for (const [i, name] of outputs.entries()) values.set(name, values.get(block.outputs[i]!)!);
    return;
  }
  const call = new Call(
    node.where,
    node.opset,
    operands.map((tensor) => tensor && { ...tensor, tensor }),
    outputs.length,
    node.attributes,
  );
  const results = computed(op, call, operands, op.infer(call).slice(0, outputs.length));
  for (const [i, name] of outputs.entries()) if (name !== "") values.set(name, results[i]!);
  show?.(node, operands, results);
}

function checkInputs({ file, inputs }: Graph, given: ReadonlyMap<string, Tensor>): void {
  const names = inputs.map(({ name }) => name);
  const odd = [...given.keys()].find((name) => !names.includes(name));
  if (odd !== undefined)
    throw new InputError(file, `has no input ${odd}; its inputs are ${names.join(", ")}`);
  for (const input of inputs) {
    const where = `${file}: input ${input.name}`;
    const tensor = given.get(input.name);
    if (tensor === undefined) throw new InputError(where, "is not given");
    const isFit =
      tensor.dtype === input.dtype &&
      (input.shape === undefined ||
        (input.shape.length === tensor.shape.length &&
          input.shape.every((size, i) => typeof size === "string" || size === tensor.shape[i])));
    if (!isFit) throw new InputError(where, `${textOf(tensor)} where ${textOf(input)} is needed`);
  }
}
