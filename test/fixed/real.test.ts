import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxOf, minOf, signed, unsigned } from "../../src/fixed/format.ts";
import {
  ceilLog2,
  decode,
  decodeAll,
  decodeHalf,
  encode,
  encodeAll,
  floorLog2,
  type Grid,
  roundHalf,
  roundReal,
} from "../../src/fixed/real.ts";
import { ROUNDINGS } from "../../src/fixed/round.ts";
import { exactDivide, exactFraction } from "../support/exact.ts";
import { expectInt, expectSameInts } from "../support/ints.ts";

const INT8: Grid = { format: signed(8), scale: 0.125, zero: 3 };
const GRIDS: readonly Grid[] = [
  INT8,
  { format: unsigned(8), scale: 1 / 255, zero: 0 },
  { format: unsigned(4), scale: 0.3, zero: 7 },
  { format: signed(16), scale: 2 ** -12, zero: 0 },
  { format: signed(2), scale: 1000, zero: -1 },
];

describe.each(ROUNDINGS)("roundReal %s", (mode) => {
  test("agrees with the fraction that the double is", () => {
    // Of these, 0.5 - 2^-54 and 2^52 ± 0.5 are where adding a half before a floor goes wrong.
    const awkward = [
      0,
      0.5,
      1.5,
      2.5,
      0.5 - 2 ** -54,
      0.5 + 2 ** -53,
      2 ** 51 + 0.5,
      2 ** 52 - 0.5,
      2 ** 52 + 1,
    ];
    for (const x of [...awkward, 2 ** 53, 1e300, Number.MIN_VALUE]) {
      for (const v of [x, -x]) {
        expectInt(
          roundReal(v, mode),
          exactDivide(...exactFraction(v), mode),
          () => `roundReal(${v}, "${mode}")`,
        );
      }
    }
  });

  test("agrees on random doubles, seed 11", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (x) =>
        Object.is(roundReal(x, mode), Number(exactDivide(...exactFraction(x), mode))),
      ),
      { seed: 11, numRuns: 500 },
    );
  });

  test("keeps infinities and refuses NaN", () => {
    expect(roundReal(Number.POSITIVE_INFINITY, mode)).toBe(Number.POSITIVE_INFINITY);
    expect(roundReal(Number.NEGATIVE_INFINITY, mode)).toBe(Number.NEGATIVE_INFINITY);
    expect(() => roundReal(Number.NaN, mode)).toThrow(RangeError);
  });
});

test("encode: rounds, then shifts by the zero point, then saturates", () => {
  expect([0, 0.125, 0.0625, -0.0625, 15.5, 15.6, -16.375, -100].map((x) => encode(x, INT8))).toEqual([
    3, 4, 4, 2, 127, 127, -128, -128,
  ]);
  expect([0.0625, -0.0625].map((x) => encode(x, INT8, "half-even"))).toEqual([3, 3]);
  expect(encode(Number.POSITIVE_INFINITY, INT8)).toBe(127);
  expect(() => encode(Number.NaN, INT8)).toThrow(RangeError);
});

test("zero has a code of its own, and every code survives decode and encode", () => {
  for (const grid of GRIDS) {
    expect(decode(encode(0, grid), grid)).toBe(0);
    const codes = Array.from({ length: 2 ** grid.format.bits }, (_, i) => minOf(grid.format) + i);
    expectSameInts(encodeAll(decodeAll(codes, grid), grid), codes, `codes of scale ${grid.scale}`);
  }
});

test("a value within the range is at most half a step away from its code", () => {
  for (const grid of GRIDS) {
    const lo = decode(minOf(grid.format), grid);
    const hi = decode(maxOf(grid.format), grid);
    for (let i = 0; i <= 1000; i++) {
      const x = lo + ((hi - lo) * i) / 1000;
      const miss = Math.abs(decode(encode(x, grid), grid) - x) / grid.scale;
      if (miss > 0.5 + 1e-9) expect.fail(`${x} on scale ${grid.scale} is ${miss} steps off`);
    }
  }
});

test("codes wider than the array are refused", () => {
  expect(() => encodeAll([1], { format: unsigned(32), scale: 1, zero: 0 })).toThrow(RangeError);
  expect(() => encodeAll([1], { format: signed(33), scale: 1, zero: 0 })).toThrow(RangeError);
  expectSameInts(
    encodeAll([1e12], { format: signed(32), scale: 1, zero: 0 }),
    [2 ** 31 - 1],
    "the end of 32 bits",
  );
});

test("binary logarithms on both sides of every power of two a double has", () => {
  let power = Number.MIN_VALUE;
  for (let k = -1074; k <= 1023; k++, power *= 2) {
    expectInt(floorLog2(power), k, () => `floorLog2(2^${k})`);
    expectInt(ceilLog2(power), k, () => `ceilLog2(2^${k})`);
    const above = power * (1 + Number.EPSILON);
    if (above === power) continue; // a subnormal too coarse to hold it
    expectInt(floorLog2(above), k, () => `floorLog2 just above 2^${k}`);
    expectInt(ceilLog2(above), k + 1, () => `ceilLog2 just above 2^${k}`);
    const below = power * (1 - Number.EPSILON / 2);
    expectInt(floorLog2(below), below === power ? k : k - 1, () => `floorLog2 just below 2^${k}`);
    expectInt(ceilLog2(below), k, () => `ceilLog2 just below 2^${k}`);
  }
});

test("logarithms of what has none are refused", () => {
  for (const x of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => floorLog2(x), `${x}`).toThrow(RangeError);
    expect(() => ceilLog2(x), `${x}`).toThrow(RangeError);
  }
});

describe.each([
  [5, 65504, 2 ** -24],
  [8, (2 - 2 ** -7) * 2 ** 127, 2 ** -133],
] as const)("numbers of 16 bits, %i of them the exponent", (exponentBits, largest, smallest) => {
  const value = (bits: number) => decodeHalf(bits, exponentBits);
  const infinity = 0x8000 - 2 ** (15 - exponentBits);

  test("grow with their bits, from the smallest to infinity, and mirror each other", () => {
    expect([value(0), value(1), value(infinity - 1), value(infinity)]).toEqual([
      0,
      smallest,
      largest,
      Infinity,
    ]);
    expect([value(infinity + 1), value(0xffff)]).toEqual([NaN, NaN]);
    const falls = Array.from({ length: infinity }, (_, bits) => bits).filter(
      (bits) => !(value(bits) < value(bits + 1)),
    );
    const odd = Array.from({ length: infinity }, (_, bits) => bits).filter(
      (bits) => value(bits + 0x8000) !== -value(bits),
    );
    expect([falls, odd]).toEqual([[], []]);
  });

  test("are what is next to a real number, ties to even bits", () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < infinity - 1; bits++) {
      const [low, high] = [value(bits), value(bits + 1)];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? low : high;
      const isRight =
        roundHalf(low, exponentBits) === low &&
        roundHalf(-middle, exponentBits) === -even &&
        roundHalf(middle - (high - low) / 4, exponentBits) === low &&
        roundHalf(middle + (high - low) / 4, exponentBits) === high;
      if (!isRight) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  test("end where half a step more is infinity", () => {
    const half = (largest - value(infinity - 2)) / 2;
    expect(roundHalf(largest + half, exponentBits)).toBe(Infinity);
    expect(roundHalf(-(largest + half) * (1 - 2 ** -40), exponentBits)).toBe(-largest);
    expect(roundHalf(NaN, exponentBits)).toBeNaN();
  });
});
