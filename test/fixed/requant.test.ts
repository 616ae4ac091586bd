import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import {
  isLegalScale,
  plainRounding,
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
  exactFloat32,
  exactRoundingDivide,
  exactRoundShift,
  exactSaturate,
  exactTfliteDouble,
} from "../support/exact.ts";
import { expectInt, randomInt } from "../support/ints.ts";
import { goldenTable } from "./golden.ts";

const EDGES = edges(32);

function exactRequantize(x: number, { multiplier, shift }: Scale, rounding: RequantRounding): bigint {
  if (rounding === "tflite-double") return exactTfliteDouble(BigInt(x), BigInt(multiplier), shift);
  if (rounding === "float32") return exactFloat32(BigInt(x), BigInt(multiplier), shift);
  const mode = rounding === "tflite-single" ? "half-up" : rounding;
  return exactRoundShift(BigInt(x) * BigInt(multiplier), shift, mode);
}

function expectRequantized(x: number, scale: Scale, rounding: RequantRounding): void {
  const what = () => `${x} · ${scale.multiplier} / 2^${scale.shift} "${rounding}"`;
  expectInt(requantize(x, scale, rounding), exactRequantize(x, scale, rounding), what);
}

describe.each(REQUANT_ROUNDINGS)("requantize %s", (rounding) => {
  const bits = rounding === "float32" ? 24 : 31;

  test("on the edges of 32 bits, at shifts whose results stay safe", () => {
    const wide = [2 ** 30, 1518500250, 2 ** 31 - 1, 1 - 2 ** 31];
    const multipliers = [0, 1, -1, 2 ** 15 + 1, 2 ** 23 + 1, 2 ** 24 - 1, ...(bits > 24 ? wide : [])];
    for (const multiplier of multipliers) {
      for (const shift of [10, 20, 30, 31, 32, 33, 40, 61, 62]) {
        for (const x of EDGES) expectRequantized(x, { multiplier, shift }, rounding);
      }
    }
  });

  test("on random accumulators and multipliers of full width, seed requant", () => {
    const rng = seedrandom("requant");
    const half = 2 ** (bits - 1);
    for (let i = 0; i < 20_000; i++) {
      const multiplier = half + Math.floor(rng() * half);
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

test("of an accumulator wider than 32 bits, float32 keeps 24 in one rounding", () => {
  const rng = seedrandom("requant/wide");
  for (let i = 0; i < 20_000; i++) {
    const scale = { multiplier: 2 ** 23 + Math.floor(rng() * 2 ** 23), shift: 20 + Math.floor(rng() * 43) };
    expectRequantized(randomInt(rng, 48), scale, "float32");
  }
});

test("float32 is not the full product", () => {
  // 2^25 + 6 is no float32: of its neighbours, four apart, the even one is 2^25 + 8.
  const half = { multiplier: 2 ** 23, shift: 24 };
  const got = (["float32", "half-even"] as const).map((r) => requantize(2 ** 25 + 6, half, r));
  expect(got).toEqual([2 ** 24 + 4, 2 ** 24 + 3]);
  expectInt(requantize(-1, { multiplier: 1, shift: 3 }, "float32"), 0, () => "an eighth below zero");
  expect(() => requantize(1, { multiplier: 2 ** 24, shift: 0 }, "float32")).toThrow(RangeError);
});

test("what does not requantize rounds plainly", () => {
  const plain = REQUANT_ROUNDINGS.map(plainRounding);
  expect(plain).toEqual([...ROUNDINGS, "half-away", "half-away", "half-even"]);
});

test("gemmlowp itself", () => {
  const rows = goldenTable("gemmlowp/primitives_i32.csv").slice(1);
  const run: Readonly<Record<string, (a: number, b: number) => number>> = {
    SRDHM: roundingDoublingHighMultiply,
    RDBPOT: roundingDivideByPowerOfTwo,
  };
  let compared = 0;
  for (const [op, a, b, result] of rows) {
    const got = run[op!]?.(Number(a), Number(b));
    if (got === undefined) continue;
    expectInt(got, Number(result), () => `${op}(${a}, ${b})`);
    compared++;
  }
  expect(compared).toBe(9040);
});

test("the primitives on random 32 bits, seed requant/primitives", () => {
  const rng = seedrandom("requant/primitives");
  for (let i = 0; i < 50_000; i++) {
    const a = randomInt(rng, 32);
    const b = randomInt(rng, 32);
    const e = Math.floor(rng() * 32);
    const high = exactDoublingHigh(BigInt(a), BigInt(b));
    expectInt(roundingDoublingHighMultiply(a, b), high, () => `SRDHM(${a}, ${b})`);
    const down = exactRoundingDivide(BigInt(a), e);
    expectInt(roundingDivideByPowerOfTwo(a, e), down, () => `RDBPOT(${a}, ${e})`);
  }
  expectInt(roundingDoublingHighMultiply(0, -1), 0, () => "SRDHM(0, -1)");
  expectInt(roundingDoublingHighMultiply(-0, -0), 0, () => "SRDHM(-0, -0)");
  expectInt(roundingDivideByPowerOfTwo(-0, 0), 0, () => "RDBPOT(-0, 0)");
  expectInt(saturatingShiftLeft(-0, 3), 0, () => "SATSHL(-0, 3)");
});
