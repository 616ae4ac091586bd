import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { isLegalScale, REQUANT_KINDS, type RequantKind, requantize } from "../../src/fixed/requant.ts";
import {
  factorOf,
  float32Scale,
  nearestScale,
  quantizedMultiplier,
  reducedMultiplier,
  scaleAtLeast,
  TWO_SHIFT_SPAN,
} from "../../src/fixed/scale.ts";

/** Every factor a requantizer can be set to whose multiplier is in the list, in ascending order. */
function representable(multipliers: readonly number[]): number[] {
  const found = new Set<number>();
  for (const m of multipliers) for (let shift = 0; shift <= 62; shift++) found.add(m / 2 ** shift);
  return [...found].sort((a, b) => a - b);
}

const places = Array.from({ length: 31 }, (_, i) => i);
const powers = places.map((i) => 2 ** i);
const digitPairs = places.flatMap((a) =>
  places
    .filter((b) => b <= a && a - b <= TWO_SHIFT_SPAN)
    .flatMap((b) => [2 ** a, 2 ** a + 2 ** b, 2 ** a - 2 ** b])
    .filter((m) => m > 0 && m < 2 ** 16),
);
const below = (bits: number) => Array.from({ length: 2 ** bits }, (_, m) => m);

const CASES: readonly (readonly [RequantKind, number, readonly number[]])[] = [
  ["shift", 8, representable(powers)],
  ["two-shift", 8, representable(digitPairs)],
  ...[2, 3, 4, 5, 8].map((bits) => ["multiplier", bits, representable(below(bits))] as const),
];

