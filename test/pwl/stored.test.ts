import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxOf, minOf, saturate, signed } from "../../src/fixed/format.ts";
import { decode, encode, type Grid } from "../../src/fixed/real.ts";
import { ROUNDINGS, type Rounding } from "../../src/fixed/round.ts";
import { buildTable, type TableOptions } from "../../src/pwl/build.ts";
import { CURVES } from "../../src/pwl/curves.ts";
import { tableError } from "../../src/pwl/error.ts";
import { lookup, tableCost } from "../../src/pwl/table.ts";

/** What hardware stores of a table beside the least: fractions of offsets, shifts of pieces, half a curve, polish. */

const symmetric = (bits: number, most: number): Grid => ({
  format: signed(bits),
  scale: most / maxOf(signed(bits)),
  zero: 0,
});
const unit = (bits: number): Grid => ({
  format: signed(bits),
  scale: 1 / (2 ** bits - 1),
  zero: minOf(signed(bits)),
});
const plain: TableOptions = { pieces: 8, method: "gap", slopeBits: 8 };

const SITES = {
  sigmoid: { curve: CURVES.sigmoid, input: symmetric(8, 8), output: unit(8) },
  tanh: { curve: CURVES.tanh, input: symmetric(8, 4), output: symmetric(8, 1) },
  "tanh of 10 bits": { curve: CURVES.tanh, input: symmetric(10, 4), output: symmetric(8, 1) },
  exp: { curve: CURVES.exp, input: { ...symmetric(8, 8), zero: 127 }, output: unit(8) },
} as const;
/** What is polished with the knots that a method chose: free-knots.test.ts has the other. */
const ON_KNOTS = ["max", "rms"] as const;
const NAMES = Object.keys(SITES) as (keyof typeof SITES)[];

const anyOptions: fc.Arbitrary<TableOptions> = fc.record({
  pieces: fc.integer({ min: 1, max: 24 }),
  method: fc.constantFrom("slope", "gap", "uniform"),
  slopeBits: fc.integer({ min: 6, max: 16 }),
  offsetFraction: fc.integer({ min: 0, max: 16 }),
  shifts: fc.constantFrom("shared", "per-piece"),
  symmetry: fc.constant(undefined),
  rounding: fc.constantFrom<Rounding>(...ROUNDINGS),
});

describe.each(NAMES)("%s", (name) => {
  const { curve, input, output } = SITES[name];
  const errorOf = (options: TableOptions) => {
    const table = buildTable(curve.f, input, output, options);
    return tableError(table, curve.f, input, output, options.rounding ?? "half-away");
  };

  test("polish never makes worse what it polishes for, at any width, rounding, shift and symmetry", () => {
    fc.assert(
      fc.property(anyOptions, fc.boolean(), (drawn, isHalf) => {
        const options = { ...drawn, symmetry: isHalf ? curve.symmetry : undefined };
        const before = errorOf(options);
        const [max, rms] = ON_KNOTS.map((polish) => errorOf({ ...options, polish }));
        expect(max!.maxLsb).toBeLessThanOrEqual(before.maxLsb + 1e-9);
        expect(rms!.rmsLsb).toBeLessThanOrEqual(before.rmsLsb + 1e-9);
      }),
      { numRuns: 60, seed: 11 },
    );
  });

  test("a polished table keeps its knots, its shifts and its widths", () => {
    fc.assert(
      fc.property(anyOptions, fc.constantFrom(...ON_KNOTS), (options, polish) => {
        const before = buildTable(curve.f, input, output, options);
        const after = buildTable(curve.f, input, output, { ...options, polish });
        const { bases, slopes, ...kept } = after;
        expect({ ...kept, bases: before.bases, slopes: before.slopes }).toEqual(before);
        for (const slope of slopes) expect(slope).toBe(saturate(slope, signed(options.slopeBits)));
        for (const base of bases)
          expect(base).toBe(saturate(base, signed(output.format.bits + after.offsetFraction)));
      }),
      { numRuns: 40, seed: 12 },
    );
  });

  test("polish is worth something", () => {
    const [before, after] = [errorOf(plain), errorOf({ ...plain, polish: "rms" })];
    expect(after.rmsLsb).toBeLessThan(before.rmsLsb);
  });

  test("an offset with a fraction is the placed line at the knot to half its own step, and its floor is a code", () => {
    const at = (offsetFraction: number) => buildTable(curve.f, input, output, { ...plain, offsetFraction });
    const [whole, fine] = [at(0), at(4)];
    expect(fine.offsetFraction).toBe(Math.min(4, ...fine.shifts));
    const step = 2 ** fine.offsetFraction;
    const [lo, hi] = [minOf(output.format), maxOf(output.format)].map((code) => decode(code, output));
    for (const [i, knot] of fine.knots.entries()) {
      expect(knot).toBe(whole.knots[i]);
      const y = Math.min(hi!, Math.max(lo!, curve.f(decode(knot, input)))) / output.scale + output.zero;
      expect(Math.abs(fine.bases[i]! / step - y)).toBeLessThanOrEqual(0.5 / step + 1e-9);
    }
  });

  test("with a shift of its own each slope is as fine as its width allows, within 15 of the least", () => {
    const { slopes, shifts } = buildTable(curve.f, input, output, { ...plain, shifts: "per-piece" });
    const least = Math.min(...shifts);
    expect(shifts.length).toBe(slopes.length);
    for (const [i, slope] of slopes.entries()) {
      expect(shifts[i]).toBeLessThanOrEqual(least + 15);
      if (shifts[i]! < least + 15 && shifts[i]! < 31) expect(Math.abs(slope)).toBeGreaterThanOrEqual(63);
    }
    const shared = buildTable(curve.f, input, output, plain);
    expect([...shared.shifts]).toEqual([least]);
  });
});

