import { readFileSync } from "node:fs";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import {
  isLegalScale,
  REQUANT_ROUNDINGS,
  type RequantRounding,
  requantize,
  requantizeByShift,
  requantizeByTwoShifts,
  roundingDivideByPowerOfTwo,
  roundingDoublingHighMultiply,
  type Scale,
  saturatingShiftLeft,
} from "../../src/fixed/requant.ts";
import { ROUNDINGS } from "../../src/fixed/round.ts";
import {
  edges,
  exactDoublingHigh,
  exactRoundingDivide,
  exactRoundShift,
  exactSaturate,
  exactTfliteDouble,
} from "../support/exact.ts";
import { expectInt, randomInt } from "../support/ints.ts";

const EDGES = edges(32);

function exactRequantize(x: number, { multiplier, shift }: Scale, rounding: RequantRounding): bigint {
  if (rounding === "tflite-double") return exactTfliteDouble(BigInt(x), BigInt(multiplier), shift);
  const mode = rounding === "tflite-single" ? "half-up" : rounding;
  return exactRoundShift(BigInt(x) * BigInt(multiplier), shift, mode);
}

function expectRequantized(x: number, scale: Scale, rounding: RequantRounding): void {
  const what = () => `${x} · ${scale.multiplier} / 2^${scale.shift} "${rounding}"`;
  expectInt(requantize(x, scale, rounding), exactRequantize(x, scale, rounding), what);
}

describe.each(REQUANT_ROUNDINGS)("requantize %s", (rounding) => {
  test("on the edges of 32 bits, at shifts whose results stay safe", () => {
    for (const multiplier of [0, 1, -1, 2 ** 15 + 1, 2 ** 30, 1518500250, 2 ** 31 - 1, 1 - 2 ** 31]) {
      for (const shift of [10, 20, 30, 31, 32, 33, 40, 61, 62]) {
        for (const x of EDGES) expectRequantized(x, { multiplier, shift }, rounding);
      }
    }
  });

  test("on random accumulators and 31-bit multipliers, seed requant", () => {
    const rng = seedrandom("requant");
    for (let i = 0; i < 20_000; i++) {
      const multiplier = 2 ** 30 + Math.floor(rng() * 2 ** 30);
      expectRequantized(randomInt(rng, 32), { multiplier, shift: 24 + Math.floor(rng() * 39) }, rounding);
    }
  });
});

test("double rounding is not single rounding", () => {
  const scale = { multiplier: 2 ** 30, shift: 33 }; // an eighth, reached as a half and then a quarter
  const got = [3, 11, -5].map((x) =>
    (["tflite-double", "tflite-single"] as const).map((r) => requantize(x, scale, r)),
  );
  expect(got).toEqual([
    [1, 0],
    [2, 1],
    [-1, -1],
  ]);
});

describe.each(ROUNDINGS)("the three kinds, %s", (mode) => {
  test("one shifter is a power of two", () => {
    for (const x of [...edges(24), ...Array.from({ length: 64 }, (_, i) => i - 32)]) {
      for (let shift = -8; shift <= 24; shift++) {
        const scale = shift < 0 ? { multiplier: 2 ** -shift, shift: 0 } : { multiplier: 1, shift };
        const what = () => `${x} by a shift of ${shift} "${mode}"`;
        expectInt(requantizeByShift(x, shift, mode), exactRequantize(x, scale, mode), what);
        expectInt(requantize(x, scale, mode), exactRequantize(x, scale, mode), what);
      }
    }
  });

  test("two shifters are a sum or difference of two", () => {
    for (const x of edges(20)) {
      for (let a = 0; a <= 15; a++) {
        for (let b = 0; b < a; b++) {
          for (const sign of [1, -1] as const) {
            const scale = { multiplier: 2 ** a + sign * 2 ** b, shift: 12 };
            const what = () => `${x} by 2^${a} ${sign < 0 ? "-" : "+"} 2^${b} "${mode}"`;
            const got = requantizeByTwoShifts(x, a, b, sign, 12, mode);
            expectInt(got, exactRequantize(x, scale, mode), what);
            expectInt(requantize(x, scale, mode), exactRequantize(x, scale, mode), what);
          }
        }
      }
    }
  });
});

