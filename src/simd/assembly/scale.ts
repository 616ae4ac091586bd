// Kernels that are one product and one rounding for each element: requant, rescale, affine.

import { FLOAT32, loadInt, requantize, roundShift, storeClamped, TFLITE_DOUBLE } from "./integer";
import { REAL_SAFE, realRow } from "./real";
import { evenOf, load4, lowHalves, positiveOf, roundShift2, stepOf, storeClamped4, unbiasOf } from "./vector";

/** Sums of magnitudes below this are exact in i64, with room for the rounding of this very estimate. */
export const SAFE: f64 = 9.2e18;

/** The greatest magnitude in a container of 1, 2 or 4 bytes. */
@inline
export function magnitude(bytes: i32): f64 {
  return <f64>((<i64>1) << (8 * bytes - 1));
}

/** Half of the 32-bit range: what a magnitude stays below to fit. */
const INT: f64 = 2147483648.0;

/**
 * out[lane] = clamp(rq(x; m, s) + zero), x = (a[lane] * gain + offset) / 2^drop rounded half-away, over one row of 1-,
 * 2- or 4-byte elements. The gain has 32 bits.
 */
function scaleRow(
  a: usize,
  aBytes: i32,
  gain: i64,
  offset: i64,
  drop: i64,
  out: usize,
  outBytes: i32,
  lanes: i32,
  m: i64,
  s: i64,
  zero: i64,
  lo: i64,
  hi: i64,
  rounding: i32,
  sat: usize,
): void {
  const sum = magnitude(aBytes) * abs(<f64>gain) + abs(<f64>offset);
  const room = <f64>((<i64>1) << s) + abs(<f64>zero);
  if (rounding == TFLITE_DOUBLE && drop == 0) {
    doubleRow(a, aBytes, gain, offset, out, outBytes, lanes, m, s, zero, lo, hi, sat);
    return;
  }
  if (rounding == FLOAT32) {
    if (drop == 0 && sum <= REAL_SAFE) {
      realRow(a, aBytes, gain, offset, out, outBytes, lanes, m, s, zero, lo, hi, sat);
      return;
    }
  } else if (drop == 0 && abs(<f64>gain * <f64>m) < INT && sum * abs(<f64>m) + room < SAFE) {
    plainRow(a, aBytes, gain * m, offset * m, out, outBytes, lanes, s, zero, lo, hi, rounding, sat);
    return;
  } else {
    const dropped = sum / <f64>((<i64>1) << drop) + 1;
    // Products of 32 bits leave room for every rounding of theirs.
    const fits = rounding == TFLITE_DOUBLE || dropped < INT;
    if (fits && sum + <f64>((<i64>1) << drop) < SAFE) {
      twiceRow(a, aBytes, gain, offset, drop, out, outBytes, lanes, m, s, zero, lo, hi, rounding, sat);
      return;
    }
  }
  for (let l = 0; l < lanes; l++) {
    const x = roundShift(loadInt(a + l * aBytes, aBytes) * gain + offset, drop, 0);
    const y = requantize(x, m, s, rounding) + zero;
    storeClamped(out + l * outBytes, outBytes, y, lo, hi, sat + 4 * l);
  }
}

/** scaleRow for the roundings of one stage: a * factor + offset, shifted by s. */
function plainRow(
  a: usize,
  aBytes: i32,
  factor: i64,
  offset: i64,
  out: usize,
  outBytes: i32,
  lanes: i32,
  s: i64,
  zero: i64,
  lo: i64,
  hi: i64,
  rounding: i32,
  sat: usize,
): void {
  const factors = i32x4.splat(<i32>factor);
  const offsets = i64x2.splat(offset);
  const positive = positiveOf(rounding, s);
  const step = stepOf(rounding, s);
  const even = evenOf(rounding, s);
  const unbias = unbiasOf(s);
  const zeros = i32x4.splat(<i32>zero);
  const los = i64x2.splat(lo - zero);
  const his = i64x2.splat(hi - zero);
  const shift = <i32>s;
  for (let l = 0; l < lanes; l += 4) {
    const x = load4(a + l * aBytes, aBytes);
    const p = i64x2.add(i64x2.extmul_low_i32x4_s(x, factors), offsets);
    const q = i64x2.add(i64x2.extmul_high_i32x4_s(x, factors), offsets);
    const y = roundShift2(p, shift, positive, step, even, unbias);
    const z = roundShift2(q, shift, positive, step, even, unbias);
    storeClamped4(out + l * outBytes, outBytes, y, z, los, his, zeros, sat + 4 * l);
  }
}

