import { maxOf, minOf, signed } from "../fixed/format.ts";
import { ceilLog2, type Grid, roundReal } from "../fixed/real.ts";
import { type FitMethod, fitRange } from "./fit.ts";
import { countValues, emptyHistogram, type Histogram, mergeHistogram, sideOf } from "./histogram.ts";

/** The smallest and largest real value that a grid is to hold. */
export interface Range {
  readonly lo: number;
  readonly hi: number;
  /** What of it a grid of so many bits had better hold, where values were counted and it is not all of it. */
  readonly fit?: (bits: number, isSymmetric: boolean) => Range;
}

/** Another range made of one, of what a grid had better hold of it too. */
export const mapRange = (range: Range, make: (range: Range) => Range): Range => {
  const { fit } = range;
  return { ...make(range), ...(fit && { fit: (bits, isSymmetric) => make(fit(bits, isSymmetric)) }) };
};

/** Ranges as a file keeps them. */
export interface StoredRanges {
  readonly ranges: Readonly<Record<string, Range>>;
  readonly lookups: Readonly<Record<string, { readonly width: number; readonly counts: readonly number[] }>>;
}

/** What is more of interest in values than how far they reach, or instead of it: see `Ranges.observe`. */
export type Shown = "lookedUp" | "averaged";

/** Vectors of one length, added up. */
interface Sum {
  readonly values: Float64Array;
  count: number;
}

/**
 * Ranges by site, and of what curves look up, how often values fell where; of what matrices multiply, the means. `of` refuses a site
 * that was never observed.
 */
export class Ranges {
  readonly #seen = new Map<string, Range>();
  readonly #lookups = new Map<string, Histogram>();
  /** Of what matrices multiply, element by element. */
  readonly #sums = new Map<string, Sum>();
  /** Of every site, where ranges are to be fitted. */
  readonly #counts = new Map<string, Histogram>();
  readonly #fitting: Fitting | undefined;

  /** @param fitting  how ranges are chosen from where values lie; the smallest and largest value where it is absent */
  constructor(fitting?: Fitting) {
    this.#fitting = fitting;
  }

