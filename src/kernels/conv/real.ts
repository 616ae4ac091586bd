import { addTo, type LinearParams, product } from "../linear/real.ts";
import { expectLength, type Tap } from "../tensors.ts";
import { type ConvShape, outputSize } from "./shape.ts";

/** A convolution; each row of the weight is a kernel: `[outputs][kernel rows][kernel columns][channels]`. */
export interface ConvParams extends LinearParams {
  readonly shape: ConvShape;
}

/**
 * The convolution (cross-correlation, as ONNX and PyTorch have it) over the reals: pixels `[height * width][channels]` to
 * `[rows * columns][outputs]`. Sites: `input` (averaged: what the kernel sees, in the order of a row of the weight), `output`.
 *
 * @throws RangeError where the pixels do not fit the shape
 */
export function convolve(
  { shape, weight, bias }: ConvParams,
  pixels: readonly Float64Array[],
  tap?: Tap,
): Float64Array[] {
  expectLength("a convolution's input", pixels, shape.height * shape.width);
  return windowsOf(shape, pixels, new Float64Array(shape.channels)).map((window) => {
    tap?.("input", window, "averaged");
    const y = product(weight, window);
    if (bias) addTo(y, bias);
    tap?.("output", y);
    return y;
  });
}

/** What the kernel sees at each of its places. @param outside  a pixel of the padding */
function windowsOf(shape: ConvShape, pixels: readonly Float64Array[], outside: Float64Array): Float64Array[] {
  const { height, width, channels, kernel, stride, dilation, padding } = shape;
  const [rows, columns] = outputSize(shape);
  const window = (row: number, column: number) => {
    const seen = new Float64Array(kernel[0] * kernel[1] * channels);
    for (let i = 0; i < kernel[0]; i++) {
      for (let j = 0; j < kernel[1]; j++) {
        const y = row * stride[0] + i * dilation[0] - padding.top;
        const x = column * stride[1] + j * dilation[1] - padding.left;
        const isInside = y >= 0 && y < height && x >= 0 && x < width;
        seen.set(isInside ? pixels[y * width + x]! : outside, (i * kernel[1] + j) * channels);
      }
    }
    return seen;
  };
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => window(row, column)),
  ).flat();
}
