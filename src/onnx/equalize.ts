import { callOf } from "./call.ts";
import { freshName, type Graph, type Node, pruned, readsOf } from "./graph.ts";
import { type Given, type Link, levelLinks, type Reading } from "./level.ts";
import { broadcastStrides, isConcrete, offsetsOf, stridesOf, tensorOf } from "./tensor.ts";
import { along, weightsOf } from "./weights.ts";

/** Two layers, one right behind the other, by the names of their nodes. */
interface Pair {
  readonly first: string;
  readonly second: string;
}

/** A graph whose layers share their ranges, and which they are, in the order of the graph. */
export interface Equalized {
  readonly graph: Graph;
  readonly pairs: readonly Pair[];
}

/** A constant of a node, as it is changed. */
interface Held extends Given {
  readonly node: Node;
  /** Which of the node's inputs it is. */
  readonly input: number;
  readonly shape: readonly number[];
}

/** A layer with constant weights: `channels` of its weight are those of its output. */
interface Layer extends Held, Reading {
  /** The dimension that channels lie along, counted from the back, 0 the last: in what it reads and gives. */
  readonly axis: number;
  /** Channels that it gives, a factor of which is one of its results; undefined where there are none such. */
  readonly count: number | undefined;
}

interface NodeLink extends Link {
  readonly first: Layer;
  readonly second: Layer;
  readonly shifts: readonly Held[];
}

/** Steps that a positive factor of a channel passes through unchanged. */
const HOMOGENEOUS: readonly string[] = [
  ...["Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"],
];
/** Steps that leave elements in their order, row by row, whatever the axes. */
const ROW_MAJOR: readonly string[] = ["Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze"];

/**
 * Cross-layer equalization of all pairs of layers, as `levelLinks` has it. Results differ by roundings only.
 *
 * A chain is of Conv, Gemm and MatMul with constant weights, depthwise ones too, and may end in an LSTM, GRU or RNN. In between are
 * Relu, LeakyRelu, pooling, constants that are added, and layout that keeps channels together; what flows is read once. Nodes
 * within branches stay as they are.
 */
export function equalize(graph: Graph): Equalized {
  const links = linksOf(graph);
  levelLinks(links);
  const layers = links.flatMap(({ first, second, shifts }) => [first, second, ...shifts]);
  return {
    graph: withConstants(graph, new Set(layers)),
    pairs: links.map(({ first, second }) => ({ first: first.node.name, second: second.node.name })),
  };
}

function withConstants(graph: Graph, changed: ReadonlySet<Held>): Graph {
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const inputs = new Map<Node, string[]>();
  for (const { node, input, shape, values } of changed) {
    const own = inputs.get(node) ?? [...node.inputs];
    // Others may read the constant that was there.
    const name = freshName(`${own[input]!} equalized`, types);
    const tensor = tensorOf(types.get(own[input]!)!.dtype, shape, values);
    own[input] = name;
    constants.set(name, tensor);
    types.set(name, tensor);
    inputs.set(node, own);
  }
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: inputs.get(node) ?? node.inputs }));
  return { ...pruned(graph, nodes, constants), types };
}

/** Pairs of layers, a layer being the same object in both of its pairs. */
function linksOf(graph: Graph): NodeLink[] {
  const layers = new Map<Node, Layer>();
  for (const node of graph.nodes) {
    const layer = layerOf(node, graph);
    if (layer !== undefined) layers.set(node, layer);
  }
  const readers = readersOf(graph);
  return [...layers.values()].flatMap((first) => linkFrom(first, layers, readers, graph) ?? []);
}

/** The nodes that read each value, one as often as it does; undefined where it is read in a branch or from outside. */
type Readers = ReadonlyMap<string, readonly (Node | undefined)[]>;

function readersOf({ nodes, outputs }: Graph): Readers {
  const readers = new Map<string, (Node | undefined)[]>();
  const read = (value: string, by: Node | undefined) => {
    const known = readers.get(value);
    if (known === undefined) readers.set(value, [by]);
    else known.push(by);
  };
  for (const { value } of outputs) read(value, undefined);
  for (const node of nodes) {
    for (const name of node.inputs) read(name, node);
    for (const name of readsOf({ ...node, inputs: [] })) read(name, undefined);
  }
  return readers;
}

