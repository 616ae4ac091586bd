import { roundShift, shiftLeft } from "./round.ts";

/** x >= 1 as a number of at most 16 bits: x = mantissa · 2^exponent, less the bits that were dropped. */
interface Normalized {
  readonly mantissa: number;
  readonly exponent: number;
}

/**
 * The integer square root, floor(√x). Exact for 0 <= x <= 2^53 - 1; RangeError otherwise.
 *
 * Digit by digit as a restoring array does it: one comparison and one subtraction for each bit of
 * the root, two bits of x at a time, from the top.
 */
export function isqrt(x: number): number {
  if (!Number.isSafeInteger(x) || x < 0) throw new RangeError(`no integer square root of ${x}`);
  let place = 1;
  while (place * 4 <= x) place *= 4;
  let rest = x + 0;
  let root = 0;
  // With r the digits found so far: rest = x - r², root = 2 · r · √place, so root + place is what the
  // square grows by when the digit √place joins them.
  for (; place >= 1; place /= 4) {
    if (rest >= root + place) {
      rest -= root + place;
      root = root / 2 + place;
    } else {
      root /= 2;
    }
  }
  return root;
}

/**
 * x with an even exponent, as 1/√x wants it: mantissa in [2^14, 2^16), mantissa = floor(x / 2^exponent).
 * A negative exponent scales up and is exact.
 *
 * @param x  integer in 1 … 2^53 - 1; RangeError otherwise
 */
export function normalize(x: number): Normalized {
  const exponent = leadingBit(x) - 14;
  return scaled(x, exponent % 2 === 0 ? exponent : exponent - 1);
}

/**
 * x with any exponent, as 1/x wants it: mantissa in [2^15, 2^16), mantissa = floor(x / 2^exponent).
 * A negative exponent scales up and is exact.
 *
 * @param x  integer in 1 … 2^53 - 1; RangeError otherwise
 */
export function normalizeAny(x: number): Normalized {
  return scaled(x, leadingBit(x) - 15);
}

function scaled(x: number, exponent: number): Normalized {
  const mantissa = exponent < 0 ? shiftLeft(x, -exponent) : roundShift(x, exponent, "floor");
  return { mantissa, exponent };
}

/** The place of the highest one bit: 0 for 1, 52 for 2^53 - 1. */
function leadingBit(x: number): number {
  if (!Number.isSafeInteger(x) || x < 1) throw new RangeError(`${x} has no leading bit to normalize by`);
  const high = Math.floor(x / 2 ** 32);
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(x);
}
