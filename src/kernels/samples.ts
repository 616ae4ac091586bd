import type { Grid } from "../fixed/real.ts";
import type { Reals } from "./define.ts";
import { columnsOf, type LinearInput } from "./linear/quantize.ts";
import type { NormParams } from "./norm/real.ts";
import type { Matrix } from "./tensors.ts";

/** What kernels' samples are made of. */

/** A source of numbers in [0, 1). */
export type Rng = () => number;

/** `n` numbers evenly distributed in ± limit. */
export const uniform = (rng: Rng, n: number, limit = 1): Float64Array =>
  Float64Array.from({ length: n }, () => limit * (2 * rng() - 1));

export const uniformMatrix = (rng: Rng, rows: number, columns: number, limit = 1): Matrix => ({
  rows,
  columns,
  data: uniform(rng, rows * columns, limit),
});

/** A sequence of `count` vectors. */
export const uniformVectors = (rng: Rng, length: number, count: number, limit = 1): Reals =>
  Array.from({ length: count }, () => uniform(rng, length, limit));

/** A norm of `n` elements as training leaves them: gains about `gain`, shifts about 0. */
export const uniformNorm = (rng: Rng, kind: NormParams["kind"], n: number, gain = 1): NormParams => ({
  kind,
  gain: uniform(rng, n, gain / 2).map((g) => gain + g),
  shift: uniform(rng, n, gain / 4),
  epsilon: 1e-5,
});

/** The vectors of several sequences behind one another: what a layer with concatenated inputs reads. */
export const joined = (inputs: readonly Reals[]): Reals =>
  inputs[0]!.map((_, t) => Float64Array.from(inputs.flatMap((part) => [...part[t]!])));

/** A weight's columns parted among concatenated inputs of these widths. */
export function partsOf(weight: Matrix, widths: readonly number[], grids: readonly Grid[]): LinearInput[] {
  let from = 0;
  return widths.map((width, i) => {
    from += width;
    return { weight: columnsOf(weight, from - width, from), grid: grids[i]! };
  });
}