/** Follows what a layer gives to the layer that reads it. */
function linkFrom(
  first: Layer,
  layers: ReadonlyMap<Node, Layer>,
  readers: Readers,
  graph: Graph,
): NodeLink | undefined {
  const { count } = first;
  // Of a single channel there is nothing to level.
  if (count === undefined || count === 1) return undefined;
  const shifts: Held[] = [];
  const hold = (node: Node, input: number, axis: number): boolean => {
    const held = shiftOf(node, input, { axis, count }, graph);
    if (held !== undefined) shifts.push(held);
    return held !== undefined;
  };
  if (first.node.inputs[BIAS] && !hold(first.node, BIAS, 0)) return undefined;
  let value = first.node.outputs[0]!;
  let axis: number | undefined = first.axis;
  while (axis !== undefined) {
    const [reader, ...others]: readonly (Node | undefined)[] = readers.get(value) ?? [];
    if (reader === undefined || others.length > 0) return undefined;
    const second = layers.get(reader);
    if (second !== undefined)
      return reader.inputs[0] === value && second.axis === axis
        ? { first, second, count, shifts }
        : undefined;
    if (reader.op.name === "Add") {
      if (!hold(reader, reader.inputs[0] === value ? 1 : 0, axis)) return undefined;
    } else if (!HOMOGENEOUS.includes(reader.op.name)) axis = movedAxis(reader, axis, count, graph);
    value = reader.outputs[0]!;
  }
  return undefined;
}

/** Where a step of layout leaves the axis of `count` channels, counted from the back; undefined where it does not stay whole. */
function movedAxis(node: Node, axis: number, count: number, graph: Graph): number | undefined {
  const [from, to] = [node.inputs[0]!, node.outputs[0]!].map((name) => graph.types.get(name)?.shape);
  if (!isConcrete(from) || !isConcrete(to)) return undefined;
  const front = from.length - 1 - axis;
  if (node.op.name === "Transpose") {
    const turned = callOf(node, graph).list("perm")?.indexOf(front) ?? axis;
    return to.length - 1 - turned;
  }
  if (!ROW_MAJOR.includes(node.op.name)) return undefined;
  const strides = stridesOf(to);
  const at = to.findIndex((size, i) => size === count && strides[i] === stridesOf(from)[front]);
  return at < 0 ? undefined : to.length - 1 - at;
}

/** A constant that is added to a layer's output channels, along `axis` from the back, with an element for each of them. */
function shiftOf(
  node: Node,
  input: number,
  { axis, count }: { readonly axis: number; readonly count: number },
  { constants, types }: Graph,
): Held | undefined {
  const tensor = constants.get(node.inputs[input]!);
  const rank = types.get(node.outputs[0]!)?.shape?.length;
  if (tensor === undefined || rank === undefined || tensor.shape.length > rank) return undefined;
  const ones = new Array<number>(Math.max(0, axis + 1 - tensor.shape.length)).fill(1);
  const padded = [...ones, ...tensor.shape];
  const at = padded.length - 1 - axis;
  if (padded[at] !== 1 && padded[at] !== count) return undefined;
  const shape = padded.with(at, count);
  const places = offsetsOf(shape, broadcastStrides(tensor.shape, shape));
  const values = Float64Array.from(places, (place) => tensor.data[place]!);
  return { node, input, shape, values, channels: along(shape, { [at]: 1 }) };
}

const BIAS = 2;

function layerOf(node: Node, graph: Graph): Layer | undefined {
  const [weight] = weightsOf(node, graph);
  if (weight === undefined) return undefined;
  const { tensor, isGiven, rows, ...lay } = weight;
  const values = Float64Array.from(tensor.data);
  return { ...lay, node, shape: tensor.shape, values, count: isGiven ? rows : undefined };
}