/** Positions in an ascending list: how many entries are below x. */
function rank(list: readonly number[], x: number): number {
  let lo = 0;
  let hi = list.length;
  while (lo < hi) {
    const mid = Math.floor((lo + hi) / 2);
    if (list[mid]! < x) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

describe.each(CASES)("%s, %i bits", (kind, bits, all) => {
  const top = all[all.length - 1]!;
  const factors = [...probes(all), ...randomFactors(top)];

  test("nearestScale is the nearest of all there are, and legal", () => {
    for (const factor of factors) {
      const i = rank(all, factor);
      const lower = all[i - 1];
      const upper = all[i];
      const want =
        lower === undefined ? upper : upper === undefined || factor - lower < upper - factor ? lower : upper;
      const scale = nearestScale(factor, kind, bits);
      if (factorOf(scale) !== want) expect.fail(`${factor}: got ${factorOf(scale)}, nearest is ${want}`);
      if (!isLegalScale(scale, kind, bits)) expect.fail(`${factor}: ${JSON.stringify(scale)} is not legal`);
    }
  });

  test("scaleAtLeast is the smallest of all that are enough, and legal", () => {
    for (const factor of factors.filter((f) => f <= top)) {
      const scale = scaleAtLeast(factor, kind, bits);
      const want = all[rank(all, factor)];
      if (factorOf(scale) !== want) expect.fail(`${factor}: got ${factorOf(scale)}, want ${want}`);
      if (!isLegalScale(scale, kind, bits)) expect.fail(`${factor}: ${JSON.stringify(scale)} is not legal`);
    }
  });

  test("what is representable is given back", () => {
    for (const factor of all.filter((f) => f > 0)) {
      if (factorOf(nearestScale(factor, kind, bits)) !== factor) expect.fail(`nearestScale moved ${factor}`);
      if (factorOf(scaleAtLeast(factor, kind, bits)) !== factor) expect.fail(`scaleAtLeast moved ${factor}`);
    }
  });
});

/** Representable factors, the middles between them, and both sides of each. */
function probes(all: readonly number[]): number[] {
  return all
    .flatMap((f, i) => {
      const middle = (f + (all[i + 1] ?? f)) / 2;
      return [f, middle].flatMap((x) => [x * (1 - 2 ** -52), x, x * (1 + 2 ** -52)]);
    })
    .filter((x) => x > 0);
}

function randomFactors(top: number): number[] {
  const rng = seedrandom("scale");
  return Array.from({ length: 2000 }, () => top * 2 ** (-70 * rng()));
}

test("a factor no requantizer of the kind reaches is refused", () => {
  for (const [kind, bits, top] of [
    ["shift", 8, 2 ** 31],
    ["two-shift", 8, 2 ** 16],
    ["multiplier", 8, 2 ** 8],
    ["multiplier", 31, 2 ** 31],
  ] as const) {
    expect(() => nearestScale(top, kind, bits), `${kind} ${bits}`).toThrow(RangeError);
    expect(() => scaleAtLeast(top * (1 - 2 ** -53), kind, bits), `${kind} ${bits}`).toThrow(RangeError);
    expect(isLegalScale(nearestScale(top * (1 - 2 ** -53), kind, bits), kind, bits)).toBe(true);
  }
});

test("what is no factor, or no multiplier, is refused", () => {
  for (const kind of REQUANT_KINDS) {
    for (const factor of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => nearestScale(factor, kind, 16), `${kind} ${factor}`).toThrow(RangeError);
    }
  }
  for (const bits of [1, 32, 7.5]) expect(() => nearestScale(0.1, "multiplier", bits)).toThrow(RangeError);
});

test("a multiplier uses all its bits, unless the shift ends", () => {
  const rng = seedrandom("scale/width");
  for (const bits of [2, 7, 8, 15, 16, 24, 31]) {
    for (let i = 0; i < 500; i++) {
      const { multiplier, shift } = nearestScale(2 ** (-20 * rng() - 0.001), "multiplier", bits);
      const isFull = multiplier >= 2 ** (bits - 1) && multiplier < 2 ** bits;
      if (!isFull) expect.fail(`${multiplier} / 2^${shift} does not use ${bits} bits`);
    }
  }
});

test("31 bits are QuantizeMultiplier: half of ties away from zero, the carry moves the exponent", () => {
  expect(nearestScale(1, "multiplier", 31)).toEqual({ multiplier: 2 ** 30, shift: 30 });
  expect(nearestScale(0.5, "multiplier", 31)).toEqual({ multiplier: 2 ** 30, shift: 31 });
  expect(nearestScale(0.75, "multiplier", 31)).toEqual({ multiplier: 3 * 2 ** 29, shift: 31 });
  expect(nearestScale(0.1, "multiplier", 31)).toEqual({ multiplier: 1717986918, shift: 34 });
  expect(nearestScale(0.5 + 2 ** -32, "multiplier", 31)).toEqual({ multiplier: 2 ** 30 + 1, shift: 31 });
  expect(nearestScale(1 - 2 ** -32, "multiplier", 31)).toEqual({ multiplier: 2 ** 30, shift: 30 });
  expect(nearestScale(1 - 2 ** -31, "multiplier", 31)).toEqual({ multiplier: 2 ** 31 - 1, shift: 31 });
});

test("a scale that TensorFlow Lite calls zero takes any 32 bits to zero", () => {
  for (const factor of [
    2 ** -32 * (1 - 2 ** -30),
    2 ** -40,
    2 ** -62,
    2 ** -63,
    2 ** -64,
    Number.MIN_VALUE,
  ]) {
    const scale = nearestScale(factor, "multiplier", 31);
    for (const rounding of ["half-away", "half-even", "tflite-double"] as const) {
      for (const x of [1, 2 ** 31 - 1, -(2 ** 31)]) expect(requantize(x, scale, rounding)).toBe(0);
    }
  }
  expect(nearestScale(2 ** -64, "multiplier", 31)).toEqual({ multiplier: 0, shift: 0 });
});

test("a float32 is a scale, exactly, seed scale/float32", () => {
  const rng = seedrandom("scale/float32");
  for (let i = 0; i < 5000; i++) {
    const value = Math.fround(2 ** (23.999 - 62.999 * rng()));
    const scale = float32Scale(value);
    if (factorOf(scale) !== value) expect.fail(`${value} became ${scale.multiplier} / 2^${scale.shift}`);
    if (!isLegalScale(scale, "multiplier", 24)) expect.fail(`${JSON.stringify(scale)} is not legal`);
  }
  expect(float32Scale(1)).toEqual({ multiplier: 2 ** 23, shift: 23 });
  expect(float32Scale(2 ** 24 - 1)).toEqual({ multiplier: 2 ** 24 - 1, shift: 0 });
  expect(float32Scale(2 ** -62)).toEqual({ multiplier: 1, shift: 62 });
});

test("a float32 below the last shift takes 38 bits to zero, as it does itself", () => {
  for (const value of [2 ** -39 * (1 - 2 ** -24), 2 ** -62 * (2 - 2 ** -23), 2 ** -63, 2 ** -149]) {
    const scale = float32Scale(value);
    expect(isLegalScale(scale, "multiplier", 24)).toBe(true);
    for (const x of [1, 2 ** 37 - 1, -(2 ** 37)]) {
      expect(Math.abs(x) * value).toBeLessThan(0.5);
      expect(requantize(x, scale, "float32")).toBe(0);
    }
  }
  expect(float32Scale(2 ** -149)).toEqual({ multiplier: 0, shift: 0 });
});

test("what is no float32, or has no shift, is refused", () => {
  const beside = [1 + 2 ** -24, 2 ** -150, 3 * 2 ** -150, 2 ** -126 * (1 + 2 ** -24)];
  for (const value of [0, -1, 2 ** 24, 0.1, Number.NaN, Number.POSITIVE_INFINITY, ...beside]) {
    expect(() => float32Scale(value), `${value}`).toThrow(RangeError);
  }
});

test("TensorFlow Lite's pairs", () => {
  expect(quantizedMultiplier(1717986918, -3)).toEqual({ multiplier: 1717986918, shift: 34 });
  expect([quantizedMultiplier(5, 31), quantizedMultiplier(5, -31)].map((s) => s.shift)).toEqual([0, 62]);
  expect(reducedMultiplier(1717986918, -3)).toEqual({ multiplier: 26214, shift: 18 });
  expect(
    [0x7ffe_8000, 0x7ffe_ffff, 0x7fff_0000, 0x7fff_ffff].map((q) => reducedMultiplier(q, 0).multiplier),
  ).toEqual(Array(4).fill(0x7fff));
  expect([0x7ffe_7fff, 0x4000_8000, 0x4000_7fff, 0].map((q) => reducedMultiplier(q, 15).multiplier)).toEqual([
    0x7ffe, 0x4001, 0x4000, 0,
  ]);
  for (const shift of [32, -32, 0.5, Number.NaN])
    expect(() => quantizedMultiplier(1, shift)).toThrow(RangeError);
  for (const shift of [16, -48, 0.5, Number.NaN])
    expect(() => reducedMultiplier(1, shift)).toThrow(RangeError);
  for (const multiplier of [2 ** 31, 0.5, Number.NaN]) {
    expect(() => quantizedMultiplier(multiplier, 0), `${multiplier}`).toThrow(RangeError);
    expect(() => reducedMultiplier(multiplier, 0), `${multiplier}`).toThrow(RangeError);
  }
  expect(() => reducedMultiplier(-1, 0)).toThrow(RangeError);
});
