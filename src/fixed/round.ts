/**
 * How a result that is not an integer becomes one. The half modes go to the nearest integer and
 * are named by what happens to a tie; the last three never look for the nearest.
 *
 * | mode      |  2.5 | -2.5 |  2.7 | -2.7 | in hardware                                       |
 * |-----------|-----:|-----:|-----:|-----:|---------------------------------------------------|
 * | half-away |    3 |   -3 |    3 |   -3 | add half less the sign bit, then drop             |
 * | half-up   |    3 |   -2 |    3 |   -3 | add half, then drop: one carry-in                 |
 * | half-even |    2 |   -2 |    3 |   -3 | add half, clear the last bit on a tie             |
 * | half-zero |    2 |   -2 |    3 |   -3 | add half less the inverted sign bit, then drop    |
 * | half-down |    2 |   -3 |    3 |   -3 | add half less one, then drop                      |
 * | floor     |    2 |   -3 |    2 |   -3 | drop: wires only                                  |
 * | ceiling   |    3 |   -2 |    3 |   -2 | carry-in is the OR of the dropped bits            |
 * | truncate  |    2 |   -2 |    2 |   -2 | carry-in is sign AND the OR of the dropped bits   |
 */
export const ROUNDINGS = [
  "half-away",
  "half-up",
  "half-even",
  "half-zero",
  "half-down",
  "floor",
  "ceiling",
  "truncate",
] as const;
export type Rounding = (typeof ROUNDINGS)[number];

const POWERS = Float64Array.from({ length: 64 }, (_, n) => 2 ** n);

/** 2^n for an integer n in 0 … 63; RangeError otherwise. */
export function powerOfTwo(n: number): number {
  const power = POWERS[n];
  if (power === undefined) throw new RangeError(`a power of two wants an exponent in 0 … 63, got ${n}`);
  return power;
}

/**
 * The integer that `negative ? -v : v` rounds to, where v = down + rest / step, 0 <= rest < step.
 *
 * Every rounding of the project ends here. Working on the magnitude keeps `rest` exact: it never
 * exceeds the magnitude it was taken from. Doubling it moves only its exponent.
 */
export function settle(down: number, rest: number, step: number, negative: boolean, mode: Rounding): number {
  const magnitude = carries(down, rest, step, negative, mode) ? down + 1 : down;
  // 0 - 0 is +0, where -0 would be negative zero.
  return negative ? 0 - magnitude : magnitude;
}

function carries(down: number, rest: number, step: number, negative: boolean, mode: Rounding): boolean {
  switch (mode) {
    case "half-away":
      return 2 * rest >= step;
    case "half-up":
      return negative ? 2 * rest > step : 2 * rest >= step;
    case "half-even":
      return 2 * rest > step || (2 * rest === step && down % 2 === 1);
    case "half-zero":
      return 2 * rest > step;
    case "half-down":
      return negative ? 2 * rest >= step : 2 * rest > step;
    case "floor":
      return negative && rest > 0;
    case "ceiling":
      return !negative && rest > 0;
    case "truncate":
      return false;
  }
}

/**
 * Rounding right shift: x / 2^shift as an integer. Exact for every safe integer; never -0.
 *
 * @param x      safe integer
 * @param shift  integer in 0 … 63, RangeError otherwise; beyond 53 only the sign and whether x is
 *               zero matter
 */
export function roundShift(x: number, shift: number, mode: Rounding): number {
  const step = powerOfTwo(shift);
  const magnitude = Math.abs(x);
  const down = Math.floor(magnitude / step);
  return settle(down, magnitude - down * step, step, x < 0, mode);
}

/** Left shift: x · 2^n for n in 0 … 62. RangeError where the result is not a safe integer; never -0. */
export function shiftLeft(x: number, n: number): number {
  const y = x * powerOfTwo(n) + 0;
  if (!Number.isSafeInteger(y)) throw new RangeError(`${x} shifted left by ${n} is not a safe integer`);
  return y;
}

/**
 * a / b as an integer, rounded once. Exact for all safe integers; never -0.
 *
 * The floor of a quotient of doubles is right: for a / b to be rounded up to an integer k, with
 * k · b = a + t and t >= 1, it has to lie within half a place of k, so t / b < k · 2^-53 and
 * t · 2^53 < a + t, which no a below 2^53 satisfies. The product with b is then at most a, so exact.
 *
 * @param b  not zero, RangeError otherwise
 */
export function divide(a: number, b: number, mode: Rounding): number {
  if (b === 0) throw new RangeError(`${a} divided by zero`);
  const above = Math.abs(a);
  const below = Math.abs(b);
  const down = Math.floor(above / below);
  return settle(down, above - down * below, below, a < 0 !== b < 0, mode);
}

/** The largest integer <= a / b. Safe integers, b > 0. */
export const floorDiv = (a: number, b: number): number => divide(a, b, "floor");

/** The smallest integer >= a / b. Safe integers, b > 0. */
export const ceilDiv = (a: number, b: number): number => divide(a, b, "ceiling");

/**
 * x · m / 2^s as an integer, rounded once, as if the product were held in full. Never -0.
 *
 * @param x  integer, |x| < 2^48
 * @param m  integer, |m| <= 2^31
 * @param s  integer in 0 … 63
 * @throws RangeError where an operand is out of range and it matters, or the result is not a safe integer
 */
export function mulShift(x: number, m: number, s: number, mode: Rounding): number {
  const product = x * m;
  // A product beyond the safe integers cannot round back among them: 2^53 is representable.
  if (product >= -Number.MAX_SAFE_INTEGER && product <= Number.MAX_SAFE_INTEGER) {
    return roundShift(product, s, mode);
  }
  return mulShiftWide(x, m, s, mode);
}

/** `mulShift` of a product of up to 80 bits, kept as high · 2^32 + low. */
function mulShiftWide(x: number, m: number, s: number, mode: Rounding): number {
  const p = Math.abs(x);
  const q = Math.abs(m);
  if (!(p < 2 ** 48 && q <= 2 ** 31)) throw new RangeError(`the product ${x} · ${m} is beyond 48 by 32 bits`);
  const top = Math.floor(p / 2 ** 32);
  const bottom = p - top * 2 ** 32;
  // Three 16-bit limbs of x times the whole of m: no column reaches 2^49.
  const column0 = (bottom & 0xffff) * q;
  const column1 = (bottom >>> 16) * q + Math.floor(column0 / 2 ** 16);
  const carry = Math.floor(column1 / 2 ** 16);
  const high = top * q + carry;
  const low = (column1 - carry * 2 ** 16) * 2 ** 16 + (column0 % 2 ** 16);
  const negative = x < 0 !== m < 0;

  let result: number;
  if (s < 32) {
    const step = powerOfTwo(s);
    const whole = Math.floor(low / step);
    result = settle(high * powerOfTwo(32 - s) + whole, low - whole * step, step, negative, mode);
  } else {
    const step = powerOfTwo(s - 32);
    const down = Math.floor(high / step);
    // Of `low` it matters only on which side of its half it lies: its top bit and an OR of the others.
    const half = low >= 2 ** 31 ? 2 : 0;
    const sticky = low % 2 ** 31 > 0 ? 1 : 0;
    result = settle(down, (high - down * step) * 4 + half + sticky, step * 4, negative, mode);
  }
  if (!Number.isSafeInteger(result)) throw new RangeError(`${x} · ${m} / 2^${s} is not a safe integer`);
  return result;
}
