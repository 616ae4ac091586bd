import type { Node } from "../graph.ts";
import { layerNormalization } from "../ops/norm.ts";
import { tensorOf } from "../tensor.ts";
import { fused, isNear, type Match, type Pattern, type View } from "./view.ts";

/** The axis from which on a ReduceMean is over all dimensions, which it keeps; undefined where it is over others. */
function meanFrom(node: Node, view: View): number | undefined {
  const rank = view.shape(node.inputs[0]!)?.length;
  const call = view.call(node);
  const given = node.opset < 18 ? call.list("axes") : call.numbers(1);
  if (rank === undefined || given === undefined || given.length === 0 || call.int("keepdims") === 0)
    return undefined;
  const axes = call.axes(given, rank).toSorted((a, b) => a - b);
  return axes.every((axis, i) => axis === rank - axes.length + i) ? axes[0] : undefined;
}

/** x - mean(x): what is centred, from which axis on, and the nodes. */
function centred(value: string | undefined, view: View) {
  const sub = view.made(value, "Sub");
  const mean = view.made(sub?.inputs[1], "ReduceMean");
  if (sub === undefined || mean === undefined || mean.inputs[0] !== sub.inputs[0]) return undefined;
  const axis = meanFrom(mean, view);
  return axis === undefined ? undefined : { x: sub.inputs[0]!, axis, nodes: [sub, mean] };
}

/** The value that is squared. */
function squared(
  value: string | undefined,
  view: View,
): { readonly of: string; readonly node: Node } | undefined {
  const node = view.made(value, "Pow", "Mul");
  if (node === undefined) return undefined;
  const [base, other] = node.inputs as [string, string];
  const isIt = node.op.name === "Mul" ? base === other : isNear(view.number(other), 2);
  return isIt ? { of: base, node } : undefined;
}

/** sqrt(mean(d^2) + epsilon), where d is a centred value. */
function deviation(value: string | undefined, view: View) {
  const root = view.made(value, "Sqrt");
  const sum = view.made(root?.inputs[0], "Add");
  const [mean, constant] = view.pair(sum, (operand) => view.made(operand, "ReduceMean")) ?? [];
  const square = squared(mean?.inputs[0], view);
  const epsilon = view.number(constant);
  if (
    root === undefined ||
    sum === undefined ||
    mean === undefined ||
    square === undefined ||
    epsilon === undefined
  )
    return undefined;
  const axis = meanFrom(mean, view);
  return { of: square.of, axis, epsilon, nodes: [root, sum, mean, square.node] };
}

/** d / deviation(d), or d times its reciprocal. */
function normalized(node: Node | undefined, view: View) {
  if (node === undefined) return undefined;
  const split = (): readonly [top: string, below: string | undefined, nodes: readonly Node[]] | undefined => {
    if (node.op.name === "Div") return [node.inputs[0]!, node.inputs[1], []];
    const [inverse, top] = view.pair(node, (operand) => view.made(operand, "Reciprocal", "Div")) ?? [];
    if (inverse === undefined || top === undefined) return undefined;
    if (inverse.op.name === "Reciprocal") return [top, inverse.inputs[0], [inverse]];
    return isNear(view.number(inverse.inputs[0]), 1) ? [top, inverse.inputs[1], [inverse]] : undefined;
  };
  const [top, below, nodes] = split() ?? [];
  const [centre, spread] = [centred(top, view), deviation(below, view)];
  if (centre === undefined || spread === undefined || nodes === undefined) return undefined;
  // Some exporters subtract the mean twice.
  const again = spread.of === top ? undefined : centred(spread.of, view);
  if (spread.of !== top && again?.x !== centre.x) return undefined;
  if (spread.axis !== centre.axis) return undefined;
  return {
    ...{ x: centre.x, axis: centre.axis, epsilon: spread.epsilon },
    covers: [...new Set([node, ...nodes, ...centre.nodes, ...spread.nodes, ...(again?.nodes ?? [])])],
  };
}

/** A constant that spreads over the dimensions that are normalized, and over no others. */
const isGain = (value: string | undefined, x: string, axis: number, view: View): boolean => {
  const [gain, shape] = [view.constant(value)?.shape, view.shape(x)];
  if (gain === undefined || shape === undefined || gain.length > shape.length - axis) return false;
  return gain.every((size, i) => size === 1 || size === shape[shape.length - gain.length + i]);
};

/** With gain and bias, with a gain, or with neither. */
function find(root: Node, view: View): Match | undefined {
  const biased = root.op.name === "Add" ? view.pair(root, (value) => view.made(value, "Mul")) : undefined;
  const gained = biased?.[0] ?? (root.op.name === "Mul" ? root : undefined);
  const [inner, gain] = view.pair(gained, (value) => normalized(view.made(value, "Div", "Mul"), view)) ?? [];
  const bare = inner === undefined ? normalized(root, view) : undefined;
  const core = inner ?? bare;
  if (core === undefined || (biased === undefined && root.op.name === "Add")) return undefined;
  const { x, axis, epsilon } = core;
  const spreads = [gain, biased?.[1]].filter((value) => value !== undefined);
  if (!spreads.every((value) => isGain(value, x, axis, view))) return undefined;
  const ones = view.fresh(root, "ones");
  const { dtype } = view.type(x);
  return {
    node: fused(root, layerNormalization, [x, gain ?? ones, ...(biased ? [biased[1]] : [])], {
      axis,
      epsilon,
    }),
    covers: [...new Set([root, ...(gained && inner ? [gained] : []), ...core.covers])],
    ...(gain === undefined && { constants: new Map([[ones, tensorOf(dtype, [1], [1])]]) }),
  };
}

export const layerNorm: Pattern = { name: "layer normalization", find };
