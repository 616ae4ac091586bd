// Four lanes at a time: containers of 1, 2 and 4 bytes as i32x4, and the rounding of i64x2 products.

import { addend, addendStep, HALF_EVEN } from "./integer";

/** Four elements as i32x4. */
@inline
export function load4(at: usize, bytes: i32): v128 {
  if (bytes == 1) return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(at)));
  if (bytes == 2) return v128.load16x4_s(at);
  return v128.load(at);
}

/** The four elements of `x`, each of which fits the container. */
@inline
export function store4(at: usize, bytes: i32, x: v128): void {
  if (bytes == 4) {
    v128.store(at, x);
  } else {
    const halves = i16x8.narrow_i32x4_s(x, x);
    if (bytes == 2) v128.store64_lane(at, halves, 0);
    else v128.store32_lane(at, i8x16.narrow_i16x8_s(halves, halves), 0);
  }
}

/** The low halves of four i64, given as two i64x2. */
@inline
export function lowHalves(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}

/** Adds 1 to each of the four counters at `at` whose lane in `mask` is all ones. */
@inline
export function count4(at: usize, mask: v128): void {
  v128.store(at, i32x4.sub(v128.load(at), mask));
}

/**
 * p / 2^s rounded for |p| + 2^s < 2^63: the addend of the mode is `positive`, plus `step` where p is negative, plus 1
 * where the floor is odd and `even` is set. Only `even` is a branch, the same way for a whole tensor. The shift is a
 * logical one of a biased sum, because engines have no fast arithmetic shift of i64: `positive` brings a bias of 2^63,
 * and `unbias` takes 2^(63 - s) off.
 */
@inline
export function roundShift2(p: v128, s: i32, positive: v128, step: v128, even: bool, unbias: v128): v128 {
  const negative = i64x2.lt_s(p, i64x2.splat(0));
  let sum = i64x2.add(i64x2.add(p, positive), v128.and(negative, step));
  if (even) sum = i64x2.add(sum, v128.and(i64x2.shr_u(p, s), i64x2.splat(1)));
  return i64x2.sub(i64x2.shr_u(sum, s), unbias);
}

/** `positive` of roundShift2. */
@inline
export function positiveOf(rounding: i32, s: i64): v128 {
  return i64x2.splat(addend(rounding, s) + i64.MIN_VALUE);
}

/** `step` of roundShift2. */
@inline
export function stepOf(rounding: i32, s: i64): v128 {
  return i64x2.splat(addendStep(rounding, s));
}

/** `even` of roundShift2. */
@inline
export function evenOf(rounding: i32, s: i64): bool {
  return rounding == HALF_EVEN && s > 0;
}

/** `unbias` of roundShift2. */
@inline
export function unbiasOf(s: i64): v128 {
  return i64x2.splat(<i64>((<u64>1) << (<u64>(63 - s))));
}

/**
 * Clamps four i64 into lo..hi, adds `zero`, stores them, and counts the clamped ones at `sat`. `lo` and `hi` are
 * without the zero point here; sums with it fit 32 bits.
 */
@inline
export function storeClamped4(
  at: usize,
  bytes: i32,
  a: v128,
  b: v128,
  lo: v128,
  hi: v128,
  zero: v128,
  sat: usize,
): void {
  const aLow = i64x2.lt_s(a, lo);
  const aHigh = i64x2.gt_s(a, hi);
  const bLow = i64x2.lt_s(b, lo);
  const bHigh = i64x2.gt_s(b, hi);
  const clamped = lowHalves(v128.or(aLow, aHigh), v128.or(bLow, bHigh));
  let x = lowHalves(a, b);
  if (v128.any_true(clamped)) {
    const low = v128.bitselect(lo, hi, aLow);
    const other = v128.bitselect(lo, hi, bLow);
    x = v128.bitselect(lowHalves(low, other), x, clamped);
    count4(sat, clamped);
  }
  store4(at, bytes, i32x4.add(x, zero));
}
