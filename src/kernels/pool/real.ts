import { expectLength } from "../tensors.ts";
import { type PoolShape, windowsOf } from "./shape.ts";

/**
 * The largest value of each channel in each window: pixels `[height * width][channels]` to `[rows * columns][channels]`.
 *
 * @throws RangeError where the pixels do not fit the shape
 */
export function maxPool(shape: PoolShape, pixels: readonly Float64Array[]): Float64Array[] {
  expectLength("a pool's input", pixels, shape.height * shape.width);
  return windowsOf(shape).map((window) =>
    Float64Array.from({ length: shape.channels }, (_, c) => Math.max(...window.map((at) => pixels[at]![c]!))),
  );
}
