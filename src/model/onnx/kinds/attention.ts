import { bytesOf, plus, type Tensor } from "../../../kernels/builder.ts";
import { exactDotAttention } from "../../../kernels/dot-attention/exact.ts";
import { lowerDotAttention } from "../../../kernels/dot-attention/lower.ts";
import { type QDotAttention, quantizeDotAttention } from "../../../kernels/dot-attention/quantize.ts";
import { attendByDots } from "../../../kernels/dot-attention/real.ts";
import { widenDotAttention } from "../../../kernels/dot-attention/widen.ts";
import {
  exactLaneProduct,
  lowerLaneProduct,
  type QLaneProduct,
  quantizeLaneProduct,
  widenLaneProduct,
} from "../../../kernels/lane-product.ts";
import { eachVector, type Rows } from "../../../kernels/vectors.ts";
import { broadcastStrides, elementsIn, offsetsOf, type Tensor as Real } from "../../../onnx/tensor.ts";
import { kind, type Order } from "../define.ts";
import type { Operation } from "../operation.ts";
import { joined, rowMajor, vectorsOf } from "../order.ts";

/** Products of two values: attention, and what it is made of. */

/** Sizes of softmax(Q K') V: heads are all dimensions before the matrices. */
interface Heads {
  readonly outer: readonly number[];
  readonly heads: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly v: number;
  /** Whether keys are rows [n][k]. */
  readonly isTurned: boolean;
}

function headsOf(op: Operation): Heads {
  const [q, k, v] = [0, 1, 2].map((i) => op.shape(i)) as [readonly number[], ...(readonly number[])[]];
  const isTurned = op.call.int("transK") !== 0;
  const outer = op.resultShape.slice(0, -2);
  return {
    ...{ outer, heads: elementsIn(outer), isTurned },
    ...{ m: q.at(-2)!, k: q.at(-1)!, n: k!.at(isTurned ? -2 : -1)!, v: v!.at(-1)! },
  };
}

/** Tokens outside, the heads of each side by side. */
const byTokens = (rank: number, isTurned = true): Order => {
  const [token, feature] = isTurned ? [rank - 2, rank - 1] : [rank - 1, rank - 2];
  return [token, ...rowMajor(rank - 2), feature];
};

/** Rows of one matrix of an operand: `count` of `length`, found by their strides; outer dimensions are repeated. */
function rowsOf(
  { shape, data }: Real,
  outer: readonly number[],
  head: number,
  isTurned = true,
): Float64Array[] {
  const strides = broadcastStrides(shape.slice(0, -2), outer);
  const [rows, columns] = shape.slice(-2) as [number, number];
  const at = offsetsOf(
    outer,
    strides.map((stride) => stride * rows * columns),
  )[head]!;
  const [count, length] = isTurned ? [rows, columns] : [columns, rows];
  const [row, column] = isTurned ? [columns, 1] : [1, columns];
  return Array.from({ length: count }, (_, r) =>
    Float64Array.from({ length }, (_, c) => data[at + r * row + c * column]!),
  );
}

