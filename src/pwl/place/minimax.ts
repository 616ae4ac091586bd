import { placeByGap } from "./gap.ts";
import { interpolationError, type PiecewiseLine, throughValues } from "./line.ts";
import {
  everyNth,
  type Kept,
  leastNearby,
  leastTolerance,
  type Points,
  roundingOf,
  type Solver,
  stridesFor,
  type Windows,
  wholeWindows,
} from "./windows.ts";

/**
 * The continuous piecewise-linear function of least maximum error: its ordinates on the knots are free as well,
 * and so it halves, about, the error of lines through the curve.
 *
 * Bisection on the error. Whether P pieces keep to a tolerance is decided by the ordinates that k pieces can
 * reach at each input: from a knot with an interval of them, the lines that pass all intervals
 * [value - tolerance, value + tolerance] on the way reach an interval again (O'Rourke, "An on-line algorithm for
 * fitting straight lines between data ranges", 1981; continuous: Imai and Iri, 1986).
 *
 * Where intervals from two knots leave a gap the wider one is kept, and beyond 512 inputs (16 for each piece) the
 * knots are those of every 4^j-th input, moved while that helps. So it is near the optimum and not proven to be it.
 * Weights are not looked at: a maximum is over all inputs that there are.
 */
export function fitMinimax(values: Float64Array, pieces: number): PiecewiseLine {
  const floor = roundingOf(values);
  let line: PiecewiseLine | undefined;
  for (const stride of stridesFor(values.length, pieces)) {
    const points = everyNth(values, stride);
    const count = points.at.length;
    const solve: Solver<PiecewiseLine> = (windows, tolerance) => fitWithin(points, windows, tolerance);
    let best: Kept<PiecewiseLine>;
    if (line === undefined) {
      const found = throughValues(points.y, placeByGap(points.y, pieces));
      const { maxError: tolerance } = interpolationError(points.y, found);
      best = leastTolerance({ found, tolerance }, floor, wholeWindows(count, pieces), solve);
    } else {
      const { maxError: tolerance } = interpolationError(values, line);
      const knots = line.knots.map((i) => points.at.indexOf(i));
      best = { found: { knots, ordinates: line.ordinates }, tolerance };
    }
    const { knots, ordinates } = leastNearby(best, floor, count, solve).found;
    line = { knots: knots.map((i) => points.at[i]!), ordinates };
  }
  return line!;
}

/** `[window]` the ordinates that can be reached at each input of a knot's window; none where lo > hi. */
interface Reach {
  readonly lo: Float64Array;
  readonly hi: Float64Array;
}

function fitWithin(points: Points, windows: Windows, tolerance: number): PiecewiseLine | undefined {
  const { first, last } = windows;
  const reaches = Array.from(first, (from, k): Reach => {
    const width = Math.max(0, last[k]! - from + 1);
    const lo = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
    return { lo, hi: new Float64Array(width).fill(Number.NEGATIVE_INFINITY) };
  });
  reaches[0]!.lo[0] = points.y[0]! - tolerance;
  reaches[0]!.hi[0] = points.y[0]! + tolerance;
  const stabber = new Stabber(points, tolerance);
  for (let k = 1; k < reaches.length; k++) {
    const before = reaches[k - 1]!;
    for (const [i, lo] of before.lo.entries()) {
      const from = first[k - 1]! + i;
      if (lo > before.hi[i]! || from >= last[k]!) continue;
      stabber.reach(from, lo, before.hi[i]!, first[k]!, last[k]!, reaches[k]!);
    }
  }
  const end = reaches.at(-1)!;
  if (!(end.lo[0]! <= end.hi[0]!)) return undefined;
  return traceBack(points, windows, reaches, tolerance);
}

/** Corners of the hull of points that come from left to right. */
interface Hull {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Corners before it are past: no line will touch them again. */
  start: number;
  end: number;
}

const emptyHull = (room: number): Hull => ({
  ...{ x: new Float64Array(room), y: new Float64Array(room) },
  ...{ start: 0, end: 0 },
});

/**
 * Adds a point at the right.
 *
 * @param side  1: what lies above all points (the upper hull). -1: what lies below.
 */
function extend(hull: Hull, px: number, py: number, side: number): void {
  const { x, y } = hull;
  while (hull.end - hull.start >= 2) {
    const [i, j] = [hull.end - 2, hull.end - 1];
    const turn = (x[j]! - x[i]!) * (py - y[i]!) - (y[j]! - y[i]!) * (px - x[i]!);
    if (turn * side < 0) break;
    hull.end--;
  }
  x[hull.end] = px;
  y[hull.end++] = py;
}

/** The slope of the line from a point at the right that touches the hull, whose start moves to where it does. */
function tangent(hull: Hull, px: number, py: number, side: number): number {
  const slopeTo = (i: number) => (py - hull.y[i]!) / (px - hull.x[i]!);
  let slope = slopeTo(hull.start);
  while (hull.start + 1 < hull.end) {
    const next = slopeTo(hull.start + 1);
    if ((next - slope) * side > 0) break;
    slope = next;
    hull.start++;
  }
  return slope;
}

