import { reciprocalOnePlus } from "./elementary.ts";
import { roundingDivideByPowerOfTwo, roundingDoublingHighMultiply, saturatingShiftLeft } from "./requant.ts";
import { floorDiv } from "./round.ts";

/** mantissa / 2^exponent, both integers, the mantissa in 0 … 2^31 - 1. */
export interface Mantissa {
  readonly mantissa: number;
  readonly exponent: number;
}

/** √½ in Q0.31, rounded. */
const ROOT_HALF = 1518500250;

/**
 * 1 / v by Newton's division: the reciprocal of a sum of exponentials in the integer softmax of TensorFlow
 * Lite and CMSIS-NN. Of v the 32 highest bits count. Relative error below 2^-27.
 *
 * The exponent is 31 for v = 1 and one more for every doubling, so above 62 from v = 2^32 on, where it is no
 * shift of a scale any more.
 *
 * @param v  integer below 2^47, RangeError otherwise; below 1 it counts as 1
 */
export function reciprocalNewton(v: number): Mantissa {
  if (!(v < 2 ** 47)) throw new RangeError(`a reciprocal is taken of what is below 2^47, not of ${v}`);
  let lead = Math.max(v, 1);
  let dropped = 0;
  for (; lead >= 2 ** 32; dropped++) lead = floorDiv(lead, 2);
  const zeros = Math.clz32(lead);
  // v = (1 + x) · 2^(31 - zeros) with x in Q0.31.
  const x = lead * 2 ** zeros - 2 ** 31;
  return { mantissa: reciprocalOnePlus(x), exponent: 62 - zeros + dropped };
}

/**
 * 1 / √v by five steps of Newton's iteration in Q3.28: the deviation of the integer layer norm of
 * TensorFlow Lite, to the bit. Relative error below 2^-19.
 *
 * @param v  integer below 2^53, RangeError otherwise; below 1 it counts as 1
 * @returns an exponent in 0 … 62
 */
export function rsqrtNewton(v: number): Mantissa {
  if (!(v <= Number.MAX_SAFE_INTEGER)) throw new RangeError(`${v} is not an integer below 2^53`);
  if (v <= 1) return { mantissa: 2 ** 31 - 1, exponent: 31 };
  let mantissa = v;
  let shift = 11;
  for (; mantissa >= 2 ** 29; shift++) mantissa = floorDiv(mantissa, 4);
  const pairs = floorDiv(Math.clz32(mantissa) - 1, 2) - 1;
  shift -= pairs;
  mantissa *= 4 ** pairs;
  const root = roundingDoublingHighMultiply(rsqrtOf(mantissa), ROOT_HALF);
  return shift < 0 ? { mantissa: root << -shift, exponent: 31 } : { mantissa: root, exponent: 31 + shift };
}

/** 1 / √m for m in Q3.28 from 1/2 up to 2, in Q3.28. */
function rsqrtOf(m: number): number {
  const half = roundingDivideByPowerOfTwo(m >> 1, 1);
  const threeHalves = 3 * 2 ** 27;
  let x = 2 ** 28;
  for (let step = 0; step < 5; step++) {
    const square = roundingDoublingHighMultiply(x, x);
    const cube = saturatingShiftLeft(roundingDoublingHighMultiply(square, x), 6);
    const next = roundingDoublingHighMultiply(threeHalves, x) - roundingDoublingHighMultiply(half, cube);
    x = saturatingShiftLeft(next, 3);
  }
  return x;
}
