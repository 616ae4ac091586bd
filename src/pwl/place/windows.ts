/** Between which two inputs each knot is looked for, both included. */
export interface Windows {
  /** `[pieces + 1]` */
  readonly first: Int32Array;
  /** `[pieces + 1]` */
  readonly last: Int32Array;
}

/** Windows that exclude nothing: knot k of P leaves room for the k before it and the P - k after it. */
export function wholeWindows(count: number, pieces: number): Windows {
  const first = Int32Array.from({ length: pieces + 1 }, (_, k) => (k === pieces ? count - 1 : k));
  const last = Int32Array.from({ length: pieces + 1 }, (_, k) => (k === 0 ? 0 : count - 1 - pieces + k));
  return { first, last };
}

/** Windows of `reach` inputs to both sides of each knot, within the whole ones. */
export function windowsAround(knots: Int32Array, reach: number, count: number): Windows {
  const whole = wholeWindows(count, knots.length - 1);
  return {
    first: whole.first.map((least, k) => Math.max(least, knots[k]! - reach)),
    last: whole.last.map((most, k) => Math.min(most, knots[k]! + reach)),
  };
}

/** Some or all inputs of a curve: `[n]` their places, ascending, and the values there. */
export interface Points {
  readonly at: Int32Array;
  readonly y: Float64Array;
}

/** Every stride-th input, and the last one. */
export function everyNth(values: Float64Array, stride: number): Points {
  const last = values.length - 1;
  const at = Int32Array.from([...values.keys()].filter((i) => i % stride === 0 || i === last));
  return { at, y: Float64Array.from(at, (i) => values[i]!) };
}

/** An error that is rounding against the largest of the values. */
export const roundingOf = (values: Float64Array): number =>
  2 ** -48 * values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** Inputs for a piece that a coarse search keeps at least. */
const INPUTS_PER_PIECE = 16;
const FEWEST_INPUTS = 512;
/** From one search to the next finer one. Each stride divides the one before. */
const REFINEMENT = 4;

/** The strides of a search from coarse to fine; the last is 1. */
export function stridesFor(count: number, pieces: number): number[] {
  const strides = [1];
  const enough = Math.max(FEWEST_INPUTS, INPUTS_PER_PIECE * pieces);
  while (strides[0]! * REFINEMENT * enough <= count) strides.unshift(strides[0]! * REFINEMENT);
  return strides;
}

/** How far above the least one a tolerance may be, in parts of it. */
export const PRECISION = 2 ** -20;

/** Something with knots, and a tolerance that it keeps to. */
export interface Kept<T> {
  readonly found: T;
  readonly tolerance: number;
}

/** Finds something that keeps to a tolerance with its knots in the windows, if there is any. */
export type Solver<T> = (windows: Windows, tolerance: number) => T | undefined;

/**
 * The least tolerance for which there is a solution in the windows: steps down that double until one fails, then
 * bisection. Where nothing better is there, that is one question.
 *
 * @param floor  a tolerance that needs no improvement
 */
export function leastTolerance<T>(
  start: Kept<T>,
  floor: number,
  windows: Windows,
  solve: Solver<T>,
): Kept<T> {
  let { found, tolerance: high } = start;
  let low = 0;
  for (let step = high * PRECISION; high > floor && high - low > high * PRECISION; step *= 2) {
    const tolerance = low > 0 ? (low + high) / 2 : Math.max(high - step, high / 2);
    const better = solve(windows, tolerance);
    if (better === undefined) low = tolerance;
    else [found, high] = [better, tolerance];
  }
  return { found, tolerance: high };
}

/** How far a knot moves at a time. */
const NEAR = 8;

/** The best that small steps lead to, in none of which a knot moves more than NEAR points of `count`. */
export function leastNearby<T extends { readonly knots: Int32Array }>(
  start: Kept<T>,
  floor: number,
  count: number,
  solve: Solver<T>,
): Kept<T> {
  let best = start;
  for (;;) {
    const { tolerance } = best;
    best = leastTolerance(best, floor, windowsAround(best.found.knots, NEAR, count), solve);
    if (best.tolerance >= tolerance * (1 - PRECISION)) return best;
  }
}
