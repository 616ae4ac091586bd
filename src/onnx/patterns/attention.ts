import type { Node } from "../graph.ts";
import { attention } from "../ops/fused.ts";
import { fused, type Match, type Pattern, type View } from "./view.ts";

/** A value without a number that it is multiplied by. */
function unscaled(value: string, view: View) {
  const { scale, values, nodes } = view.factors(value);
  return values.length === 1 ? { scale, value: values[0]!, nodes } : { scale: 1, value, nodes: [] };
}

/** The matrices of which a value has the transposes. */
function turned(value: string, view: View): { readonly value: string; readonly node: Node } | undefined {
  const node = view.made(value, "Transpose");
  const rank = view.shape(value)?.length;
  if (node === undefined || rank === undefined) return undefined;
  const perm = view.call(node).list("perm") ?? [];
  const isIt =
    perm.length === rank &&
    perm.every((axis, i) => axis === (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2));
  return isIt ? { value: node.inputs[0]!, node } : undefined;
}

/** softmax over the last dimension of a product of two values, times a third. */
function find(root: Node, view: View): Match | undefined {
  if (root.op.name !== "MatMul") return undefined;
  const softmax = view.made(root.inputs[0], "Softmax");
  const rank = view.shape(root.inputs[0]!)?.length;
  if (softmax === undefined || rank === undefined || rank < 2) return undefined;
  if (view.call(softmax).axis(view.call(softmax).int("axis"), rank) !== rank - 1) return undefined;
  const sum = view.made(softmax.inputs[0], "Add");
  const masked = sum && view.pair(sum, (value) => scores(value, view));
  const found = masked?.[0] ?? scores(softmax.inputs[0]!, view);
  if (found === undefined) return undefined;
  const [q, k] = found.product.inputs.map((value) => unscaled(value, view)) as [Part, Part];
  const keys = turned(k.value, view);
  const inputs = [q.value, keys?.value ?? k.value, root.inputs[1]!, ...(masked ? [masked[1]] : [])];
  // What is repeated over other dimensions than those before the matrices is left as it is.
  if (inputs.some((value) => (view.shape(value)?.length ?? Infinity) > rank)) return undefined;
  const nodes = [...found.nodes, found.product, ...q.nodes, ...k.nodes, ...(keys ? [keys.node] : [])];
  const attributes = { scale: found.scale * q.scale * k.scale, transK: keys ? 1 : 0 };
  return {
    node: fused(root, attention, inputs, attributes),
    covers: [root, softmax, ...(masked ? [sum!] : []), ...nodes],
  };
}

interface Part {
  readonly scale: number;
  readonly value: string;
  readonly nodes: readonly Node[];
}

/** A product of two values, maybe times a number. */
function scores(value: string, view: View) {
  const { scale, value: inner, nodes } = unscaled(value, view);
  const product = view.made(inner, "MatMul");
  return product && { scale, product, nodes };
}

export const softmaxAttention: Pattern = { name: "softmax attention", find };