test("terms or sums that are not safe integers are refused", () => {
  expect(() => requantizeByShift(2 ** 40, -14, "floor")).toThrow(RangeError);
  expect(() => requantizeByTwoShifts(2 ** 40, 13, 0, 1, 20, "floor")).toThrow(RangeError);
  expect(() => requantizeByTwoShifts(2 ** 40, 12, 12, 1, 20, "floor")).toThrow(RangeError);
  expectInt(requantizeByTwoShifts(-5, 3, 3, -1, 4, "floor"), 0, () => "a difference of equal terms");
});

test("legal multipliers, against every sum of digits written out", () => {
  const powers = Array.from({ length: 14 }, (_, i) => 2 ** i);
  const oneDigit = new Set(powers);
  const twoDigits = new Set(powers.flatMap((a) => [a, ...powers.flatMap((b) => [a + b, a - b])]));
  for (let multiplier = -4100; multiplier <= 4100; multiplier++) {
    const scale = { multiplier, shift: 20 };
    const magnitude = Math.abs(multiplier);
    const got = (["shift", "two-shift", "multiplier"] as const).map((kind) => isLegalScale(scale, kind, 12));
    const want = [oneDigit.has(multiplier), magnitude > 0 && twoDigits.has(magnitude), magnitude < 4096];
    if (got.join() !== want.join())
      expect.fail(`multiplier ${multiplier}: ${got.join()}, want ${want.join()}`);
  }
});

test("legal ranges", () => {
  const isLegal = (multiplier: number, shift: number) =>
    isLegalScale({ multiplier, shift }, "multiplier", 31);
  expect([isLegal(2 ** 31 - 1, 0), isLegal(1 - 2 ** 31, 62), isLegal(0, 0)]).toEqual([true, true, true]);
  expect([isLegal(2 ** 31, 0), isLegal(1, 63), isLegal(1, -1), isLegal(1, 0.5), isLegal(0.5, 0)]).toEqual(
    Array(5).fill(false),
  );
  expect(isLegalScale({ multiplier: 2 ** 30, shift: 0 }, "shift", 8)).toBe(true);
  expect(isLegalScale({ multiplier: 2 ** 31 - 1, shift: 0 }, "two-shift", 8)).toBe(true);
  expect(isLegalScale({ multiplier: 2 ** 30 + 2 ** 29, shift: 0 }, "two-shift", 8)).toBe(true);
});

test("doubling high multiply on all pairs of edges", () => {
  for (const a of EDGES) {
    for (const b of EDGES) {
      const want = exactDoublingHigh(BigInt(a), BigInt(b));
      expectInt(roundingDoublingHighMultiply(a, b), want, () => `SRDHM(${a}, ${b})`);
    }
  }
});

test("rounding divide and saturating left shift on edges and every amount", () => {
  for (const x of EDGES) {
    for (let e = 0; e <= 31; e++) {
      expectInt(
        roundingDivideByPowerOfTwo(x, e),
        exactRoundingDivide(BigInt(x), e),
        () => `RDBPOT(${x}, ${e})`,
      );
      const want = exactSaturate(BigInt(x) << BigInt(e), 32, true);
      expectInt(saturatingShiftLeft(x, e), want, () => `SATSHL(${x}, ${e})`);
    }
  }
});

test("gemmlowp itself", () => {
  const rows = goldenRows("test/golden/gemmlowp/primitives_i32.csv");
  expect(rows.length).toBeGreaterThan(50);
  for (const [op, a, b, result] of rows) {
    const got =
      op === "SRDHM"
        ? roundingDoublingHighMultiply(Number(a), Number(b))
        : roundingDivideByPowerOfTwo(Number(a), Number(b));
    expectInt(got, Number(result), () => `${op}(${a}, ${b})`);
  }
});

/** The rows of a CSV without quotes, past its comments and its header. */
function goldenRows(file: string): string[][] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .slice(1)
    .map((line) => line.split(","));
}
