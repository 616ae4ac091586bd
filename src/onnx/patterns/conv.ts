import type { Node } from "../graph.ts";
import { elementsIn, type Tensor, tensorOf } from "../tensor.ts";
import { DEEPEST, fused, type Match, type Pattern, type View } from "./view.ts";

/** What becomes of each channel: y = gain y + shift. */
interface Affine {
  readonly gain: Float64Array;
  readonly shift: Float64Array;
}

/** A constant's element for each of the channels, dimension 1 of `rank`; undefined where it differs along others. */
function perChannel(tensor: Tensor | undefined, channels: number, rank: number): Float64Array | undefined {
  if (tensor === undefined || tensor.shape.length > rank) return undefined;
  const lead = rank - tensor.shape.length;
  const isIt = tensor.shape.every((size, i) => size === 1 || (i + lead === 1 && size === channels));
  return isIt
    ? Float64Array.from({ length: channels }, (_, c) => tensor.data[tensor.data.length === 1 ? 0 : c]!)
    : undefined;
}

/** A node that multiplies or adds a constant to each channel. */
function affineOf(node: Node, channels: number, rank: number, view: View): Affine | undefined {
  const all = (value: number) => new Float64Array(channels).fill(value);
  const of = (value: string | undefined) => perChannel(view.constant(value), channels, rank);

  switch (node.op.name) {
    case "BatchNormalization": {
      const [scale, bias, mean, variance] = node.inputs.slice(1).map((value) => view.constant(value)?.data);
      if (!scale || !bias || !mean || !variance) return undefined;
      const epsilon = view.call(node).real("epsilon");
      const gain = Float64Array.from(scale, (value, c) => value / Math.sqrt(variance[c]! + epsilon));
      return { gain, shift: gain.map((value, c) => bias[c]! - value * mean[c]!) };
    }
    case "Mul":
    case "Add": {
      const [constant] = view.pair(node, of) ?? [];
      if (constant === undefined) return undefined;
      return node.op.name === "Mul" ? { gain: constant, shift: all(0) } : { gain: all(1), shift: constant };
    }
    case "Sub":
    case "Div": {
      const constant = of(node.inputs[1]);
      if (constant === undefined) return undefined;
      return node.op.name === "Div"
        ? { gain: constant.map((value) => 1 / value), shift: all(0) }
        : { gain: all(1), shift: constant.map((value) => -value) };
    }
    default:
      return undefined;
  }
}

/** The value whose channels a node may change, where all else that it reads is constant. */
function changed({ op, inputs }: Node, view: View): string | undefined {
  const isConstant = (value: string | undefined) => (view.constant(value) ? true : undefined);
  if (["Mul", "Add"].includes(op.name)) return view.pair({ inputs }, isConstant)?.[1];
  const isIt = ["BatchNormalization", "Sub", "Div"].includes(op.name) && inputs.slice(1).every(isConstant);
  return isIt ? inputs[0] : undefined;
}

/** From a node back to a convolution, by nodes that change channels; the convolution comes last. */
function chainTo(root: Node, view: View): readonly Node[] | undefined {
  const nodes = [root];
  for (let at = root; nodes.length <= DEEPEST; nodes.push(at)) {
    const next = view.made(changed(at, view), "Conv", "BatchNormalization", "Mul", "Add", "Sub", "Div");
    if (next === undefined) return undefined;
    if (next.op.name === "Conv") return [...nodes, next];
    at = next;
  }
  return undefined;
}

/** A convolution with constant weights, and everything after it that is a gain and a shift of its channels. */
function find(root: Node, view: View): Match | undefined {
  const chain = chainTo(root, view);
  const conv = chain?.at(-1);
  const [weight, bias] = [view.constant(conv?.inputs[1]), view.constant(conv?.inputs[2])];
  const rank = weight?.shape.length;
  if (chain === undefined || conv === undefined || weight === undefined || (conv.inputs[2] && !bias))
    return undefined;
  const channels = weight.shape[0]!;
  let [gain, shift] = [new Float64Array(channels).fill(1), new Float64Array(channels)];
  for (const node of chain.slice(0, -1)) {
    const affine = affineOf(node, channels, rank!, view);
    if (affine === undefined) return undefined;
    shift = shift.map((value, c) => value + gain[c]! * affine.shift[c]!);
    gain = gain.map((value, c) => value * affine.gain[c]!);
  }
  if (![...gain, ...shift].every(Number.isFinite)) return undefined;
  const area = elementsIn(weight.shape.slice(1));
  const weights = Float64Array.from(weight.data, (value, i) => value * gain[(i - (i % area)) / area]!);
  const biases = shift.map((value, c) => value + gain[c]! * (bias?.data[c] ?? 0));
  const [W, B] = [view.fresh(root, "W"), view.fresh(root, "B")];
  return {
    node: {
      ...fused(root, conv.op, [conv.inputs[0]!, W, B]),
      opset: conv.opset,
      attributes: conv.attributes,
    },
    covers: chain,
    constants: new Map([
      [W, tensorOf(weight.dtype, weight.shape, weights)],
      [B, tensorOf(weight.dtype, [channels], biases)],
    ]),
  };
}

export const foldedConv: Pattern = { name: "gain and bias folded into convolution", find };