/** Which ordinates straight lines reach that stay within the tolerance of every point on the way. */
class Stabber {
  readonly #points: Points;
  readonly #tolerance: number;
  readonly #bottoms: Hull;
  readonly #tops: Hull;

  constructor(points: Points, tolerance: number) {
    this.#points = points;
    this.#tolerance = tolerance;
    this.#bottoms = emptyHull(points.at.length);
    this.#tops = emptyHull(points.at.length);
  }

  /** Adds to `reach` what lines that start between `lo` and `hi` over point `from` reach at `first` … `last`. */
  reach(from: number, lo: number, hi: number, first: number, last: number, reach: Reach): void {
    const { at, y } = this.#points;
    const [bottoms, tops] = [this.#bottoms, this.#tops];
    for (const hull of [bottoms, tops]) hull.start = hull.end = 0;
    extend(bottoms, at[from]!, lo, 1);
    extend(tops, at[from]!, hi, -1);
    // The steepest line, and the one that falls most: to the right of all points no line is above or below them.
    let [steepest, steepestX, steepestY] = [Number.POSITIVE_INFINITY, at[from]!, lo];
    let [lowest, lowestX, lowestY] = [Number.NEGATIVE_INFINITY, at[from]!, hi];
    for (let i = from + 1; i <= last; i++) {
      const x = at[i]!;
      const top = y[i]! + this.#tolerance;
      const bottom = y[i]! - this.#tolerance;
      const most = steepestY + steepest * (x - steepestX);
      const least = lowestY + lowest * (x - lowestX);
      if (bottom > most || top < least) return;
      if (i >= first) merge(reach, i - first, Math.max(bottom, least), Math.min(top, most));
      if (top < most) {
        steepest = tangent(bottoms, x, top, 1);
        [steepestX, steepestY] = [x, top];
      }
      if (bottom > least) {
        lowest = tangent(tops, x, bottom, -1);
        [lowestX, lowestY] = [x, bottom];
      }
      extend(bottoms, x, bottom, 1);
      extend(tops, x, top, -1);
    }
  }
}

function merge({ lo, hi }: Reach, i: number, least: number, most: number): void {
  if (least <= hi[i]! && most >= lo[i]!) {
    lo[i] = Math.min(lo[i]!, least);
    hi[i] = Math.max(hi[i]!, most);
  } else if (!(hi[i]! - lo[i]! >= most - least)) {
    lo[i] = least;
    hi[i] = most;
  }
}

/** A line through the reached intervals, from its end back: always the knot that leaves most room. */
function traceBack(
  points: Points,
  windows: Windows,
  reaches: readonly Reach[],
  tolerance: number,
): PiecewiseLine {
  const pieces = reaches.length - 1;
  const knots = new Int32Array(pieces + 1);
  const ordinates = new Float64Array(pieces + 1);
  knots[pieces] = points.at.length - 1;
  ordinates[pieces] = (reaches[pieces]!.lo[0]! + reaches[pieces]!.hi[0]!) / 2;
  for (let k = pieces; k > 0; k--) {
    const window = { first: windows.first[k - 1]!, last: windows.last[k - 1]! };
    const from = { knot: knots[k]!, ordinate: ordinates[k]! };
    const before = widest(points, from, window, reaches[k - 1]!, tolerance);
    knots[k - 1] = before.knot;
    ordinates[k - 1] = before.ordinate;
  }
  return { knots, ordinates };
}

interface Knot {
  readonly knot: number;
  readonly ordinate: number;
}

/** Of the knots in the window that `to` can be reached from, the one with the widest choice of ordinates. */
function widest(
  { at, y }: Points,
  to: Knot,
  window: { readonly first: number; readonly last: number },
  reach: Reach,
  tolerance: number,
): Knot {
  // Slopes of lines through `to`, towards the left.
  let [lo, hi] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  let best = { knot: -1, ordinate: 0 };
  let room = Number.NEGATIVE_INFINITY;
  for (let i = to.knot - 1; i >= window.first; i--) {
    const run = at[to.knot]! - at[i]!;
    if (i <= window.last) {
      const least = Math.max(reach.lo[i - window.first]!, to.ordinate + lo * run);
      const most = Math.min(reach.hi[i - window.first]!, to.ordinate + hi * run);
      // Where only one line is left, rounding may put its ends the wrong way round.
      if (most - least > room) {
        room = most - least;
        best = { knot: i, ordinate: (least + most) / 2 };
      }
    }
    lo = Math.max(lo, (y[i]! - tolerance - to.ordinate) / run);
    hi = Math.min(hi, (y[i]! + tolerance - to.ordinate) / run);
    if (lo > hi && best.knot >= 0) break;
  }
  return best;
}
