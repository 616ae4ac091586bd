import { placeByGap } from "./gap.ts";
import {
  everyNth,
  type Kept,
  leastNearby,
  type Points,
  PRECISION,
  roundingOf,
  type Solver,
  stridesFor,
  type Windows,
  wholeWindows,
} from "./windows.ts";

/**
 * The knots whose interpolation has the least maximum error over every input, to 2^-20 of it.
 *
 * P chords that keep to a tolerance lead from the first input to the last or they do not, which is decided by
 * the inputs that k chords reach. Nothing is assumed about the curve: where it bends both ways a longer chord can
 * err less than a shorter one. A known solution bounds every knot from both sides (`narrow`); known ones come from
 * every 4^j-th input, coarse to fine, and from bisection on the error near them. The last decision, over all that
 * the bounds leave, is the proof.
 *
 * O(N L) for bounds and proof, L the inputs under a chord: seconds for 16 bits.
 * Weights are not looked at: a maximum is over all inputs that there are.
 */
export function placeForLeastMax(values: Float64Array, pieces: number): Int32Array {
  const floor = roundingOf(values);
  let knots: Int32Array | undefined;
  for (const stride of stridesFor(values.length, pieces)) {
    const points = everyNth(values, stride);
    const start = knots?.map((i) => points.at.indexOf(i)) ?? placeByGap(points.y, pieces);
    knots = improve(points, start, floor).map((i) => points.at[i]!);
  }
  return knots!;
}

/** The optimum over the points, as indices of points, from any knots. */
function improve(points: Points, start: Int32Array, floor: number): Int32Array {
  const count = points.at.length;
  const solve: Solver<{ knots: Int32Array }> = (windows, limit) => chordsWithin(points, windows, limit);
  let windows = wholeWindows(count, start.length - 1);
  for (let found: { knots: Int32Array } | undefined = { knots: start }; ; ) {
    const best: Kept<{ knots: Int32Array }> = leastNearby(
      { found, tolerance: errorAt(points, found.knots) },
      floor,
      count,
      solve,
    );
    if (best.tolerance <= floor) return best.found.knots;
    windows = narrow(points, windows, best.tolerance);
    found = solve(windows, best.tolerance * (1 - PRECISION));
    if (found === undefined) return best.found.knots;
  }
}

/** The largest error at the points of the chords between knots. */
function errorAt({ at, y }: Points, knots: Int32Array): number {
  let most = 0;
  for (let piece = 0; piece + 1 < knots.length; piece++) {
    const [from, to] = [knots[piece]!, knots[piece + 1]!];
    const slope = (y[to]! - y[from]!) / (at[to]! - at[from]!);
    for (let i = from + 1; i < to; i++) {
      most = Math.max(most, Math.abs(y[from]! + slope * (at[i]! - at[from]!) - y[i]!));
    }
  }
  return most;
}

/**
 * The points between `from` and `end`, end included, whose chord from `from` is within the tolerance of all points
 * under it: its slope is in the cone of slopes that all of them leave. In order from `from`, written to `ends`.
 *
 * @returns how many they are
 */
function chordEnds(
  { at, y }: Points,
  from: number,
  end: number,
  tolerance: number,
  ends: Int32Array,
): number {
  const step = Math.sign(end - from);
  const start = at[from]!;
  const height = y[from]!;
  let lo = Number.NEGATIVE_INFINITY;
  let hi = Number.POSITIVE_INFINITY;
  let count = 0;
  for (let i = from + step; lo <= hi && i !== end + step; i += step) {
    const inverse = 1 / Math.abs(at[i]! - start);
    const slope = (y[i]! - height) * inverse;
    const slack = tolerance * inverse;
    if (slope >= lo && slope <= hi) ends[count++] = i;
    if (slope - slack > lo) lo = slope - slack;
    if (slope + slack < hi) hi = slope + slack;
  }
  return count;
}

/**
 * The windows less what no solution within the tolerance can use: knot k is no farther than any chord from a
 * possible knot k - 1 reaches, and no nearer than any chord from a possible knot k + 1 reaches back.
 */
function narrow(points: Points, windows: Windows, tolerance: number): Windows {
  const [first, last] = [windows.first.slice(), windows.last.slice()];
  const pieces = first.length - 1;
  const count = points.at.length;
  const ends = new Int32Array(count);
  const reachTowards = (end: number) =>
    memo(count, (from) => {
      const found = from === end ? 0 : chordEnds(points, from, end, tolerance, ends);
      return found === 0 ? from : ends[found - 1]!;
    });
  const farthest = reachTowards(count - 1);
  const nearest = reachTowards(0);
  for (let k = 1; k < pieces; k++) {
    let reach = 0;
    for (let a = first[k - 1]!; a <= last[k - 1]!; a++) reach = Math.max(reach, farthest(a));
    last[k] = Math.min(last[k]!, reach);
  }
  for (let k = pieces - 1; k > 0; k--) {
    let reach = count;
    for (let b = first[k + 1]!; b <= last[k + 1]!; b++) reach = Math.min(reach, nearest(b));
    first[k] = Math.max(first[k]!, reach);
  }
  return { first, last };
}

/** f on 0 … count - 1, each computed when first asked for. */
function memo(count: number, f: (i: number) => number): (i: number) => number {
  const known = new Int32Array(count).fill(-1);
  return (i) => {
    if (known[i] === -1) known[i] = f(i);
    return known[i]!;
  };
}

/** Knots in the windows whose chords keep to the tolerance, if there are any. */
function chordsWithin(
  points: Points,
  { first, last }: Windows,
  tolerance: number,
): { knots: Int32Array } | undefined {
  const pieces = first.length - 1;
  const ends = new Int32Array(points.at.length);
  /** Of each knot and place in its window: where the knot before stands, or -1 if it is out of reach. */
  const before = Array.from(first, (from, k) => new Int32Array(Math.max(0, last[k]! - from + 1)).fill(-1));
  before[0]![0] = 0;
  for (let k = 1; k <= pieces; k++) {
    const from = first[k - 1]!;
    const [lo, hi, reached] = [first[k]!, last[k]!, before[k]!];
    for (const [i, parent] of before[k - 1]!.entries()) {
      if (parent === -1 || from + i >= hi) continue;
      const found = chordEnds(points, from + i, hi, tolerance, ends);
      for (let j = found - 1; j >= 0 && ends[j]! >= lo; j--) reached[ends[j]! - lo] = from + i;
    }
  }
  if (before[pieces]![0] === -1) return undefined;
  const knots = new Int32Array(pieces + 1);
  knots[pieces] = last[pieces]!;
  for (let k = pieces; k > 0; k--) knots[k - 1] = before[k]![knots[k]! - first[k]!]!;
  return { knots };
}
