import { roundReal } from "../fixed/real.ts";
import type { Range } from "./grid.ts";
import { type Bin, binsOf, type Histogram } from "./histogram.ts";

/** How a tensor's range comes from what calibration saw. */
export const RANGE_METHODS = ["minmax", "average", "percentile", "mse", "entropy"] as const;
type RangeMethod = (typeof RANGE_METHODS)[number];

/** Those that look at where the values lie, and not at their ends alone. */
export type FitMethod = Exclude<RangeMethod, "minmax" | "average">;

/** What a range is chosen for. */
interface Wanted {
  /** Width of the codes. */
  readonly bits: number;
  /** Whether the grid is symmetric about 0. */
  readonly isSymmetric: boolean;
  /** Share of the values that `percentile` keeps, in %. */
  readonly percentile: number;
}

/** Places at which an end is tried, evenly spaced from the whole of it inwards: of equal ones the widest is taken. */
const CUTS = 48;
const LEAST_CUT = 0.1;
/** Ends by turns, each where it is best for the other: they hardly move after that. */
const TURNS = 3;

/**
 * A part of the range that was seen, by where the values lie in it:
 * - percentile: what holds `percentile` % of them, as many cut at one end as at the other;
 * - mse: that of the least mean squared error: S^2 / 12 of what is rounded, and the square of what is cut off;
 * - entropy: that whose codes tell least less of the distribution (Kullback and Leibler; as TensorRT does, Migacz, GTC 2017). Where
 *   there are not two bins of the histogram to a code there is nothing to tell, and the range stays: so of 16 bits.
 */
export function fitRange(method: FitMethod, seen: Histogram, range: Range, wanted: Wanted): Range {
  const bins = binsOf(seen);
  if (bins.length === 0) return range;
  if (method === "percentile") return quantiles(bins, range, wanted.percentile);
  const lossOf = method === "mse" ? squaredError : divergence;
  const whole = wanted.isSymmetric ? mirrored(range) : range;
  const ends = wanted.isSymmetric ? BOTH : EACH;
  let best = { range: whole, loss: lossOf(bins, whole, wanted) };
  for (let turn = 0; turn < TURNS; turn++) {
    for (const cutEnds of ends) {
      for (let k = CUTS - 1; k >= 0; k--) {
        const share = LEAST_CUT + ((1 - LEAST_CUT) * k) / CUTS;
        const cut = cutEnds(best.range, whole, share);
        const loss = lossOf(bins, cut, wanted);
        if (loss < best.loss) best = { range: cut, loss };
      }
    }
  }
  return best.range;
}

/** A range with one end, or both, at a share of what was seen. */
type CutEnds = (range: Range, whole: Range, share: number) => Range;
const EACH: readonly CutEnds[] = [
  ({ lo }, whole, share) => ({ lo, hi: share * whole.hi }),
  ({ hi }, whole, share) => ({ lo: share * whole.lo, hi }),
];
const BOTH: readonly CutEnds[] = [(_, whole, share) => ({ lo: share * whole.lo, hi: share * whole.hi })];

const mirrored = ({ lo, hi }: Range): Range => {
  const most = Math.max(-lo, hi);
  return { lo: -most, hi: most };
};

const totalOf = (bins: readonly Bin[]): number => bins.reduce((sum, { count }) => sum + count, 0);

/** Values are taken to lie evenly in their bin. */
function quantiles(bins: readonly Bin[], { lo, hi }: Range, percentile: number): Range {
  const cut = ((100 - percentile) / 200) * totalOf(bins);
  const endOf = (some: readonly Bin[], end: (bin: Bin, share: number) => number): number => {
    let left = cut;
    for (const bin of some) {
      if (bin.count > left) return end(bin, left / bin.count);
      left -= bin.count;
    }
    return 0;
  };
  const from = endOf(bins, (bin, share) => bin.from + share * (bin.to - bin.from));
  const to = endOf([...bins].reverse(), (bin, share) => bin.to - share * (bin.to - bin.from));
  return { lo: Math.max(lo, from), hi: Math.min(hi, to) };
}

/** Mean square of what quantization adds, the values of a bin at its middle. */
function squaredError(bins: readonly Bin[], { lo, hi }: Range, { bits, isSymmetric }: Wanted): number {
  const span = isSymmetric ? 2 * hi : Math.max(hi, 0) - Math.min(lo, 0);
  const step = span / (2 ** bits - 1);
  let sum = 0;
  for (const { from, to, count } of bins) {
    const x = (from + to) / 2;
    const cut = x < lo ? lo - x : x > hi ? x - hi : 0;
    sum += count * (cut > 0 ? cut * cut : (step * step) / 12);
  }
  return sum;
}

/** Kullback-Leibler divergence of the values, cut to the range, from what their codes leave of them. */
function divergence(bins: readonly Bin[], { lo, hi }: Range, { bits }: Wanted): number {
  const codes = 2 ** bits;
  const inside = bins.filter(({ from, to }) => to > lo && from < hi);
  const width = bins[0]!.to - bins[0]!.from;
  const columns = (hi - lo) / width;
  if (columns < 2 * codes) return Number.POSITIVE_INFINITY;
  const total = totalOf(bins);
  const cut = inside.map(({ count }) => count);
  for (const { from, to, count } of bins) {
    if (to <= lo) cut[0]! += count;
    else if (from >= hi) cut[cut.length - 1]! += count;
  }
  const codeOf = ({ from, to }: Bin) =>
    Math.max(0, Math.min(codes - 1, roundReal(((from + to) / 2 - lo) * (codes / (hi - lo)), "floor")));
  const sums = new Map<number, { count: number; bins: number }>();
  for (const bin of inside) {
    const sum = sums.get(codeOf(bin)) ?? { count: 0, bins: 0 };
    sums.set(codeOf(bin), { count: sum.count + bin.count, bins: sum.bins + 1 });
  }
  const kept = totalOf(inside);
  let loss = 0;
  for (const [i, bin] of inside.entries()) {
    const sum = sums.get(codeOf(bin))!;
    const [p, q] = [cut[i]! / total, sum.count / sum.bins / kept];
    loss += p * Math.log(p / q);
  }
  return loss;
}