/** Softmax attention of every head. */
export const attention = kind<QDotAttention>({
  name: "attention",
  ops: ["SoftmaxAttention"],
  widths: ({ context_bits }) => ({ outputs: [context_bits] }),
  refusal(op) {
    if (op.node.inputs.length > 3) return "has a mask";
    return op.active.length === 3 ? undefined : "has constants among queries, keys and values";
  },
  observe(op, [q, k, v], tap) {
    const { outer, heads, isTurned } = headsOf(op);
    const params = { scale: op.call.real("scale") };
    for (let head = 0; head < heads; head++) {
      const keys = rowsOf(k!, outer, head, isTurned);
      attendByDots(params, rowsOf(q!, outer, head), keys, rowsOf(v!, outer, head), tap);
    }
  },
  quantize: (op, { inputs: [query, key, value], outputs: [context], ranges, numerics }) =>
    quantizeDotAttention(
      { scale: op.call.real("scale") },
      { query: query!, key: key!, value: value! },
      context!,
      ranges,
      numerics,
    ),
  outputs: ({ context }) => [context.output],
  widen: widenDotAttention,
  place(q, op) {
    const { outer, heads, m, n, k, v, isTurned } = headsOf(op);
    const rank = outer.length + 2;
    const keyShape = isTurned ? [n, k] : [k, n];
    const headOf = (codes: Int32Array, length: number, head: number) =>
      vectorsOf(codes, length).filter((_, i) => i % heads === head);
    const part = (tensor: Tensor, count: number, length: number, head: number): Rows => ({
      ...{ ...tensor, at: plus(tensor.at, bytesOf(tensor, head * length)), length, count },
      row: heads * length,
    });
    return {
      inputs: [
        { order: byTokens(rank), over: [...outer, m, k] },
        { order: byTokens(rank, isTurned), over: [...outer, ...keyShape] },
        { order: byTokens(rank), over: [...outer, n, v] },
      ],
      outputs: [{ order: byTokens(rank) }],
      exact(codes, arch) {
        const contexts = Array.from({ length: heads }, (_, head) => {
          const [queries, keys, values] = [k, k, v].map((length, i) => headOf(codes[i]!, length, head));
          return exactDotAttention(q, queries!, keys!, values!, arch);
        });
        return [joined(Array.from({ length: m }, (_, t) => contexts.map((own) => own[t]!)).flat())];
      },
      lower(b, [queries, keys, values], [contexts]) {
        for (let head = 0; head < heads; head++) {
          const own = {
            queries: part(queries!, m, k, head),
            keys: part(keys!, n, k, head),
            values: part(values!, n, v, head),
          };
          b.label(`head${head}`, () => lowerDotAttention(b, q, own, part(contexts!, m, v, head)));
        }
      },
    };
  },
});

/** A product of two matrices neither of which is constant. */
export const matrices = kind<QLaneProduct>({
  name: "matrices",
  ops: ["MatMul"],
  refusal(op) {
    if (op.active.length !== 2) return "multiplies a constant matrix by a value";
    const isFlat = [0, 1].some((i) => (op.call.shape(i)?.length ?? 2) < 2);
    return isFlat ? "multiplies a vector" : undefined;
  },
  quantize: (_op, { inputs: [left, right], outputs: [output], numerics }) =>
    quantizeLaneProduct(right!, left!, output!, numerics),
  outputs: ({ output }) => [output],
  widen: widenLaneProduct,
  place(q, op) {
    const [left, right] = [op.shape(0), op.shape(1)];
    const outer = op.resultShape.slice(0, -2);
    const [m, k] = left.slice(-2) as [number, number];
    const n = right.at(-1)!;
    const order = rowMajor(outer.length + 2);
    const count = elementsIn(outer);
    const matrix = (tensor: Tensor, rows: number, length: number, i: number): Tensor => ({
      ...{ ...tensor, at: plus(tensor.at, bytesOf(tensor, i * rows * length)) },
      ...{ length, count: rows },
    });
    return {
      inputs: [
        { order, over: [...outer, m, k] },
        { order, over: [...outer, k, n] },
      ],
      outputs: [{ order }],
      exact([a, b], arch) {
        const [rows, columns] = [vectorsOf(a!, k), vectorsOf(b!, n)];
        return [
          joined(
            rows.map((row, i) => {
              const first = ((i - (i % m)) / m) * k;
              return exactLaneProduct(q, columns.slice(first, first + k), row, arch);
            }),
          ),
        ];
      },
      lower(b, [x, w], [y]) {
        for (let i = 0; i < count; i++) {
          const columns = matrix(w!, k, n, i);
          eachVector(b, matrix(x!, m, k, i), matrix(y!, m, n, i), (row, result) =>
            lowerLaneProduct(b, q, columns, row, result),
          );
        }
      },
    };
  },
});