/** scaleRow for tflite-double: 32-bit a * gain + offset, shifted left, then two rounded stages. */
function doubleRow(
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
  const left = <i32>max<i64>(0, 31 - s);
  const right = max<i64>(0, s - 31);
  const gains = i32x4.splat(<i32>gain);
  const offsets = i32x4.splat(<i32>offset);
  const factors = i32x4.splat(<i32>m);
  const zeros = i32x4.splat(<i32>zero);
  const los = i64x2.splat(lo - zero);
  const his = i64x2.splat(hi - zero);
  for (let l = 0; l < lanes; l += 4) {
    const x = i32x4.add(i32x4.mul(load4(a + l * aBytes, aBytes), gains), offsets);
    const shifted = i32x4.shl(x, left);
    const y = twoStages(i64x2.extmul_low_i32x4_s(shifted, factors), right);
    const z = twoStages(i64x2.extmul_high_i32x4_s(shifted, factors), right);
    storeClamped4(out + l * outBytes, outBytes, y, z, los, his, zeros, sat + 4 * l);
  }
}

/** scaleRow with a multiplier or a drop of its own: the sum goes through 32 bits. */
function twiceRow(
  a: usize,
  aBytes: i32,
  gain: i64,
  offset: i64,
  drop: i64,
  out: usize,
  outBytes: i32,
  lanes: i32,
  m: i64,
  s: i64,
  zero: i64,
  lo: i64,
  hi: i64,
  rounding: i32,
  sat: usize,
): void {
  const gains = i32x4.splat(<i32>gain);
  const offsets = i64x2.splat(offset);
  const dropPositive = positiveOf(0, drop);
  const dropStep = stepOf(0, drop);
  const dropUnbias = unbiasOf(drop);
  const down = <i32>drop;
  const factors = i32x4.splat(<i32>m);
  const positive = positiveOf(rounding, s);
  const step = stepOf(rounding, s);
  const even = evenOf(rounding, s);
  const unbias = unbiasOf(s);
  const shift = <i32>s;
  const double = rounding == TFLITE_DOUBLE;
  const left = double ? <i32>max<i64>(0, 31 - s) : 0;
  const right = max<i64>(0, s - 31);
  const zeros = i32x4.splat(<i32>zero);
  const los = i64x2.splat(lo - zero);
  const his = i64x2.splat(hi - zero);
  for (let l = 0; l < lanes; l += 4) {
    const codes = load4(a + l * aBytes, aBytes);
    const low = i64x2.add(i64x2.extmul_low_i32x4_s(codes, gains), offsets);
    const high = i64x2.add(i64x2.extmul_high_i32x4_s(codes, gains), offsets);
    const p = roundShift2(low, down, dropPositive, dropStep, false, dropUnbias);
    const q = roundShift2(high, down, dropPositive, dropStep, false, dropUnbias);
    const x = i32x4.shl(lowHalves(p, q), left);
    const xm = i64x2.extmul_low_i32x4_s(x, factors);
    const ym = i64x2.extmul_high_i32x4_s(x, factors);
    const y = double ? twoStages(xm, right) : roundShift2(xm, shift, positive, step, even, unbias);
    const z = double ? twoStages(ym, right) : roundShift2(ym, shift, positive, step, even, unbias);
    storeClamped4(out + l * outBytes, outBytes, y, z, los, his, zeros, sat + 4 * l);
  }
}

