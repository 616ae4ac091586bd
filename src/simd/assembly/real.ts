// Rows under the rounding float32: the operand and its product with the scale are each rounded to a float32, the
// product then to the nearest integer, all ties to even. Sums before and after are exact in float64.

import { realScale } from "./integer";
import { count4, load4, lowHalves, store4 } from "./vector";

/** Sums of magnitudes up to this are exact in float64. */
export const REAL_SAFE: f64 = 9007199254740991.0;

/** The upper two of four lanes, where conversions look for them. */
@inline
function upper(x: v128): v128 {
  return v128.shuffle<i64>(x, x, 1, 1);
}

/** Four float32 of x * gain + offset, each rounded once. */
@inline
function real4(x: v128, gain: v128, offset: v128): v128 {
  const low = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(x), gain), offset);
  const high = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(upper(x)), gain), offset);
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

/** Adds `zero` to four integers given as two f64x2, clamps them into lo..hi, stores and counts as storeClamped4. */
@inline
function storeReal4(at: usize, bytes: i32, a: v128, b: v128, zero: v128, lo: v128, hi: v128, sat: usize): void {
  const y = f64x2.add(a, zero);
  const z = f64x2.add(b, zero);
  const inY = f64x2.pmin(f64x2.pmax(y, lo), hi);
  const inZ = f64x2.pmin(f64x2.pmax(z, lo), hi);
  const clamped = lowHalves(f64x2.ne(y, inY), f64x2.ne(z, inZ));
  if (v128.any_true(clamped)) count4(sat, clamped);
  const low = i32x4.trunc_sat_f64x2_s_zero(inY);
  const high = i32x4.trunc_sat_f64x2_s_zero(inZ);
  store4(at, bytes, v128.shuffle<i64>(low, high, 0, 2));
}

/** scaleRow; a * gain and its sum with the offset stay within REAL_SAFE. */
export function realRow(
  a: usize,
  aBytes: i32,
  gain: i64,
  offset: i64,
  out: usize,
  outBytes: i32,
  lanes: i32,
  m: i64,
  s: i64,
  zero: i64,
  lo: i64,
  hi: i64,
  sat: usize,
): void {
  const gains = f64x2.splat(<f64>gain);
  const offsets = f64x2.splat(<f64>offset);
  const scale = f32x4.splat(realScale(m, s));
  const zeros = f64x2.splat(<f64>zero);
  const los = f64x2.splat(<f64>lo);
  const his = f64x2.splat(<f64>hi);
  for (let l = 0; l < lanes; l += 4) {
    const x = real4(load4(a + l * aBytes, aBytes), gains, offsets);
    const y = f32x4.nearest(f32x4.mul(x, scale));
    const low = f64x2.promote_low_f32x4(y);
    const high = f64x2.promote_low_f32x4(upper(y));
    storeReal4(out + l * outBytes, outBytes, low, high, zeros, los, his, sat + 4 * l);
  }
}

/** addRow. */
export function addRealRow(
  a: usize,
  aBytes: i32,
  aZero: i64,
  aM: i64,
  aS: i64,
  b: usize,
  bBytes: i32,
  bZero: i64,
  bM: i64,
  bS: i64,
  sign: i64,
  out: usize,
  outBytes: i32,
  lanes: i32,
  zero: i64,
  lo: i64,
  hi: i64,
  sat: usize,
): void {
  const one = f64x2.splat(1);
  const aOffsets = f64x2.splat(<f64>-aZero);
  const bOffsets = f64x2.splat(<f64>-bZero);
  const aScale = f32x4.splat(realScale(aM, aS));
  // Both roundings are symmetric, so that the sign may go to the scale.
  const bScale = f32x4.splat(realScale(sign * bM, bS));
  const zeros = f64x2.splat(<f64>zero);
  const los = f64x2.splat(<f64>lo);
  const his = f64x2.splat(<f64>hi);
  for (let l = 0; l < lanes; l += 4) {
    const x = f32x4.nearest(f32x4.mul(real4(load4(a + l * aBytes, aBytes), one, aOffsets), aScale));
    const y = f32x4.nearest(f32x4.mul(real4(load4(b + l * bBytes, bBytes), one, bOffsets), bScale));
    const low = f64x2.add(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y));
    const high = f64x2.add(f64x2.promote_low_f32x4(upper(x)), f64x2.promote_low_f32x4(upper(y)));
    storeReal4(out + l * outBytes, outBytes, low, high, zeros, los, his, sat + 4 * l);
  }
}

/** multiplyRow. */
export function multiplyRealRow(
  a: usize,
  aBytes: i32,
  aZero: i32,
  b: usize,
  bBytes: i32,
  bZero: i32,
  out: usize,
  outBytes: i32,
  lanes: i32,
  m: i32,
  s: i64,
  zero: i64,
  lo: i64,
  hi: i64,
  sat: usize,
): void {
  const aZeros = i32x4.splat(aZero);
  const bZeros = i32x4.splat(bZero);
  const scale = f32x4.splat(realScale(m, s));
  const zeros = f64x2.splat(<f64>zero);
  const los = f64x2.splat(<f64>lo);
  const his = f64x2.splat(<f64>hi);
  for (let l = 0; l < lanes; l += 4) {
    const x = i32x4.sub(load4(a + l * aBytes, aBytes), aZeros);
    const y = i32x4.sub(load4(b + l * bBytes, bBytes), bZeros);
    const product = f32x4.convert_i32x4_s(i32x4.mul(x, y));
    const r = f32x4.nearest(f32x4.mul(product, scale));
    const low = f64x2.promote_low_f32x4(r);
    const high = f64x2.promote_low_f32x4(upper(r));
    storeReal4(out + l * outBytes, outBytes, low, high, zeros, los, his, sat + 4 * l);
  }
}
