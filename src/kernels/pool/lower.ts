import { type Builder, rowOf, type Tensor } from "../builder.ts";
import { lowerCopy, lowerMaximum } from "../elementwise.ts";
import { type PoolShape, pooledSize } from "./shape.ts";

/**
 * The largest codes of windows: first of the rows of a window, which lie in one piece over the whole width, then of the pixels in what
 * they leave. Input and output are on one grid.
 */
export function lowerMaxPool(b: Builder, shape: PoolShape, input: Tensor, output: Tensor): void {
  const { width, channels, window } = shape;
  const [rows, columns] = pooledSize(shape);
  const [down, across] = window;
  b.scratch(() => {
    const high = b.map.tensor(input.grid, width * channels, rows);
    const inRows = { ...input, length: width * channels };
    for (let row = 0; row < rows; row++) lowerLargest(b, inRows, row * down, down, rowOf(high, row));
    const inPixels = { ...high, length: channels };
    for (let pixel = 0; pixel < rows * columns; pixel++)
      lowerLargest(b, inPixels, pixel * across, across, rowOf(output, pixel));
  });
}

/** Of `count` vectors from the one at `from` on. */
function lowerLargest(b: Builder, vectors: Tensor, from: number, count: number, output: Tensor): void {
  if (count === 1) lowerCopy(b, rowOf(vectors, from), output);
  for (let i = 1; i < count; i++)
    lowerMaximum(b, i === 1 ? rowOf(vectors, from) : output, rowOf(vectors, from + i), output);
}
