import { maxOf, minOf } from "../fixed/format.ts";
import { ceilLog2, type Grid, roundReal } from "../fixed/real.ts";

/**
 * How often values fell where: bins of one width, the least power of two at which they cover every value seen. Bins of
 * twice the width are pairs of bins, so the order of the values, and of merging, leaves no trace; subnormal numbers aside.
 */
export interface Histogram {
  width: number;
  /** `[2 side]` values in [(i - side) width, (i - side + 1) width). */
  counts: Float64Array;
}

/** Bins on each side of 0, where nothing else is said: four or more for each code of a symmetric grid of 8 bits. */
const SIDE = 512;
/** The width that all start with: values of a finer structure are 0 on any grid. */
const LEAST_WIDTH = 2 ** -30;

export const emptyHistogram = (side = SIDE): Histogram => ({
  width: LEAST_WIDTH,
  counts: new Float64Array(2 * side),
});
export const sideOf = ({ counts }: Histogram): number => counts.length / 2;

/** Counts values; those that are not finite stand on no grid and are left out. */
export function countValues(histogram: Histogram, values: ArrayLike<number>): void {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const x = Math.abs(values[i]!);
    if (x > most && x < Number.POSITIVE_INFINITY) most = x;
  }
  widen(histogram, widthFor(most, histogram));
  const { width, counts } = histogram;
  const side = sideOf(histogram);
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (Math.abs(x) <= most) counts[side + roundReal(x / width, "floor")]!++;
  }
}

/** A bin that values fell into. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** The bins that are not empty, ascending. */
export function binsOf(histogram: Histogram): Bin[] {
  const { width, counts } = histogram;
  const side = sideOf(histogram);
  const bins = Array.from(counts, (count, i) => ({
    from: (i - side) * width,
    to: (i - side + 1) * width,
    count,
  }));
  return bins.filter(({ count }) => count > 0);
}

/** Adds what another one counted in as many bins. */
export function mergeHistogram(into: Histogram, { width, counts }: Histogram): void {
  const other = { width, counts };
  widen(other, into.width);
  widen(into, width);
  for (const [i, count] of other.counts.entries()) into.counts[i]! += count;
}

/** The least power of two, the width or more, at which the bins cover ± x. The value side · width is above the last bin. */
function widthFor(x: number, histogram: Histogram): number {
  const side = sideOf(histogram);
  if (x < side * histogram.width) return histogram.width;
  const least = 2 ** ceilLog2(x / side);
  return x < side * least ? least : 2 * least;
}

/** Joins bins until they are as wide as that. */
function widen(histogram: Histogram, width: number): void {
  if (histogram.width >= width) return;
  const factor = width / histogram.width;
  const side = sideOf(histogram);
  const joined = new Float64Array(2 * side);
  for (const [i, count] of histogram.counts.entries()) {
    if (count > 0) joined[side + roundReal((i - side) / factor, "floor")]! += count;
  }
  histogram.width = width;
  histogram.counts = joined;
}

/**
 * The share of the values that each code of a grid stands for, a bin's spread evenly over the codes within it; what lies
 * beyond the grid counts for its ends. `[codes]` from the lowest up; together 1 where anything was counted.
 */
export function codeShares(histogram: Histogram, { format, scale, zero }: Grid): Float64Array {
  const { width, counts } = histogram;
  const side = sideOf(histogram);
  const [lo, hi] = [minOf(format), maxOf(format)];
  const shares = new Float64Array(hi - lo + 1);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const within = (code: number): number => Math.min(hi, Math.max(lo, code));
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    // Code c stands for what is in [c, c + 1) here.
    const from = ((i - side) * width) / scale + zero + 0.5;
    const to = from + width / scale;
    const [first, last] = [within(roundReal(from, "floor")), within(roundReal(to, "ceiling") - 1)];
    for (let code = first; code <= last; code++) {
      const start = code === lo ? from : Math.max(from, code);
      const end = code === hi ? to : Math.min(to, code + 1);
      shares[code - lo]! += (count / total) * (Math.max(0, end - start) / (to - from));
    }
  }
  return shares;
}
