import { placeBySlope } from "./place/slope.ts";
import { placeUniformly } from "./place/uniform.ts";

/** How the knots of a table are chosen. "slope" is the paper's; "uniform" costs no search, here or in hardware. */
export const PWL_METHODS = ["slope", "uniform"] as const;
export type PwlMethod = (typeof PWL_METHODS)[number];

/**
 * Chooses knots among the inputs 0 … N - 1, given the value at every one of them.
 *
 * @param values  `[N]` finite values of the curve at the representable inputs, in order
 * @param pieces  1 … N - 2: the case of a knot on every input is settled before
 * @returns       `[pieces + 1]` indices, ascending, 0 first and N - 1 last
 */
type Placement = (values: Float64Array, pieces: number) => Int32Array;

const PLACEMENTS: Readonly<Record<PwlMethod, Placement>> = {
  slope: placeBySlope,
  uniform: placeUniformly,
};

/**
 * Knots of a piecewise-linear interpolation of `values` with `pieces` pieces, or with N - 1 pieces
 * where `pieces` asks for more: then every input is a knot and the interpolation is the lookup table.
 *
 * @param values  `[N]`, N >= 2, finite, equally spaced inputs
 * @returns       `[min(pieces, N - 1) + 1]` indices into `values`, ascending, both ends among them
 * @throws RangeError where `pieces` is not an integer >= 1 or there are fewer than two values
 */
export function place(values: Float64Array, pieces: number, method: PwlMethod): Int32Array {
  if (!Number.isInteger(pieces) || pieces < 1) {
    throw new RangeError(`a table has 1 piece or more, not ${pieces}`);
  }
  if (values.length < 2) throw new RangeError(`a piece needs two inputs, got ${values.length}`);
  if (pieces >= values.length - 1) return Int32Array.from(values.keys());
  return PLACEMENTS[method](values, pieces);
}

/** The straight lines between the knots, at every input. `[N]`; equal to `values` on the knots. */
export function interpolate(values: Float64Array, knots: Int32Array): Float64Array {
  const line = Float64Array.from(values);
  for (let piece = 0; piece + 1 < knots.length; piece++) {
    const from = knots[piece]!;
    const to = knots[piece + 1]!;
    const start = values[from]!;
    const slope = (values[to]! - start) / (to - from);
    for (let i = from + 1; i < to; i++) line[i] = start + slope * (i - from);
  }
  return line;
}

/** How far the real-valued interpolation is off on the N inputs, before any rounding of the output. */
export interface InterpolationError {
  readonly maxError: number;
  readonly rmsError: number;
}

/** The error of `interpolate(values, knots)`, in units of the values. */
export function interpolationError(values: Float64Array, knots: Int32Array): InterpolationError {
  const errors = interpolate(values, knots).map((y, i) => y - values[i]!);
  const maxError = errors.reduce((max, e) => Math.max(max, Math.abs(e)), 0);
  return { maxError, rmsError: rootMeanSquare(errors) };
}

/** The root of the mean of the squares; one value or more. */
export function rootMeanSquare(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
}
