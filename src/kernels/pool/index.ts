import type { Grid } from "../../fixed/real.ts";
import { defineKernel, type SampleOf } from "../define.ts";
import { uniformVectors } from "../samples.ts";
import { exactMaxPool } from "./exact.ts";
import { lowerMaxPool } from "./lower.ts";
import { maxPool } from "./real.ts";
import { type PoolShape, pooledSize } from "./shape.ts";

const sample = (shape: PoolShape): SampleOf<PoolShape> => ({
  name: `${shape.height} x ${shape.width} pixels of ${shape.channels}, windows of ${shape.window.join(" x ")}`,
  params: shape,
  draw: (rng) => [uniformVectors(rng, shape.channels, shape.height * shape.width)],
});

interface Integers {
  readonly shape: PoolShape;
  readonly grid: Grid;
}

export const pool = defineKernel<PoolShape, Integers>({
  name: "max-pool",
  doc: "the largest code of each channel in windows side by side",
  bound: { rms: 0, most: 0, reason: "codes are in the order of what they stand for" },
  samples: [
    sample({ height: 3, width: 6, channels: 4, window: [3, 3] }),
    sample({ height: 4, width: 6, channels: 1, window: [2, 3] }),
    sample({ height: 1, width: 8, channels: 5, window: [1, 2] }),
    sample({ height: 6, width: 2, channels: 3, window: [3, 1] }),
  ],
  real: (shape, [pixels]) => maxPool(shape, pixels!),
  quantize: (shape, [grid]) => ({ shape, grid: grid! }),
  widen: ({ shape, grid }, floats) => ({ shape, grid: floats.grid(grid) }),
  outputGrid: ({ grid }) => grid,
  exact: ({ shape }, [pixels]) => exactMaxPool(shape, pixels!),
  lower: ({ shape, grid }, b, [input]) => {
    const [rows, columns] = pooledSize(shape);
    const output = b.map.tensor(grid, shape.channels, rows * columns);
    lowerMaxPool(b, shape, input!, output);
    return output;
  },
});
