/** A continuous function that is straight between its knots. */
export interface PiecewiseLine {
  /** `[pieces + 1]` inputs by index, ascending, the first and the last among them. */
  readonly knots: Int32Array;
  /** `[pieces + 1]` its value at each knot, in units of the curve. */
  readonly ordinates: Float64Array;
}

/** The line through the curve's own values at the knots. */
export function throughValues(values: Float64Array, knots: Int32Array): PiecewiseLine {
  return { knots, ordinates: Float64Array.from(knots, (knot) => values[knot]!) };
}

/** The line at every input from the first knot to the last. `[N]`; the ordinates on the knots. */
export function interpolate({ knots, ordinates }: PiecewiseLine): Float64Array {
  const line = new Float64Array(knots.at(-1)! + 1);
  line[knots[0]!] = ordinates[0]!;
  for (let piece = 0; piece + 1 < knots.length; piece++) {
    const from = knots[piece]!;
    const to = knots[piece + 1]!;
    const start = ordinates[piece]!;
    const slope = (ordinates[piece + 1]! - start) / (to - from);
    for (let i = from + 1; i < to; i++) line[i] = start + slope * (i - from);
    line[to] = ordinates[piece + 1]!;
  }
  return line;
}

/** How far a line is off its curve on the N inputs, before any rounding of the output. */
export interface InterpolationError {
  readonly maxError: number;
  readonly rmsError: number;
}

/** The error of `interpolate(line)`, every input counted once, in units of the values. */
export function interpolationError(values: Float64Array, line: PiecewiseLine): InterpolationError {
  const errors = interpolate(line).map((y, i) => y - values[i]!);
  const maxError = errors.reduce((max, e) => Math.max(max, Math.abs(e)), 0);
  return { maxError, rmsError: rootMeanSquare(errors) };
}

/** The root of the mean of the squares; one value or more. */
export function rootMeanSquare(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
}