describe.each(["sigmoid", "tanh", "tanh of 10 bits"] as const)("half of %s", (name) => {
  const { curve, input, output } = SITES[name];
  const options: TableOptions = { ...plain, symmetry: curve.symmetry };

  test("stores half the pieces, rounded up, and as much less", () => {
    for (const pieces of [1, 2, 7, 8]) {
      const [whole, half] = [undefined, curve.symmetry].map((symmetry) =>
        tableCost(buildTable(curve.f, input, output, { ...plain, pieces, symmetry })),
      );
      expect(half!.pieces).toBe(Math.ceil(pieces / 2));
      const piece = input.format.bits + output.format.bits + plain.slopeBits;
      expect(whole!.bits - half!.bits).toBe(Math.floor(pieces / 2) * piece - 2 * 32);
    }
  });

  test("its two sides add up to the sum on every code that has a mirror image, whatever the rounding", () => {
    for (const rounding of ROUNDINGS) {
      const table = buildTable(curve.f, input, output, { ...options, offsetFraction: 3 });
      const { inSum, outSum } = table.mirror!;
      expect(inSum).toBe(0);
      for (let x = 1; x <= maxOf(input.format); x++) {
        const sum = lookup(table, x, rounding) + lookup(table, -x, rounding);
        if (sum !== outSum) expect.fail(`${x}: ${sum}, not ${outSum}`);
      }
    }
  });

  test("with a knot on every input it is the rounded lookup table, but for the one code of a tie", () => {
    const table = buildTable(curve.f, input, output, { ...options, slopeBits: 16, pieces: 2 ** 11 });
    for (let x = minOf(input.format) + 1; x <= maxOf(input.format); x++) {
      const wanted = encode(curve.f(decode(x, input)), output);
      if (lookup(table, x, "half-away") !== wanted) expect.fail(`${x}: not ${wanted}`);
    }
  });
});

test("a curve without symmetry, or one whose lower half reaches far out, is stored whole", () => {
  const { f, symmetry } = CURVES.tanh;
  const output = symmetric(8, 1);
  const about = (zero: number) => buildTable(f, { ...symmetric(8, 4), zero }, output, { ...plain, symmetry });
  expect([-128, -60, 0].map((zero) => about(zero).mirror)).toEqual(
    [-128, -60, 0].map((zero) => ({ inSum: 2 * zero, outSum: 0 })),
  );
  for (const zero of [1, 60, 127]) expect(about(zero).mirror).toBeUndefined();
  expect(buildTable(f, symmetric(8, 4), output, plain).mirror).toBeUndefined();
});

test("offsets have no more fraction bits than the least shift", () => {
  const steep = buildTable((x) => x, symmetric(4, 1), symmetric(8, 1), { ...plain, offsetFraction: 16 });
  expect(steep.offsetFraction).toBe(steep.shifts[0]);
  expect(() =>
    buildTable((x) => x, symmetric(4, 1), symmetric(8, 1), { ...plain, offsetFraction: 17 }),
  ).toThrow(RangeError);
});
