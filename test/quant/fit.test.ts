import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { decodeAll, encodeAll } from "../../src/fixed/real.ts";
import type { FitMethod } from "../../src/quant/fit.ts";
import { affineGrid, mapRange, type Range, Ranges, symmetricGrid } from "../../src/quant/grid.ts";

const rangeOf = (values: ArrayLike<number>, method: FitMethod, percentile = 99.99): Range => {
  const ranges = new Ranges({ method, percentile });
  ranges.observe("site", values);
  return ranges.of("site");
};

/** Sums of twelve numbers, about normal, and some far away. */
function values(seed: string, count: number, outliers: readonly number[] = []): Float64Array {
  const rng = seedrandom(seed);
  const normal = () => Array.from({ length: 12 }, rng).reduce((sum, x) => sum + x, -6);
  return Float64Array.from([...Array.from({ length: count }, normal), ...outliers]);
}

/** What an affine grid of the range makes of the values. */
function errorOf(all: Float64Array, range: Range, bits: number): number {
  const grid = affineGrid(range, bits, false);
  const decoded = decodeAll(encodeAll(all, grid), grid);
  return decoded.reduce((sum, x, i) => sum + (x - all[i]!) ** 2, 0) / all.length;
}

const METHODS: readonly FitMethod[] = ["percentile", "mse", "entropy"];

test("a fitted range lies within what was seen, whatever that was", () => {
  const numbers = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(
      numbers,
      fc.constantFrom(...METHODS),
      fc.integer({ min: 2, max: 16 }),
      (all, method, bits) => {
        const range = rangeOf(all, method);
        const { lo, hi } = range.fit!(bits, false);
        expect(lo).toBeGreaterThanOrEqual(Math.min(range.lo, 0));
        expect(hi).toBeLessThanOrEqual(Math.max(range.hi, 0));
        const most = Math.max(Math.abs(range.lo), Math.abs(range.hi));
        const symmetric = range.fit!(bits, true);
        expect(Math.max(-symmetric.lo, symmetric.hi)).toBeLessThanOrEqual(most);
      },
    ),
  );
});

describe("percentile", () => {
  test.each([50, 90, 99, 99.9])("%d %% of the values are kept, as many cut at either end", (percentile) => {
    const all = values("percentile", 20_000);
    const { lo, hi } = rangeOf(all, "percentile", percentile).fit!(8, false);
    const share = (isOut: (x: number) => boolean) => (100 * all.filter(isOut).length) / all.length;
    expect(share((x) => x >= lo && x <= hi)).toBeCloseTo(percentile, 0);
    expect(share((x) => x < lo)).toBeCloseTo((100 - percentile) / 2, 0);
  });

  test("100 % is all", () => {
    const range = rangeOf(values("all", 100), "percentile", 100);
    expect(range.fit!(8, false)).toEqual({ lo: range.lo, hi: range.hi });
  });
});

describe("mean squared error", () => {
  test.each([3, 4, 6, 8])(
    "%i bits: never worse than the ends, and better by far where one value is far away",
    (bits) => {
      for (const outliers of [[], [40], [-25, 60]]) {
        const all = values(`mse ${outliers}`, 5000, outliers);
        const range = rangeOf(all, "mse");
        const ends = errorOf(all, { lo: range.lo, hi: range.hi }, bits);
        const fitted = errorOf(all, range, bits);
        expect(fitted).toBeLessThan(1.02 * ends);
        if (bits === 4 && outliers.length > 0) expect(fitted).toBeLessThan(0.7 * ends);
      }
    },
  );

  test("no cut of a hundred is better by more than the histogram's coarseness", () => {
    const all = values("search", 3000, [20]);
    const range = rangeOf(all, "mse");
    const fitted = errorOf(all, range, 4);
    for (let k = 10; k <= 100; k++) {
      const cut = { lo: (k / 100) * range.lo, hi: (k / 100) * range.hi };
      expect(fitted).toBeLessThan(1.1 * errorOf(all, cut, 4));
    }
  });
});

describe("entropy", () => {
  test("a value far away is cut off, and most others are kept", () => {
    const all = values("entropy", 50_000, [60]);
    const { lo, hi } = rangeOf(all, "entropy").fit!(6, false);
    expect(hi).toBeLessThan(20);
    expect(all.filter((x) => x >= lo && x <= hi).length / all.length).toBeGreaterThan(0.9);
  });

  test("of 16 bits, which no histogram tells apart, all is kept", () => {
    const range = rangeOf(values("wide", 5000, [60]), "entropy");
    expect(range.fit!(16, false)).toEqual({ lo: range.lo, hi: range.hi });
  });
});

test("a grid holds what fits its width: fewer bits cut more", () => {
  const range = rangeOf(values("grids", 5000, [30]), "mse");
  const scales = [2, 4, 8, 16].map((bits) => symmetricGrid(range, bits, false).scale * (2 ** (bits - 1) - 1));
  expect(scales).toEqual([...scales].sort((a, b) => a - b));
  expect(scales[0]).toBeLessThan(scales[3]!);
  expect(affineGrid(range, 4, false).scale).toBeLessThan(
    affineGrid({ lo: range.lo, hi: range.hi }, 4, false).scale,
  );
});

test("a range made of another, of several, or below a prefix is fitted as well", () => {
  const ranges = new Ranges({ method: "percentile", percentile: 98 });
  const all = values("derived", 2000);
  ranges.observe("a.x", all);
  ranges.observe(
    "a.y",
    all.map((x) => 3 * x),
  );
  const inner = ranges.below("a");
  expect(inner.of("x").fit!(8, false)).toEqual(ranges.of("a.x").fit!(8, false));
  const { lo, hi } = inner.union("x", "y").fit!(8, false);
  expect(lo).toBeLessThan(inner.of("x").fit!(8, false).lo);
  expect(hi).toBeLessThan(inner.of("y").hi);
  const moved = mapRange(inner.of("x"), (range) => ({ lo: range.lo - 1, hi: range.hi + 1 }));
  expect(moved.fit!(8, false).hi).toBe(inner.of("x").fit!(8, false).hi + 1);
  const adopted = new Ranges({ method: "percentile", percentile: 98 });
  adopted.adopt("y", inner);
  expect(adopted.of("y").fit!(8, false)).toEqual(inner.of("y").fit!(8, false));
});
