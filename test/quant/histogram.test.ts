import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxOf, minOf, signed } from "../../src/fixed/format.ts";
import { encode, type Grid } from "../../src/fixed/real.ts";
import { Ranges } from "../../src/quant/grid.ts";
import {
  codeShares,
  countValues,
  emptyHistogram,
  type Histogram,
  mergeHistogram,
} from "../../src/quant/histogram.ts";

/** A quotient of a subnormal number may be 0, so these stay out. */
const value = fc.oneof(
  fc.double({ min: -9, max: 9, noNaN: true }).map((x) => (Math.abs(x) < 1e-300 ? 0 : x)),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => (Math.abs(x) < 1e-300 ? 0 : x)),
  fc.integer({ min: -12, max: 12 }).map((k) => 2 ** k),
);
const some = fc.array(value, { minLength: 1, maxLength: 60 });
const anyGrid = fc
  .tuple(fc.integer({ min: 2, max: 10 }), fc.double({ min: 1e-3, max: 10, noNaN: true }))
  .chain(([bits, scale]) =>
    fc
      .integer({ min: minOf(signed(bits)), max: maxOf(signed(bits)) })
      .map((zero): Grid => ({ format: signed(bits), scale, zero })),
  );

function histogramOf(values: readonly number[]): Histogram {
  const histogram = emptyHistogram();
  countValues(histogram, values);
  return histogram;
}

const sumOf = (values: Float64Array): number => values.reduce((sum, one) => sum + one, 0);

describe("counting", () => {
  test("each value is in the bin that its width says, and nothing else is; half as wide they would not cover", () => {
    fc.assert(
      fc.property(some, (values) => {
        const { width, counts } = histogramOf(values);
        const side = counts.length / 2;
        const wanted = new Array<number>(counts.length).fill(0);
        for (const x of values) wanted[side + Math.floor(x / width)]!++;
        expect([...counts]).toEqual(wanted);
        const most = Math.max(...values.map(Math.abs));
        expect(most).toBeLessThan(side * width);
        if (width > 2 ** -30) expect(most).toBeGreaterThanOrEqual((side * width) / 2);
      }),
    );
  });

  test("neither the order of values nor where they were counted leaves a trace", () => {
    fc.assert(
      fc.property(some, some, (first, second) => {
        const whole = histogramOf([...first, ...second]);
        expect(histogramOf([...second, ...first].toReversed())).toEqual(whole);
        const merged = histogramOf(first);
        mergeHistogram(merged, histogramOf(second));
        expect(merged).toEqual(whole);
        const step = histogramOf(first);
        for (const x of second) countValues(step, [x]);
        expect(step).toEqual(whole);
      }),
    );
  });

  test("what is merged is left as it was", () => {
    const small = histogramOf([0.25, -1]);
    mergeHistogram(histogramOf([1000]), small);
    expect(small).toEqual(histogramOf([-1, 0.25]));
  });

  test("a masked score is not counted", () => {
    const values = [Number.NEGATIVE_INFINITY, 1, Number.NaN];
    expect(histogramOf(values)).toEqual(histogramOf([1]));
  });

  test("is plain data", () => {
    const histogram = histogramOf([1, 2, -3]);
    expect(structuredClone(histogram)).toEqual(histogram);
  });
});

describe("shares of codes", () => {
  const whole: Grid = { format: signed(4), scale: 1, zero: 0 };

  test("by hand: bins within a code count there, what lies beyond the grid at its ends", () => {
    const shares = codeShares(histogramOf([-1000.5, 2.2, 2.3, 3.1, 9, 400, 0, 0]), {
      ...whole,
      scale: 8,
      zero: 1,
    });
    // The bins are 2 wide: [2, 4) is half within code 1, which ends at 4; [-4, 4) is its.
    expect([...shares].map((share) => share * 8)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0, 0, 1]);
  });

  test("a bin of several codes is spread evenly over them", () => {
    const { width } = histogramOf([600]);
    expect(width).toBe(2);
    const shares = codeShares(histogramOf([600, 2]), { format: signed(8), scale: 0.5, zero: 0 });
    // [2, 4) is a quarter of code 4 … half of code 8: steps of 0.5 that end half a step from their middles.
    const parts = [3, 4, 5, 6, 7, 8, 9].map((code) => shares[code + 128]! * 2);
    expect(parts).toEqual([0, 0.125, 0.25, 0.25, 0.25, 0.125, 0]);
    expect(shares[255]).toBe(0.5);
  });

  test("nothing is lost, and no code's share is off by more than the bins that it has in part", () => {
    fc.assert(
      fc.property(some, anyGrid, (values, grid) => {
        const histogram = histogramOf(values);
        const shares = codeShares(histogram, grid);
        expect(shares.length).toBe(2 ** grid.format.bits);
        expect(shares.every((share) => share >= 0)).toBe(true);
        expect(sumOf(shares)).toBeCloseTo(1, 9);
        // Up to a code: what its end splits is one bin, and rounding decides values on the end itself.
        let upTo = 0;
        const codes = values.map((x) => encode(x, grid));
        for (const [i, share] of shares.entries()) {
          upTo += share;
          const code = minOf(grid.format) + i;
          const end = (code + 0.5 - grid.zero) * grid.scale;
          const near = values.filter((x) => Math.abs(x - end) <= 1.001 * histogram.width).length;
          const exact = codes.filter((one) => one <= code).length;
          expect(Math.abs(upTo * values.length - exact)).toBeLessThanOrEqual(near + 1e-6);
        }
      }),
    );
  });
});

describe("ranges", () => {
  test("count what is looked up; below a prefix the counts are the site's own", () => {
    const ranges = new Ranges();
    ranges.observe("cell.gates", [1, -2], "lookedUp");
    ranges.observe("cell.gates", [300], "lookedUp");
    ranges.observe("cell.hidden", [1]);
    const inner = ranges.below("cell");
    expect(inner.lookupsOf("gates")).toEqual(histogramOf([300, 1, -2]));
    inner.observe("gates", [5], "lookedUp");
    expect(ranges.lookupsOf("cell.gates")).toEqual(histogramOf([1, -2, 300]));
    expect(ranges.lookupsOf("gates")).toBeUndefined();
    expect(ranges.lookupsOf("cell.hidden")).toBeUndefined();
    ranges.observe("cell.gates", [7]);
    expect(ranges.lookupsOf("cell.gates")).toEqual(histogramOf([1, -2, 300]));
  });
});
