import type { Settings } from "../../arch/fields.ts";
import { exactLinear } from "../linear/exact.ts";
import type { QConv } from "./quantize.ts";
import { outputSize, paddedWidth, tapsOf } from "./shape.ts";

/** The convolution by its definition: at each place of the kernel the affine layer of its taps. */
export function exactConv(
  { shape, layer }: QConv,
  pixels: readonly Int32Array[],
  arch: Settings,
): Int32Array[] {
  const { height, width, channels, stride, padding } = shape;
  const taps = tapsOf(shape);
  const [rows, columns] = outputSize(shape);
  const across = paddedWidth(shape);
  const { zero } = layer.parts[0]!.input;
  const padded = Array.from({ length: height + padding.top + padding.bottom }, () =>
    new Int32Array(across * channels).fill(zero),
  );
  for (const [i, codes] of pixels.entries()) {
    const column = i % width;
    padded[padding.top + (i - column) / width]!.set(codes, (padding.left + column) * channels);
  }
  const length = stride[1] * channels;
  const at = (row: number, column: number) =>
    exactLinear(
      layer,
      taps.map((tap) => {
        const from = (column + tap.block) * length;
        return padded[row * stride[0] + tap.row]!.subarray(from, from + length);
      }),
      arch,
    );
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => at(row, column)),
  ).flat();
}