  /**
   * Widens the site's range to take in these values, and counts them where they are looked up. Those that are averaged are added up,
   * element by element, and have no range.
   */
  observe(site: string, values: ArrayLike<number>, as?: Shown): void {
    if (as === "averaged") {
      this.#add(site, values, 1);
      return;
    }
    let { lo, hi } = this.#seen.get(site) ?? { lo: Number.POSITIVE_INFINITY, hi: Number.NEGATIVE_INFINITY };
    for (let i = 0; i < values.length; i++) {
      const x = values[i]!;
      if (x < lo) lo = x;
      if (x > hi) hi = x;
    }
    this.#seen.set(site, { lo, hi });
    if (as === "lookedUp") countValues(held(this.#lookups, site), values);
    if (this.#fitting !== undefined) countValues(held(this.#counts, site, FINE), values);
  }

  #add(site: string, values: ArrayLike<number>, count: number): void {
    const sum = this.#sums.get(site) ?? { values: new Float64Array(values.length), count: 0 };
    this.#sums.set(site, sum);
    sum.count += count;
    for (let i = 0; i < values.length; i++) sum.values[i]! += values[i]!;
  }

  /** The mean of each element of what is averaged at a site; undefined where nothing was. */
  meanOf(site: string): Float64Array | undefined {
    const sum = this.#sums.get(site);
    return sum?.values.map((x) => x / sum.count);
  }

  of(site: string): Range {
    const range = this.#seen.get(site);
    if (range === undefined) throw new Error(`no range was observed at ${site}`);
    return this.#fitted(range, site);
  }

  /** Takes over all that another one knows of a site. */
  adopt(site: string, from: Ranges): void {
    this.#seen.set(site, from.#seen.get(site)!);
    for (const [own, theirs] of [
      [this.#lookups, from.#lookups],
      [this.#counts, from.#counts],
    ] as const) {
      const histogram = theirs.get(site);
      if (histogram) own.set(site, histogram);
    }
    const sum = from.#sums.get(site);
    if (sum) this.#sums.set(site, sum);
  }

  /** What was looked up at a site; undefined where nothing was. */
  lookupsOf(site: string): Histogram | undefined {
    return this.#lookups.get(site);
  }

  /** The range that covers several sites, for tensors that must share a grid. */
  union(...sites: readonly string[]): Range {
    const ranges = sites.map((site) => this.of(site));
    const whole = { lo: Math.min(...ranges.map((r) => r.lo)), hi: Math.max(...ranges.map((r) => r.hi)) };
    return this.#fitted(whole, ...sites);
  }

  #fitted(range: Range, ...sites: readonly string[]): Range {
    const fitting = this.#fitting;
    if (fitting === undefined) return range;
    const seen = emptyHistogram(FINE);
    for (const site of sites) mergeHistogram(seen, this.#counts.get(site)!);
    const { method, percentile } = fitting;
    return {
      ...range,
      fit: (bits, isSymmetric) => fitRange(method, seen, range, { bits, isSymmetric, percentile }),
    };
  }

  /** What was seen at the sites below `prefix.`, by the names that remain. */
  below(prefix: string): Ranges {
    const inner = new Ranges(this.#fitting);
    const nameOf = (site: string) => site.slice(prefix.length + 1);
    const isBelow = (site: string) => site.startsWith(`${prefix}.`);
    for (const [site, { values, count }] of this.#sums)
      if (isBelow(site)) inner.#add(nameOf(site), values, count);
    for (const [site, range] of this.#seen) {
      if (!isBelow(site)) continue;
      const name = nameOf(site);
      inner.#seen.set(name, range);
      for (const [from, to] of [
        [this.#lookups, inner.#lookups],
        [this.#counts, inner.#counts],
      ] as const) {
        const histogram = from.get(site);
        if (histogram) mergeHistogram(held(to, name, sideOf(histogram)), histogram);
      }
    }
    return inner;
  }

  /**
   * Moves every range a share of the way, 0 … 1, to what was seen elsewhere: of many sights in a row, a moving average that a
   * single outlier does not stretch. What was looked up is counted together, and what is averaged added up.
   */
  approach(seen: Ranges, share: number): void {
    for (const [site, { lo, hi }] of seen.#seen) {
      const own = this.#seen.get(site) ?? { lo, hi };
      this.#seen.set(site, { lo: own.lo + share * (lo - own.lo), hi: own.hi + share * (hi - own.hi) });
    }
    for (const [site, lookups] of seen.#lookups) mergeHistogram(held(this.#lookups, site), lookups);
    for (const [site, { values, count }] of seen.#sums) this.#add(site, values, count);
  }

  /** Plain data, which `restore` takes back; means are left out: weights that come with their ranges were trained with their codes. */
  toJSON(): StoredRanges {
    return {
      ranges: Object.fromEntries(this.#seen),
      lookups: Object.fromEntries(
        [...this.#lookups].map(([site, { width, counts }]) => [site, { width, counts: [...counts] }]),
      ),
    };
  }

  static restore({ ranges, lookups }: StoredRanges): Ranges {
    const restored = new Ranges();
    for (const [site, range] of Object.entries(ranges)) restored.#seen.set(site, range);
    for (const [site, { width, counts }] of Object.entries(lookups))
      restored.#lookups.set(site, { width, counts: Float64Array.from(counts) });
    return restored;
  }
}

/** How a range is chosen from where values lie. */
export interface Fitting {
  readonly method: FitMethod;
  /** Share of the values that `percentile` keeps, in %. */
  readonly percentile: number;
}

/** Bins on each side of 0 of what ranges are fitted to: sixteen or more for each code of a grid of 8 bits. */
const FINE = 4096;

/** The histogram of a site, an empty one where there is none yet. */
function held(histograms: Map<string, Histogram>, site: string, side?: number): Histogram {
  const histogram = histograms.get(site) ?? emptyHistogram(side);
  histograms.set(site, histogram);
  return histogram;
}

/** Smallest span that a grid is made for: a tensor of zeros still needs a scale, and one that a requantizer can reach. */
const LEAST_SPAN = 1e-4;

const toPowerOfTwo = (scale: number): number => 2 ** ceilLog2(scale);

/**
 * The affine grid of docs/method.md, section 1, in signed codes: the range is widened to contain 0,
 * S = (hi - lo) / (2^bits - 1), and 0 has a code of its own.
 */
export function affineGrid(range: Range, bits: number, powerOfTwo: boolean, leastSpan = LEAST_SPAN): Grid {
  const format = signed(bits);
  const { lo, hi } = range.fit?.(bits, false) ?? range;
  const [from, to] = [Math.min(lo, 0), Math.max(hi, 0)];
  const exact = Math.max(to - from, leastSpan) / (2 ** bits - 1);
  const scale = powerOfTwo ? toPowerOfTwo(exact) : exact;
  const zero = minOf(format) + roundReal(-from / scale, "half-away");
  return { format, scale, zero: Math.max(minOf(format), Math.min(maxOf(format), zero)) };
}

/** The symmetric grid: zero point 0, codes within ± (2^(bits-1) - 1). */
export function symmetricGrid(range: Range, bits: number, powerOfTwo: boolean): Grid {
  const format = signed(bits);
  const { lo, hi } = range.fit?.(bits, true) ?? range;
  const exact = Math.max(-lo, hi, LEAST_SPAN) / maxOf(format);
  return { format, scale: powerOfTwo ? toPowerOfTwo(exact) : exact, zero: 0 };
}

/** The grid of results in [0, 1], such as a sigmoid's: the smallest code is 0. A power-of-two scale stops one code short of 1. */
export function unitGrid(bits: number, powerOfTwo: boolean): Grid {
  const format = signed(bits);
  return { format, scale: powerOfTwo ? 2 ** -bits : 1 / (2 ** bits - 1), zero: minOf(format) };
}

/** The grid of results in [-1, 1], such as a tanh's. A power-of-two scale stops one code short of 1. */
export function bipolarGrid(bits: number, powerOfTwo: boolean): Grid {
  const format = signed(bits);
  return { format, scale: powerOfTwo ? 2 ** -(bits - 1) : 1 / maxOf(format), zero: 0 };
}
