import { callOf } from "./call.ts";
import type { Graph, Node } from "./graph.ts";
import type { Call } from "./ops/define.ts";
import { elementsIn, offsetsOf, type Tensor } from "./tensor.ts";

/** A constant that a node multiplies, as a matrix: a row for each result of a product. */
export interface Weight {
  /** Which of the node's inputs it is. */
  readonly input: number;
  readonly tensor: Tensor;
  /** The row that each element is of. */
  readonly channels: Int32Array;
  readonly rows: number;
  /** The channel of what it multiplies that each element reads. */
  readonly reads: Int32Array;
  /** The dimension that channels lie along, counted from the back, 0 the last, in what it reads and in what the node gives. */
  readonly axis: number;
  /** Whether the node's result is the product, with a channel for each row. */
  readonly isGiven: boolean;
}

/** A number for each element of a tensor, that grows by a step along some axes. */
export const along = (shape: readonly number[], steps: Readonly<Record<number, number>>): Int32Array =>
  offsetsOf(
    shape,
    shape.map((_, axis) => steps[axis] ?? 0),
  );

/** The weights of a node; the first is what its first input is multiplied by. None where one is no constant, or lies otherwise. */
export function weightsOf(node: Node, graph: Pick<Graph, "types" | "constants">): readonly Weight[] {
  const kind = KINDS[node.op.name];
  if (kind === undefined) return [];
  const found = kind.at.map((input) => {
    const tensor = graph.constants.get(node.inputs[input] ?? "");
    const lay = tensor && kind.lay(tensor.shape, callOf(node, graph));
    return tensor && lay && { input, tensor, ...lay };
  });
  return found.every((weight) => weight !== undefined) ? found : [];
}

type Lay = Omit<Weight, "input" | "tensor">;

interface Kind {
  /** Places of weights among a node's inputs. */
  readonly at: readonly number[];
  readonly lay: (shape: readonly number[], call: Call) => Lay | undefined;
}

/** @param input  the dimension of a matrix that the input's channels lie along */
const matrix = (shape: readonly number[], input: 0 | 1): Lay => ({
  channels: along(shape, { [1 - input]: 1 }),
  reads: along(shape, { [input]: 1 }),
  rows: shape[1 - input]!,
  ...{ axis: 0, isGiven: true },
});

/** `[directions][rows of all gates][inputs]`, or of one direction. */
function gates(shape: readonly number[]): Lay {
  const [rows, columns] = [shape.length - 2, shape.length - 1];
  const channels = along(shape, { 0: shape[rows]!, [rows]: 1 });
  const count = elementsIn(shape.slice(0, columns));
  return { channels, reads: along(shape, { [columns]: 1 }), rows: count, axis: 0, isGiven: false };
}

const RECURRENT: Kind = { at: [1, 2], lay: gates };

const KINDS: Readonly<Record<string, Kind>> = {
  Conv: {
    at: [1],
    lay(shape, call) {
      const [filters, depth, ...kernel] = shape as [number, number, ...number[]];
      const group = call.int("group");
      const grouped = [group, filters / group, depth, elementsIn(kernel)];
      const channels = along(grouped, { 0: filters / group, 1: 1 });
      const reads = along(grouped, { 0: depth, 2: 1 });
      return { channels, reads, rows: filters, axis: kernel.length, isGiven: true };
    },
  },
  Gemm: {
    at: [1],
    lay: (shape, call) => (call.int("transA") ? undefined : matrix(shape, call.int("transB") ? 1 : 0)),
  },
  MatMul: { at: [1], lay: (shape) => (shape.length === 2 ? matrix(shape, 0) : undefined) },
  Linear: { at: [1], lay: (shape) => matrix(shape, 0) },
  LSTM: RECURRENT,
  GRU: RECURRENT,
  RNN: RECURRENT,
  LstmStep: { at: [3, 4], lay: gates },
};
