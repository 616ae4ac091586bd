import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxOf, minOf } from "../../src/fixed/format.ts";
import { decode, encode, type Grid } from "../../src/fixed/real.ts";
import {
  affineGrid,
  bipolarGrid,
  type Range,
  Ranges,
  symmetricGrid,
  unitGrid,
} from "../../src/quant/grid.ts";

const real = fc.double({ min: -1e3, max: 1e3, noNaN: true });
const anyRange = fc.tuple(real, real).map(([a, b]): Range => ({ lo: Math.min(a, b), hi: Math.max(a, b) }));
const anyBits = fc.integer({ min: 2, max: 16 });
const GRIDS = { affine: affineGrid, symmetric: symmetricGrid };

const holds = (check: (range: Range, bits: number, powers: boolean) => void) =>
  fc.assert(fc.property(anyRange, anyBits, fc.boolean(), check));

/** Room for the roundings of a scale that is itself rounded. */
const SLACK = 1 + 1e-9;

const isPowerOfTwo = (x: number): boolean => Number.isInteger(Math.log2(x));

describe("affine grids, by docs/method.md, section 1", () => {
  test("S = (hi - lo) / (2^b - 1), Z = round(-lo / S), in signed codes", () => {
    // 5 / 255 a code; -lo / S = 51, of 0 … 255, is -77 of -128 … 127.
    expect(affineGrid({ lo: -1, hi: 4 }, 8, false)).toEqual({
      format: { bits: 8, signed: true },
      scale: 5 / 255,
      zero: -77,
    });
  });

  test("a range on one side of zero is widened to it", () => {
    expect(affineGrid({ lo: 1, hi: 3 }, 4, false)).toMatchObject({ scale: 3 / 15, zero: -8 });
    expect(affineGrid({ lo: -3, hi: -1 }, 4, false)).toMatchObject({ scale: 3 / 15, zero: 7 });
  });

  test("with powers of two, the scale is the next that covers the range", () => {
    expect(affineGrid({ lo: -1, hi: 1 }, 8, true)).toMatchObject({ scale: 2 ** -6, zero: -64 });
    expect(affineGrid({ lo: 0, hi: 255 }, 8, true)).toMatchObject({ scale: 1, zero: -128 });
  });

  test("the ends of the range are within half a code of what their codes stand for, and zero is exact", () => {
    holds((range, bits, powers) => {
      const grid = affineGrid(range, bits, powers);
      expectZero(grid);
      for (const x of [range.lo, range.hi]) expectNear(x, grid);
    });
  });
});

describe("symmetric grids", () => {
  test("by hand", () => {
    expect(symmetricGrid({ lo: -3, hi: 2 }, 3, false)).toMatchObject({ scale: 1, zero: 0 });
    expect(symmetricGrid({ lo: -1, hi: 5 }, 4, true)).toMatchObject({ scale: 1, zero: 0 });
  });

  test("codes keep within the symmetric ones", () => {
    holds((range, bits, powers) => {
      const grid = symmetricGrid(range, bits, powers);
      expect(grid.zero).toBe(0);
      for (const x of [range.lo, range.hi]) {
        expect(Math.abs(encode(x, grid))).toBeLessThanOrEqual(maxOf(grid.format));
        expectNear(x, grid);
      }
    });
  });
});

describe.each(Object.entries(GRIDS))("%s grids", (_, gridOf) => {
  test("a power-of-two scale is one, is not finer than the free one, and less than twice as coarse", () => {
    holds((range, bits) => {
      const free = gridOf(range, bits, false).scale;
      const { scale } = gridOf(range, bits, true);
      expect(isPowerOfTwo(scale)).toBe(true);
      expect(scale * SLACK).toBeGreaterThanOrEqual(free);
      expect(scale).toBeLessThan(2 * free * SLACK);
    });
  });

  test("a tensor of zeros has a grid whose zero is exact, at a scale that a requantizer reaches", () => {
    const grid = gridOf({ lo: 0, hi: 0 }, 8, false);
    expectZero(grid);
    // A layer's products have steps of about 1e-4 at least; their factor is to stay far below 2^16.
    expect(1e-4 / grid.scale).toBeLessThan(2 ** 10);
  });
});

describe("grids of curves' results", () => {
  test.each([2, 5, 8, 16])("%i bits: [0, 1] from end to end, [-1, 1] symmetric", (bits) => {
    const unit = unitGrid(bits, false);
    expect(decode(minOf(unit.format), unit)).toBe(0);
    expect(decode(maxOf(unit.format), unit)).toBeCloseTo(1, 12);
    const bipolar = bipolarGrid(bits, false);
    expect(decode(maxOf(bipolar.format), bipolar)).toBeCloseTo(1, 12);
    expect(bipolar.zero).toBe(0);
  });

  test.each([2, 5, 8, 16])("%i bits: with powers of two the largest code is one short of 1", (bits) => {
    for (const grid of [unitGrid(bits, true), bipolarGrid(bits, true)]) {
      expect(isPowerOfTwo(grid.scale)).toBe(true);
      expect(decode(maxOf(grid.format) + 1, grid)).toBe(1);
    }
  });
});

