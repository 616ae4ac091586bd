import type { Settings } from "../../../arch/fields.ts";
import type { Builder, Tensor } from "../../../kernels/builder.ts";
import { exactNorm } from "../../../kernels/norm/exact.ts";
import { lowerNorm } from "../../../kernels/norm/lower.ts";
import { type QNorm, quantizeNorm } from "../../../kernels/norm/quantize.ts";
import { type NormParams, norm as realNorm } from "../../../kernels/norm/real.ts";
import { widenNorm } from "../../../kernels/norm/widen.ts";
import { exactSoftmax } from "../../../kernels/softmax/exact.ts";
import { lowerSoftmax } from "../../../kernels/softmax/lower.ts";
import { type QSoftmax, quantizeSoftmax } from "../../../kernels/softmax/quantize.ts";
import { softmax as realSoftmax } from "../../../kernels/softmax/real.ts";
import { widenSoftmax } from "../../../kernels/softmax/widen.ts";
import { elementsIn, type Tensor as Real } from "../../../onnx/tensor.ts";
import { kind, type Order, type Placement } from "../define.ts";
import type { Operation } from "../operation.ts";
import { innermost, joined, vectorsOf } from "../order.ts";

/** Operators that take a value row by row. */

/** What computes rows that lie one behind the other. */
interface RowKernel {
  exact(row: Int32Array, arch: Settings): Int32Array;
  lower(b: Builder, x: Tensor, y: Tensor): void;
}

/**
 * A kernel over all rows along one axis, whatever the order of the others is in memory.
 *
 * @param length  of a row of the result
 */
export function rowWise(
  op: Operation,
  natural: Order,
  axis: number,
  length: number,
  kernel: RowKernel,
): Placement & { readonly vectors: number } {
  const shape = op.shape(0);
  const read = shape[axis]!;
  const count = elementsIn(shape) / read;
  const order = innermost(natural, axis);
  return {
    inputs: [{ order }],
    outputs: [{ order }],
    vectors: count,
    exact: ([x], arch) => [joined(vectorsOf(x!, read).map((row) => kernel.exact(row, arch)))],
    lower: (b, [x], [y]) => kernel.lower(b, { ...x!, length: read, count }, { ...y!, length, count }),
  };
}

/** Rows of the last dimension. */
function* rowsOf({ shape, data }: Real): Generator<Float64Array> {
  const length = shape.at(-1)!;
  for (let at = 0; at < data.length; at += length) yield Float64Array.from(data.subarray(at, at + length));
}

function normOf(op: Operation): NormParams {
  const n = op.shape(0).at(-1)!;
  const spread = (part: Real | undefined, otherwise: number) =>
    Float64Array.from({ length: n }, (_, i) => part?.data[part.data.length === 1 ? 0 : i] ?? otherwise);
  const [gain, shift] = [spread(op.constant(1), 1), spread(op.constant(2), 0)];
  return { kind: "layer", gain, shift, epsilon: op.call.real("epsilon") };
}

/** Layer normalization over the last dimension. */
export const norm = kind<QNorm>({
  name: "norm",
  ops: ["LayerNormalization"],
  widths: ({ norm_bits }) => ({ outputs: [norm_bits] }),
  refusal(op) {
    const shape = op.call.shape(0);
    if (shape === undefined || op.call.axis(op.call.int("axis"), shape.length) !== shape.length - 1)
      return "is not over the last dimension alone";
    if (op.results.length > 1) return "its mean and deviation are asked for";
    return op.active.length === 1 ? undefined : "its gain or bias is no constant";
  },
  observe(op, [x], tap) {
    const params = normOf(op);
    for (const row of rowsOf(x!)) realNorm(params, row, tap);
  },
  quantize: (op, { inputs: [input], outputs: [output], ranges, numerics }) =>
    quantizeNorm(normOf(op), input!, ranges, 1, output!, numerics),
  outputs: ({ output }) => [output],
  widen: widenNorm,
  place: (q, op, [natural]) =>
    rowWise(op, natural!, op.shape(0).length - 1, q.n, {
      exact: (row, arch) => exactNorm(q, row, arch),
      lower: (b, x, y) => lowerNorm(b, q, x, y),
    }),
});

/** The dimension that becomes shares, from the front; undefined where several do, as before opset 13. */
function axisOf({ call }: Operation): number | undefined {
  const shape = call.shape(0);
  if (shape === undefined) return undefined;
  const axis = call.axis(call.int("axis"), shape.length);
  const isAlone = call.opset >= 13 || shape.slice(axis + 1).every((size) => size === 1);
  return isAlone ? axis : undefined;
}

/** Softmax over one dimension. */
export const softmax = kind<QSoftmax>({
  name: "softmax",
  ops: ["Softmax"],
  widths: ({ score_bits, alpha_bits }) => ({ input: score_bits, outputs: [alpha_bits] }),
  refusal: (op) => (axisOf(op) === undefined ? "is over several dimensions" : undefined),
  observe(op, [x], tap) {
    const { shape, data } = x!;
    const axis = axisOf(op)!;
    const stride = elementsIn(shape.slice(axis + 1));
    const n = shape[axis]!;
    for (let from = 0; from < data.length; from += n * stride)
      for (let i = from; i < from + stride; i++)
        realSoftmax(
          Float64Array.from({ length: n }, (_, k) => data[i + k * stride]!),
          tap,
        );
  },
  quantize: (_op, { inputs: [input], ranges, numerics }) =>
    quantizeSoftmax(input!, numerics, ranges.lookupsOf("below")),
  outputs: ({ output }) => [output],
  widen: widenSoftmax,
  place(q, op, [natural]) {
    const axis = axisOf(op)!;
    return rowWise(op, natural!, axis, op.shape(0)[axis]!, {
      exact: (row, arch) => exactSoftmax(q, row, arch),
      lower: (b, x, y) => lowerSoftmax(b, q, x, y),
    });
  },
});
