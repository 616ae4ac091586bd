import type { Node } from "../graph.ts";
import { lstmStep } from "../ops/fused.ts";
import { type Tensor, tensorOf } from "../tensor.ts";
import { fused, type Match, type Pattern, type View } from "./view.ts";

/** A value times a constant matrix, plus a constant vector. */
interface Product {
  readonly value: string;
  readonly weight: Tensor;
  /** Whether the matrix is [outputs][inputs], and not the other way round. */
  readonly isTurned: boolean;
  readonly bias: Tensor | undefined;
  readonly node: Node;
}

function productOf(value: string, view: View): Product | undefined {
  const node = view.made(value, "Gemm", "MatMul");
  const weight = view.constant(node?.inputs[1]);
  if (node === undefined || weight?.shape.length !== 2) return undefined;
  const shared = { value: node.inputs[0]!, weight, node };
  if (node.op.name === "MatMul") return { ...shared, isTurned: false, bias: undefined };
  const call = view.call(node);
  const bias = node.inputs[2] ? view.constant(node.inputs[2]) : undefined;
  const isPlain = call.real("alpha") === 1 && call.real("beta") === 1 && call.int("transA") === 0;
  const isKnown = !node.inputs[2] || bias !== undefined;
  return isPlain && isKnown ? { ...shared, isTurned: call.int("transB") !== 0, bias } : undefined;
}

/** Rows [outputs][inputs] of a product's matrix, blocks of `hidden` in another order. */
function rowsOf({ weight, isTurned }: Product, order: readonly number[], hidden: number): Tensor {
  const [first, second] = weight.shape as [number, number];
  const [outputs, inputs] = isTurned ? [first, second] : [second, first];
  const values = Float64Array.from({ length: outputs * inputs }, (_, i) => {
    const [k, row] = [i % inputs, (i - (i % inputs)) / inputs];
    const j = row % hidden;
    const from = order[(row - j) / hidden]! * hidden + j;
    return weight.data[isTurned ? from * inputs + k : k * outputs + from]!;
  });
  return tensorOf(weight.dtype, [outputs, inputs], values);
}

/** A gate: a curve of one of the four equal parts of the sums. */
function gateOf(value: string | undefined, name: string, view: View) {
  const node = view.made(value, name);
  const split = view.made(node?.inputs[0], "Split");
  if (node === undefined || split === undefined) return undefined;
  return { node, split, part: split.outputs.indexOf(node.inputs[0]!) };
}

/** sigmoid(f) c + sigmoid(i) tanh(g). */
function cellOf(value: string | undefined, view: View) {
  const sum = view.made(value, "Add");
  const [kept, added] = (sum?.inputs ?? []).map((operand) => view.made(operand, "Mul"));
  if (sum === undefined || kept === undefined || added === undefined) return undefined;
  for (const [old, fresh] of [[kept, added] as const, [added, kept] as const]) {
    const [g, in_] = view.pair(fresh, (operand) => gateOf(operand, "Tanh", view)) ?? [];
    const i = gateOf(in_, "Sigmoid", view);
    const [f, c] = view.pair(old, (operand) => gateOf(operand, "Sigmoid", view)) ?? [];
    if (g !== undefined && i !== undefined && f !== undefined && c !== undefined)
      return { i, f, g, c, nodes: [sum, old, fresh] };
  }
  return undefined;
}

/** h = sigmoid(o) tanh(c'). */
function find(root: Node, view: View): Match | undefined {
  if (root.op.name !== "Mul") return undefined;
  const [curve, other] = view.pair(root, (operand) => view.made(operand, "Tanh")) ?? [];
  const [o, cell] = [gateOf(other, "Sigmoid", view), cellOf(curve?.inputs[0], view)];
  if (curve === undefined || o === undefined || cell === undefined) return undefined;
  const gates = [cell.i, cell.f, cell.g, o];
  const { split } = o;
  const order = gates.map(({ part }) => part);
  const isWhole = split.outputs.length === 4 && new Set(order).size === 4;
  if (!isWhole || gates.some((gate) => gate.split !== split)) return undefined;
  const shape = view.shape(cell.c);
  const hidden = view.shape(split.outputs[0]!)?.[1];
  const isLast =
    view.shape(split.inputs[0]!)?.length === 2 &&
    view.call(split).axis(view.call(split).int("axis"), 2) === 1;
  if (!isLast || typeof hidden !== "number" || shape?.length !== 2 || shape[1] !== hidden) return undefined;
  const sums = sumsOf(split.inputs[0]!, hidden, view);
  if (sums === undefined) return undefined;
  const [W, R, B] = ["W", "R", "B"].map((name) => view.fresh(root, name)) as [string, string, string];
  const bias = tensorOf(
    sums.x.weight.dtype,
    [4 * hidden],
    Float64Array.from({ length: 4 * hidden }, (_, row) => {
      const j = row % hidden;
      const from = order[(row - j) / hidden]! * hidden + j;
      return sums.biases.reduce((sum, { data }) => sum + data[data.length === 1 ? 0 : from]!, 0);
    }),
  );
  const inputs = [sums.x.value, sums.h.value, cell.c, W, R, B];
  return {
    node: fused(root, lstmStep, inputs, {}, [root.outputs[0]!, curve.inputs[0]!]),
    covers: [root, curve, ...gates.map(({ node }) => node), ...cell.nodes, split, ...sums.nodes],
    constants: new Map([
      [W, rowsOf(sums.x, order, hidden)],
      [R, rowsOf(sums.h, order, hidden)],
      [B, bias],
    ]),
  };
}

/** W x + R h and their biases. Which of the two is the state matters to nobody, if both have its size. */
function sumsOf(value: string, hidden: number, view: View) {
  const { values, nodes } = view.terms(value);
  const products = values.map((term) => productOf(term, view));
  const [a, b, more] = products.filter((product) => product !== undefined);
  const vectors = values.filter((_, i) => products[i] === undefined).map((term) => view.constant(term));
  if (a === undefined || b === undefined || more !== undefined) return undefined;
  const biases = [...vectors, ...[a.bias, b.bias].filter((bias) => bias !== undefined)];
  const isVector = (bias: Tensor | undefined) =>
    bias !== undefined && [1, 4 * hidden].includes(bias.data.length);
  if (!biases.every(isVector)) return undefined;
  const inputsOf = ({ weight, isTurned }: Product) => weight.shape[isTurned ? 1 : 0];
  const outputsOf = ({ weight, isTurned }: Product) => weight.shape[isTurned ? 0 : 1];
  if (outputsOf(a) !== 4 * hidden || outputsOf(b) !== 4 * hidden) return undefined;
  const [x, h] = inputsOf(b) === hidden ? [a, b] : [b, a];
  if (inputsOf(h) !== hidden) return undefined;
  return { x, h, biases: biases as readonly Tensor[], nodes: [...nodes, a.node, b.node] };
}

export const lstmCell: Pattern = { name: "LSTM step", find };
