import { exactConv } from "../../../kernels/conv/exact.ts";
import { lowerConv } from "../../../kernels/conv/lower.ts";
import { type QConv, quantizeConv } from "../../../kernels/conv/quantize.ts";
import { type ConvShape, outputSize } from "../../../kernels/conv/shape.ts";
import { widenConv } from "../../../kernels/conv/widen.ts";
import type { Matrix } from "../../../kernels/tensors.ts";
import { asPlane, axesOf } from "../../../onnx/ops/window.ts";
import type { Tensor as Real } from "../../../onnx/tensor.ts";
import { kind } from "../define.ts";
import type { Operation } from "../operation.ts";
import { channelsLast, joined, vectorsOf } from "../order.ts";

/** The geometry; sizes of the input only where they are known. */
function shapeOf(op: Operation): ConvShape {
  const w = op.constant(1)!;
  const [down, across] = asPlane(axesOf(op.call, w.shape.slice(2))!);
  const size = (n: number | string): number => (typeof n === "number" ? n : 0);
  return {
    ...{ height: size(down.input), width: size(across.input) },
    channels: w.shape[1]! * op.call.int("group"),
    kernel: [down.kernel, across.kernel],
    stride: [down.stride, across.stride],
    dilation: [down.dilation, across.dilation],
    padding: { top: down.before, left: across.before, bottom: down.after, right: across.after },
  };
}

/**
 * Kernels as rows, channels fastest. Those of a group are zero over the channels of all others: the array has no groups, and
 * multiplies by these zeros.
 */
function weightOf(op: Operation, { channels }: ConvShape): Matrix {
  const { shape, data } = op.constant(1)!;
  const [rows, depth] = shape as [number, number];
  const area = shape.slice(2).reduce((all, size) => all * size, 1);
  const perGroup = rows / op.call.int("group");
  const columns = area * channels;
  const weight = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const first = ((r - (r % perGroup)) / perGroup) * depth;
    for (let c = 0; c < depth; c++)
      for (let k = 0; k < area; k++)
        weight[r * columns + k * channels + first + c] = data[(r * depth + c) * area + k]!;
  }
  return { rows, columns, data: weight };
}

/** What the kernel sees on average over all its places, in the order of `weightOf`; padding is 0. */
function meanOf({ data }: Real, shape: ConvShape): Float64Array {
  const { height, width, channels, kernel, stride, dilation, padding } = shape;
  const [rows, columns] = outputSize(shape);
  const mean = new Float64Array(kernel[0] * kernel[1] * channels);
  const sumAt = (from: number, i: number, j: number): number => {
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      const y = row * stride[0] + i * dilation[0] - padding.top;
      if (y < 0 || y >= height) continue;
      for (let column = 0; column < columns; column++) {
        const x = column * stride[1] + j * dilation[1] - padding.left;
        if (x >= 0 && x < width) sum += data[from + y * width + x]!;
      }
    }
    return sum;
  };
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++)
      for (let c = 0; c < channels; c++)
        mean[(i * kernel[1] + j) * channels + c] = sumAt(c * height * width, i, j) / (rows * columns);
  return mean;
}

/** A convolution of one dimension or two, of one image. */
export const conv = kind<QConv>({
  name: "conv",
  ops: ["Conv"],
  isWide: true,
  saturates: true,
  refusal(op) {
    if (op.constant(1) === undefined || (op.call.has(2) && op.constant(2) === undefined))
      return "its weights are no constants";
    const batch = op.call.shape(0)?.[0];
    return typeof batch === "number" && batch !== 1 ? `a batch of ${batch} images is not 1` : undefined;
  },
  observe: (op, [x], tap) => tap("input", meanOf(x!, shapeOf(op)), "averaged"),
  quantize(op, { inputs: [input], outputs: [output], ranges, numerics }) {
    const shape = shapeOf(op);
    const bias = op.constant(2);
    const params = {
      ...{ shape, weight: weightOf(op, shape) },
      ...(bias && { bias: Float64Array.from(bias.data) }),
    };
    const { weight_bits: weightBits } = numerics.recipe;
    return quantizeConv(params, input!, output!, weightBits, numerics, ranges.meanOf("input"));
  },
  outputs: ({ layer }) => [layer.output],
  matrices: ({ layer }) => layer.parts.map(({ weights }) => weights),
  widen: widenConv,
  place({ layer }, op) {
    const q: QConv = { shape: shapeOf(op), layer };
    const order = channelsLast(op.shape(0).length);
    const { channels, height, width } = q.shape;
    const [rows, columns] = outputSize(q.shape);
    return {
      inputs: [{ order }],
      outputs: [{ order }],
      vectors: columns,
      exact: ([x], arch) => [joined(exactConv(q, vectorsOf(x!, channels), arch))],
      lower: (b, [x], [y]) =>
        lowerConv(
          b,
          q,
          { ...x!, length: channels, count: height * width },
          { ...y!, length: layer.rows, count: rows * columns },
        ),
    };
  },
});
