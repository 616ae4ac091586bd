import { type Builder, rowOf, type Tensor } from "../builder.ts";
import { lowerCopy, lowerZero } from "../elementwise.ts";
import { lowerLinear } from "../linear/lower.ts";
import type { QConv } from "./quantize.ts";
import { type ConvShape, outputSize, paddedWidth, tapsOf } from "./shape.ts";

/**
 * The convolution of an image `[height * width][channels]` into `[rows * columns][outputs]`. A row of results is a sum of matrix
 * products, one for each tap, over vectors that overlap where windows do: none of them is copied.
 */
export function lowerConv(b: Builder, q: QConv, input: Tensor, output: Tensor): void {
  const { shape, layer } = q;
  const [rows, columns] = outputSize(shape);
  b.scratch(() => {
    const padded = lowerPadding(b, shape, input);
    const strides = { ...padded, length: shape.stride[1] * shape.channels };
    const perRow = paddedWidth(shape) / shape.stride[1];
    for (let row = 0; row < rows; row++) {
      const inputs = tapsOf(shape).map((tap) =>
        rowOf(strides, (row * shape.stride[0] + tap.row) * perRow + tap.block),
      );
      lowerLinear(b, layer, inputs, { ...rowOf(output, row * columns), count: columns });
    }
  });
}

/** The input with zeros around it; the input itself where it needs none. */
function lowerPadding(b: Builder, shape: ConvShape, input: Tensor): Tensor {
  const { height, width, channels, padding } = shape;
  const across = paddedWidth(shape);
  const down = height + padding.top + padding.bottom;
  if (down === height && across === width) return input;
  const padded = b.map.tensor(input.grid, channels, down * across);
  lowerZero(b, padded);
  for (let row = 0; row < height; row++)
    lowerCopy(
      b,
      { ...rowOf(input, row * width), count: width },
      rowOf(padded, (row + padding.top) * across + padding.left),
    );
  return padded;
}
