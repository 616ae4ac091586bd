import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import { reciprocalOnePlus } from "../../src/fixed/elementary.ts";
import { type Mantissa, reciprocalNewton, rsqrtNewton } from "../../src/fixed/newton.ts";
import { edges, exactDoublingHigh, exactRoundingDivide, exactSaturate } from "../support/exact.ts";
import { randomInt } from "../support/ints.ts";

const high = exactDoublingHigh;
const shiftLeft = (x: bigint, e: bigint) => exactSaturate(x << e, 32, true);

/** TensorFlow Lite's inverse square root as its definition states it, on unbounded integers. */
function exactRsqrt(v: bigint): readonly [mantissa: bigint, exponent: number] {
  if (v <= 1n) return [2n ** 31n - 1n, 31];
  let m = v;
  let shift = 11n;
  for (; m >= 1n << 29n; shift++) m /= 4n;
  const zeros = BigInt(32 - m.toString(2).length);
  const pairs = (zeros - 1n) / 2n - 1n;
  shift -= pairs;
  m <<= 2n * pairs;
  let x = 1n << 28n;
  for (let step = 0; step < 5; step++) {
    const cube = shiftLeft(high(high(x, x), x), 6n);
    x = shiftLeft(high(3n << 27n, x) - high(exactRoundingDivide(m >> 1n, 1), cube), 3n);
  }
  x = high(x, 1518500250n);
  return shift < 0n ? [x << -shift, 31] : [x, 31 + Number(shift)];
}

/** 1, all of the small ones, and every width up to `bits`, seeded. */
function samples(bits: number, seed: string): number[] {
  const rng = seedrandom(seed);
  const small = Array.from({ length: 2000 }, (_, i) => i + 1);
  const random = Array.from({ length: 20_000 }, () => Math.abs(randomInt(rng, bits)));
  return [...small, ...edges(bits).filter((v) => v > 0), ...random];
}

const realOf = ({ mantissa, exponent }: Mantissa) => mantissa / 2 ** exponent;

test("1 / √v is its definition on unbounded integers, seed newton/rsqrt", () => {
  for (const v of samples(53, "newton/rsqrt")) {
    const got = rsqrtNewton(v);
    const [mantissa, exponent] = exactRsqrt(BigInt(v));
    if (got.mantissa !== Number(mantissa) || got.exponent !== exponent) {
      expect.fail(`v = ${v}: ${JSON.stringify(got)}, want ${mantissa} / 2^${exponent}`);
    }
    if (exponent > 62 || mantissa >= 2n ** 31n) expect.fail(`v = ${v} leaves the shifts of a scale`);
    const error = Math.abs(realOf(got) * Math.sqrt(Math.max(v, 1)) - 1);
    if (error > 2 ** -19) expect.fail(`v = ${v} is off by ${error}`);
  }
});

test("1 / v is near, its exponent follows the leading bit, seed newton/reciprocal", () => {
  for (const v of samples(48, "newton/reciprocal")) {
    const got = reciprocalNewton(v);
    const lead = Math.max(v, 1).toString(2).length;
    if (got.exponent !== 30 + lead) expect.fail(`v = ${v} has the exponent ${got.exponent}`);
    const error = Math.abs(realOf(got) * Math.max(v, 1) - 1);
    if (!Number.isInteger(got.mantissa) || error > 2 ** -27) expect.fail(`v = ${v} is off by ${error}`);
  }
});

test("1 / v is 1 / (1 + x) of what follows the leading bit", () => {
  for (const v of [1, 2, 3, 5, 4096, 65_537, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    const zeros = Math.clz32(v);
    const mantissa = reciprocalOnePlus(v * 2 ** zeros - 2 ** 31);
    expect(reciprocalNewton(v)).toEqual({ mantissa, exponent: 62 - zeros });
  }
  // Below the 32 highest bits nothing counts.
  const v = 3 * 2 ** 39;
  expect(reciprocalNewton(v + 511)).toEqual(reciprocalNewton(v));
  expect(reciprocalNewton(v + 2 ** 14)).not.toEqual(reciprocalNewton(v));
});

test("one, and what counts as one", () => {
  for (const v of [1, 0, -0, -5]) {
    expect(reciprocalNewton(v)).toEqual({ mantissa: 2 ** 31 - 1, exponent: 31 });
    expect(rsqrtNewton(v)).toEqual({ mantissa: 2 ** 31 - 1, exponent: 31 });
  }
});

test("what is too large, or no number, is refused", () => {
  for (const v of [2 ** 47, Number.POSITIVE_INFINITY, Number.NaN]) {
    expect(() => reciprocalNewton(v), `${v}`).toThrow(RangeError);
  }
  for (const v of [2 ** 53, Number.NaN]) expect(() => rsqrtNewton(v), `${v}`).toThrow(RangeError);
});
