import type { Grid } from "../../fixed/real.ts";
import type { Numerics } from "../../quant/numerics.ts";
import { type QLinear, quantizeLinear } from "../linear/quantize.ts";
import type { Matrix } from "../tensors.ts";
import type { ConvParams } from "./real.ts";
import { type ConvShape, type Tap, tapsOf } from "./shape.ts";

/** An integer convolution: an affine layer whose parts are the taps of the kernel. */
export interface QConv {
  readonly shape: ConvShape;
  readonly layer: QLinear;
}

/**
 * All taps share the input's grid, and so one accumulator; the padding is the code of 0.
 * @param mean  of what the kernel sees, in the order of a row of the weight, where calibration has averaged that
 */
export const quantizeConv = (
  { shape, weight, bias }: ConvParams,
  input: Grid,
  output: Grid,
  weightBits: number,
  numerics: Numerics,
  mean?: Float64Array,
): QConv => {
  const means = mean && matricesOf(shape, { rows: 1, columns: mean.length, data: mean });
  const parts = matricesOf(shape, weight).map((part, i) => ({
    ...{ weight: part, grid: input },
    mean: means && Float64Array.from(means[i]!.data),
  }));
  return { shape, layer: quantizeLinear(parts, bias, output, weightBits, numerics) };
};

/** The kernels of a weight, tap by tap: what each multiplies, which are real numbers or codes. */
export const matricesOf = (shape: ConvShape, weight: Matrix): Matrix[] =>
  tapsOf(shape).map((tap) => columnsOfTap(shape, weight, tap));

/** What a tap multiplies a stride of pixels by: the kernel's columns at their places, zeros between. */
function columnsOfTap({ kernel, stride, channels }: ConvShape, weight: Matrix, tap: Tap): Matrix {
  const columns = stride[1] * channels;
  const data = new Float64Array(weight.rows * columns);
  for (let r = 0; r < weight.rows; r++) {
    for (const { kernel: column, at } of tap.columns) {
      const from = r * weight.columns + (tap.kernelRow * kernel[1] + column) * channels;
      data.set(weight.data.subarray(from, from + channels), r * columns + at * channels);
    }
  }
  return { rows: weight.rows, columns, data };
}
