import { type PoolShape, windowsOf } from "./shape.ts";

/** The largest code of each channel in each window. */
export const exactMaxPool = (shape: PoolShape, pixels: readonly Int32Array[]): Int32Array[] =>
  windowsOf(shape).map((window) =>
    Int32Array.from({ length: shape.channels }, (_, c) => Math.max(...window.map((at) => pixels[at]![c]!))),
  );