describe("ranges", () => {
  test("observing widens a site's range, and no other's", () => {
    const ranges = new Ranges();
    ranges.observe("a", [1, -2]);
    ranges.observe("a", [0.5]);
    ranges.observe("b", [7]);
    ranges.observe("a", [3]);
    expect(ranges.of("a")).toEqual({ lo: -2, hi: 3 });
    expect(ranges.of("b")).toEqual({ lo: 7, hi: 7 });
  });

  test("a site that was never observed is refused by name", () => {
    expect(() => new Ranges().of("gates")).toThrow("gates");
    expect(() => new Ranges().union("gates", "cell")).toThrow("gates");
  });

  test("a union covers its sites", () => {
    const ranges = new Ranges();
    ranges.observe("a", [-1, 2]);
    ranges.observe("b", [1, 5]);
    expect(ranges.union("a", "b")).toEqual({ lo: -1, hi: 5 });
  });

  test("below a prefix, sites have the names that remain; a longer word is no prefix", () => {
    const ranges = new Ranges();
    ranges.observe("norm.x.mean", [1]);
    ranges.observe("norm.x", [2]);
    ranges.observe("norm.xy.mean", [3]);
    const inner = ranges.below("norm.x");
    expect(inner.of("mean")).toEqual({ lo: 1, hi: 1 });
    expect(() => inner.of("x")).toThrow();
    expect(() => inner.of("y.mean")).toThrow();
  });
});

function expectZero(grid: Grid): void {
  expect(encode(0, grid)).toBe(grid.zero);
  expect(decode(grid.zero, grid)).toBe(0);
}

function expectNear(x: number, grid: Grid): void {
  const miss = Math.abs(decode(encode(x, grid), grid) - x) / grid.scale;
  // Half a code for its own rounding, half for that of the zero point, which moves the ends of an affine grid.
  if (!(miss <= 1 * SLACK)) expect.fail(`${x} is ${miss} codes off on ${JSON.stringify(grid)}`);
}

describe("means of what matrices multiply", () => {
  const averaged = (...vectors: readonly (readonly number[])[]): Ranges => {
    const ranges = new Ranges();
    for (const vector of vectors) ranges.observe("cell.input", vector, "averaged");
    return ranges;
  };

  test("are element by element, and no range", () => {
    const ranges = averaged([1, -2], [3, 4], [5, 4]);
    expect(ranges.meanOf("cell.input")).toEqual(Float64Array.of(3, 2));
    expect(ranges.meanOf("cell")).toBeUndefined();
    expect(() => ranges.of("cell.input")).toThrow("no range was observed at cell.input");
  });

  test("are found below a prefix, and the inner ones go on without the outer", () => {
    const outer = averaged([1, -2]);
    const inner = outer.below("cell");
    inner.observe("input", [3, 4], "averaged");
    expect(inner.meanOf("input")).toEqual(Float64Array.of(2, 1));
    expect(outer.meanOf("cell.input")).toEqual(Float64Array.of(1, -2));
    expect(outer.below("cel").meanOf("input")).toBeUndefined();
  });

  test("of groups count every vector once, whatever the share of a moving average", () => {
    const average = new Ranges();
    average.approach(averaged([1, 0], [3, 0]), 0.25);
    average.approach(averaged([8, 3]), 0.25);
    expect(average.meanOf("cell.input")).toEqual(Float64Array.of(4, 1));
  });

  test("are left out of what is kept beside trained weights", () => {
    const kept = Ranges.restore(JSON.parse(JSON.stringify(averaged([1, 2]))));
    expect(kept.meanOf("cell.input")).toBeUndefined();
  });
});

describe("a moving average of ranges", () => {
  const seen = ({ lo, hi }: Range): Ranges => {
    const ranges = new Ranges();
    ranges.observe("site", [lo, hi], "lookedUp");
    return ranges;
  };

  test("begins with the first, moves by its share, and never leaves what was seen", () => {
    fc.assert(
      fc.property(
        fc.array(anyRange, { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, share) => {
          const average = new Ranges();
          for (const range of all) average.approach(seen(range), share);
          const { lo, hi } = average.of("site");
          const last = all.reduce((own, { lo, hi }) => ({
            lo: own.lo + share * (lo - own.lo),
            hi: own.hi + share * (hi - own.hi),
          }));
          // A step of 0 makes 0 of -0.
          expect({ lo, hi }).toEqual({ lo: last.lo + 0, hi: last.hi + 0 });
          const slack = 1e-9;
          expect(lo).toBeGreaterThanOrEqual(Math.min(...all.map((r) => r.lo)) - slack);
          expect(hi).toBeLessThanOrEqual(Math.max(...all.map((r) => r.hi)) + slack);
        },
      ),
    );
  });

  test("counts the lookups of all, and comes back whole from its plain data", () => {
    const average = seen({ lo: -1, hi: 2 });
    average.approach(seen({ lo: -3, hi: 4 }), 0.5);
    expect(average.lookupsOf("site")!.counts.reduce((sum, n) => sum + n, 0)).toBe(4);
    const restored = Ranges.restore(JSON.parse(JSON.stringify(average)));
    expect(restored.of("site")).toEqual({ lo: -2, hi: 3 });
    expect(restored.lookupsOf("site")).toEqual(average.lookupsOf("site"));
  });
});
