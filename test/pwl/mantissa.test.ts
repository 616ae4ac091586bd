import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { buildMantissaTable } from "../../src/pwl/build.ts";
import { type MantissaCurve, reciprocalOf, rsqrtOf } from "../../src/pwl/mantissa.ts";
import type { PwlMethod } from "../../src/pwl/placement.ts";
import { lookup, type PwlTable } from "../../src/pwl/table.ts";

const UNIT = {
  rsqrt: { of: rsqrtOf, real: (x: number) => 1 / Math.sqrt(x), first: 2 ** 14 },
  reciprocal: { of: reciprocalOf, real: (x: number) => 1 / x, first: 2 ** 15 },
} as const;

/**
 * Largest relative error of the whole path, 16-bit slopes: the chord, the rounded result (2^-15), and
 * the bits of x below its mantissa (2^-15). Measured, then rounded up; uniform knots do better because
 * the slope rule leaves the flat end to one long piece.
 */
const BOUNDS: readonly (readonly [MantissaCurve, PwlMethod, number, number])[] = [
  ["rsqrt", "slope", 8, 0.021],
  ["rsqrt", "slope", 16, 0.008],
  ["rsqrt", "slope", 32, 0.0024],
  ["rsqrt", "uniform", 8, 0.0097],
  ["rsqrt", "uniform", 16, 0.0029],
  ["rsqrt", "uniform", 32, 0.0009],
  ["reciprocal", "slope", 8, 0.0061],
  ["reciprocal", "slope", 16, 0.0017],
  ["reciprocal", "slope", 32, 0.0005],
  ["reciprocal", "uniform", 8, 0.0036],
  ["reciprocal", "uniform", 16, 0.001],
  ["reciprocal", "uniform", 32, 0.0003],
];

function* samples(): Generator<number> {
  for (let x = 1; x < 2 ** 17; x++) yield x;
  const rng = seedrandom("mantissa");
  for (let power = 17; power < 53; power++) {
    yield* [2 ** power - 1, 2 ** power, 2 ** power + 1];
    for (let i = 0; i < 100; i++) yield Math.floor(2 ** power * (1 + rng()));
  }
  yield Number.MAX_SAFE_INTEGER;
}

describe.each(BOUNDS)("%s, %s, %d pieces", (curve, method, pieces, bound) => {
  test(`is within ${bound} of the real value, for every size of x`, () => {
    const table = buildMantissaTable(curve, { pieces, method, slopeBits: 16 });
    const { of, real } = UNIT[curve];
    for (const x of samples()) {
      const { mantissa, exponent } = of(table, x, "half-away");
      const off = Math.abs(mantissa / 2 ** exponent / real(x) - 1);
      const isScaled =
        Number.isInteger(exponent) && exponent >= 0 && mantissa >= 2 ** 14 && mantissa <= 2 ** 15;
      if (!isScaled || !(off < bound))
        expect.fail(`${curve} of ${x}: ${mantissa} / 2^${exponent}, off by ${off}`);
    }
  });
});

describe.each(["rsqrt", "reciprocal"] as const)("%s", (curve) => {
  const { of, real, first } = UNIT[curve];

  test("starts at the first mantissa, which stands for 1", () => {
    const table = buildMantissaTable(curve, { pieces: 16, method: "slope", slopeBits: 16 });
    expect([table.knots[0], table.bases[0]]).toEqual([first, 2 ** 15]);
    expect([table.in, table.out]).toEqual([
      { bits: 16, signed: false },
      { bits: 16, signed: false },
    ]);
  });

  test("is exact on powers of the base, where the mantissa is the first knot", () => {
    const table = buildMantissaTable(curve, { pieces: 4, method: "uniform", slopeBits: 16 });
    for (let power = 0; power < 53; power += curve === "rsqrt" ? 2 : 1) {
      const { mantissa, exponent } = of(table, 2 ** power, "floor");
      expect(mantissa / 2 ** exponent).toBe(real(2 ** power));
    }
  });

  test("scaling x by four moves the exponent and nothing else", () => {
    const table = buildMantissaTable(curve, { pieces: 8, method: "slope", slopeBits: 16 });
    for (let x = 1; x < 3000; x++) {
      const here = of(table, x, "half-away");
      const there = of(table, 4 * x, "half-away");
      expect(there).toEqual({
        mantissa: here.mantissa,
        exponent: here.exponent + (curve === "rsqrt" ? 1 : 2),
      });
    }
  });

  test("with 1,024 pieces only rounding is left", () => {
    const table: PwlTable = buildMantissaTable(curve, { pieces: 1024, method: "uniform", slopeBits: 16 });
    for (let m = first; m < 2 ** 16; m += 7) {
      const off = lookup(table, m, "half-away") - 2 ** 15 * real(m / first);
      if (!(Math.abs(off) < 1.01)) expect.fail(`mantissa ${m}: off by ${off}`);
    }
  });

  test("has nothing to say of zero", () => {
    const table = buildMantissaTable(curve, { pieces: 4, method: "uniform", slopeBits: 16 });
    expect(() => of(table, 0, "floor")).toThrow(RangeError);
  });
});
