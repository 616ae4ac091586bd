import { roundReal } from "../../fixed/real.ts";
import { ceilDiv } from "../../fixed/round.ts";
import { type Tensor, tensorOf } from "../../onnx/tensor.ts";
import type { Line } from "../lines/lines.ts";

/** Rows of a picture as the network takes it, and channels, which are equal where it is grey. */
const ROWS = 48;
const CHANNELS = 3;
/** Columns of a picture to a frame of the network's. */
const PITCH = 8;

/** Columns of a line, as high as the network wants it; and frames, in the last of which there may be blank columns. */
const columnsOf = ({ width, height }: Pick<Line, "width" | "height">): number =>
  ceilDiv(ROWS * width, height);
export const framesOf = (line: Pick<Line, "width" | "height">): number => ceilDiv(columnsOf(line), PITCH);

/** Shape of a picture of so many frames. */
export const pictureShape = (frames: number): readonly number[] => [1, CHANNELS, ROWS, PITCH * frames];

/**
 * A line as the network takes it: 48 rows high by bilinear interpolation between pixels' centres, rounded to 8 bits, then from 0 … 255
 * to -1 … 1, three times the same; columns behind the line are 0.
 */
export function pictureOf(line: Line): Tensor {
  const shape = pictureShape(framesOf(line));
  const width = shape[3]!;
  const data = new Float64Array(CHANNELS * ROWS * width);
  const [rows, columns] = [
    placesOf(line.height, ROWS, line.height / ROWS),
    placesOf(line.width, columnsOf(line), line.height / ROWS),
  ];
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      const at = (i: number, j: number) => line.pixels[i * line.width + j]!;
      const above = between(at(row.first, column.first), at(row.first, column.second), column.share);
      const below = between(at(row.second, column.first), at(row.second, column.second), column.share);
      const pixel = roundReal(between(above, below, row.share), "half-away");
      for (let channel = 0; channel < CHANNELS; channel++)
        data[(channel * ROWS + y) * width + x] = (pixel / 255 - 0.5) / 0.5;
    }
  }
  return tensorOf("float32", shape, data);
}

const between = (a: number, b: number, share: number): number => a + share * (b - a);

/** Two neighbours, and how much of the second one there is. */
interface Place {
  readonly first: number;
  readonly second: number;
  readonly share: number;
}

/** Where `count` pixels' centres lie among `size` others, of which each is `scale` of. Beyond the last centre nothing changes. */
const placesOf = (size: number, count: number, scale: number): Place[] =>
  Array.from({ length: count }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) * scale - 0.5, 0), size - 1);
    const first = roundReal(at, "floor");
    return { first, second: Math.min(first + 1, size - 1), share: at - first };
  });