/** A product of 32-bit numbers to its rounded high half, then half-away by `right`: TFLite's two roundings. */
@inline
export function twoStages(p: v128, right: i64): v128 {
  const none = i64x2.splat(0);
  const high = roundShift2(p, 31, positiveOf(1, 31), none, false, unbiasOf(31));
  return roundShift2(high, <i32>right, positiveOf(0, right), stepOf(0, right), false, unbiasOf(right));
}

export function requant(
  acc: usize,
  accBytes: i32,
  out: usize,
  outBytes: i32,
  rows: i32,
  lanes: i32,
  bias: usize,
  multiplier: usize,
  shift: usize,
  zero: f64,
  lo: f64,
  hi: f64,
  rounding: i32,
  sat: usize,
): void {
  for (let r = 0; r < rows; r++) {
    const b = loadInt(bias + r * accBytes, accBytes);
    const m = <i64>load<i32>(multiplier + 4 * r);
    const s = <i64>load<i32>(shift + 4 * r);
    const from = acc + r * lanes * accBytes;
    const to = out + r * lanes * outBytes;
    if (accBytes == 8) {
      wideRow(from, 8, b, to, outBytes, lanes, m, s, <i64>zero, <i64>lo, <i64>hi, rounding, sat);
    } else {
      scaleRow(from, 4, 1, b, 0, to, outBytes, lanes, m, s, <i64>zero, <i64>lo, <i64>hi, rounding, sat);
    }
  }
}

export function rescale(
  a: usize,
  aBytes: i32,
  aZero: f64,
  out: usize,
  outBytes: i32,
  n: i32,
  lanes: i32,
  m: i32,
  s: i32,
  zero: f64,
  lo: f64,
  hi: f64,
  rounding: i32,
  sat: usize,
): void {
  const offset = -(<i64>aZero);
  for (let i = 0; i < n; i++) {
    const from = a + i * lanes * aBytes;
    const to = out + i * lanes * outBytes;
    if (aBytes == 8 || outBytes == 8) {
      wideRow(from, aBytes, offset, to, outBytes, lanes, m, s, <i64>zero, <i64>lo, <i64>hi, rounding, sat);
    } else {
      scaleRow(
        from,
        aBytes,
        1,
        offset,
        0,
        to,
        outBytes,
        lanes,
        m,
        s,
        <i64>zero,
        <i64>lo,
        <i64>hi,
        rounding,
        sat,
      );
    }
  }
}

/** One row in i64, for rows with a wide container on either side. */
function wideRow(
  a: usize,
  aBytes: i32,
  offset: i64,
  out: usize,
  outBytes: i32,
  lanes: i32,
  m: i64,
  s: i64,
  zero: i64,
  lo: i64,
  hi: i64,
  rounding: i32,
  sat: usize,
): void {
  for (let l = 0; l < lanes; l++) {
    const x = loadInt(a + l * aBytes, aBytes) + offset;
    const y = requantize(x, m, s, rounding) + zero;
    storeClamped(out + l * outBytes, outBytes, y, lo, hi, sat + 4 * l);
  }
}

export function affine(
  a: usize,
  aBytes: i32,
  aZero: i32,
  gain: usize,
  bias: usize,
  period: i32,
  drop: i32,
  out: usize,
  outBytes: i32,
  n: i32,
  lanes: i32,
  m: i32,
  s: i32,
  zero: f64,
  lo: f64,
  hi: f64,
  rounding: i32,
  sat: usize,
): void {
  for (let i = 0, p = 0; i < n; i++) {
    const g = <i64>load<i32>(gain + 4 * p);
    const offset = <i64>load<f64>(bias + 8 * p) - <i64>aZero * g;
    const from = a + i * lanes * aBytes;
    const to = out + i * lanes * outBytes;
    scaleRow(from, aBytes, g, offset, drop, to, outBytes, lanes, m, s, <i64>zero, <i64>lo, <i64>hi, rounding, sat);
    if (++p == period) p = 0;
  }
}
