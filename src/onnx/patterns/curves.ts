import type { Node } from "../graph.ts";
import type { AttributeValue, Op } from "../ops/define.ts";
import { silu } from "../ops/fused.ts";
import { OPS } from "../ops/table.ts";
import { fused, isNear, type Pattern, type View } from "./view.ts";

/** What x is multiplied by to be the curve: nodes on the way from x, where a value is that. */
type Gate = (value: string, x: string, view: View) => readonly Node[] | undefined;

/** A curve that is x times a gate of x. */
interface Gated {
  readonly name: string;
  readonly op: Op;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** What the product is multiplied by. */
  readonly scale: number;
  readonly gate: Gate;
}

const sigmoidOf: Gate = (value, x, view) => {
  const node = view.made(value, "Sigmoid");
  return node?.inputs[0] === x ? [node] : undefined;
};

/** 1 + f(inner). */
function oneAnd(value: string, name: string, view: View): readonly [Node, Node] | undefined {
  const sum = view.made(value, "Add");
  const [inner, other] = view.pair(sum, (operand) => view.made(operand, name)) ?? [];
  return sum !== undefined && inner !== undefined && isNear(view.number(other), 1) ? [inner, sum] : undefined;
}

/** A value that is a number times x. */
function scaled(value: string, x: string, scale: number, view: View): readonly Node[] | undefined {
  const factors = view.factors(value);
  const isIt = factors.values.length === 1 && factors.values[0] === x && isNear(factors.scale, scale);
  return isIt ? factors.nodes : undefined;
}

/** 1 + erf(x / sqrt(2)). */
const erfOf: Gate = (value, x, view) => {
  const nodes = oneAnd(value, "Erf", view);
  const inner = nodes && scaled(nodes[0].inputs[0]!, x, Math.SQRT1_2, view);
  return inner && [...nodes, ...inner];
};

/** x^3 times a number. */
function cubed(value: string, x: string, scale: number, view: View): readonly Node[] | undefined {
  const { values, nodes, scale: found } = view.factors(value);
  if (!isNear(found, scale)) return undefined;
  if (values.length === 3 && values.every((one) => one === x)) return nodes;
  const power = view.made(values[0], "Pow");
  const isCube = values.length === 1 && power?.inputs[0] === x && isNear(view.number(power.inputs[1]), 3);
  return isCube ? [...nodes, power!] : undefined;
}

/** 1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)). */
const tanhOf: Gate = (value, x, view) => {
  const nodes = oneAnd(value, "Tanh", view);
  if (nodes === undefined) return undefined;
  const inner = view.factors(nodes[0].inputs[0]!);
  const sum = inner.values.length === 1 ? view.made(inner.values[0], "Add") : undefined;
  if (sum === undefined || !isNear(inner.scale, Math.sqrt(2 / Math.PI))) return undefined;
  const [, other] = view.pair(sum, (operand) => (operand === x ? true : undefined)) ?? [];
  const cube = other === undefined ? undefined : cubed(other, x, 0.044715, view);
  return cube && [...nodes, ...inner.nodes, sum, ...cube];
};

/** x + 3 kept in 0 … 6. */
const clipOf: Gate = (value, x, view) => {
  const node = view.made(value, "Clip");
  const sum = view.made(node?.inputs[0], "Add");
  if (node === undefined || sum === undefined) return undefined;
  const call = view.call(node);
  const bound = (name: string, i: number) =>
    call.opset < 11 ? call.real(name) : view.number(node.inputs[i]);
  const [, other] = view.pair(sum, (operand) => (operand === x ? true : undefined)) ?? [];
  const isIt = bound("min", 1) === 0 && isNear(bound("max", 2), 6) && isNear(view.number(other), 3);
  return isIt ? [node, sum] : undefined;
};

const hardSigmoidOf: Gate = (value, x, view) => {
  const node = view.made(value, "HardSigmoid");
  if (node?.inputs[0] !== x) return undefined;
  const call = view.call(node);
  return isNear(call.real("alpha"), 1 / 6) && isNear(call.real("beta"), 0.5) ? [node] : undefined;
};

const gelu = OPS.get("Gelu")!;
const hardSwish = OPS.get("HardSwish")!;

const GATED: readonly Gated[] = [
  { name: "SiLU", op: silu, scale: 1, gate: sigmoidOf },
  { name: "GELU (erf)", op: gelu, attributes: { approximate: "none" }, scale: 0.5, gate: erfOf },
  { name: "GELU (tanh)", op: gelu, attributes: { approximate: "tanh" }, scale: 0.5, gate: tanhOf },
  { name: "hard swish", op: hardSwish, scale: 1 / 6, gate: clipOf },
  { name: "hard swish", op: hardSwish, scale: 1, gate: hardSigmoidOf },
];

export const GATED_CURVES: readonly Pattern[] = GATED.map(({ name, op, attributes, scale, gate }) => ({
  name,
  find(root, view) {
    if (!["Mul", "Div"].includes(root.op.name)) return undefined;
    const product = view.factors(root.outputs[0]!);
    if (product.values.length !== 2 || !isNear(product.scale, scale)) return undefined;
    const [a, b] = product.values as [string, string];
    for (const [x, value] of [[a, b] as const, [b, a] as const]) {
      const nodes = gate(value, x, view);
      if (nodes === undefined || !view.isSameShape(x, root.outputs[0]!)) continue;
      return { node: fused(root, op, [x], attributes), covers: [...product.nodes, ...nodes] };
    }
    return undefined;
  },
}));
