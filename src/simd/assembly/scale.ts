// Kernels that are one product and one rounding for each element: requant, rescale, affine.

import { requantize, roundShift, loadInt, storeClamped, TFLITE_DOUBLE } from "./integer";
import { evenOf, load4, positiveOf, roundShift2, stepOf, storeClamped4, unbiasOf } from "./vector";

/** Sums of magnitudes below this are exact in i64, with room for the rounding of this very estimate. */
export const SAFE: f64 = 9.2e18;

/** The greatest magnitude in a container of 1, 2 or 4 bytes. */
@inline
export function magnitude(bytes: i32): f64 {
  return <f64>((<i64>1) << (8 * bytes - 1));
}

/**
 * out[lane] = clamp(round(((a[lane]) * gain + offset) * m / 2^s) + zero) over one row of 1-, 2- or 4-byte elements.
 * `gain * m` fits 32 bits signed.
 */
function scaleRow(
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
  rounding: i32,
  sat: usize,
): void {
  const bound =
    magnitude(aBytes) * abs(<f64>gain * <f64>m) +
    abs(<f64>offset * <f64>m) +
    <f64>((<i64>1) << s) +
    abs(<f64>zero);
  if (rounding == TFLITE_DOUBLE) {
    doubleRow(a, aBytes, gain, offset, out, outBytes, lanes, m, s, zero, lo, hi, sat);
  } else if (bound < SAFE) {
    plainRow(a, aBytes, gain * m, offset * m, out, outBytes, lanes, s, zero, lo, hi, rounding, sat);
  } else {
    for (let l = 0; l < lanes; l++) {
      const x = loadInt(a + l * aBytes, aBytes) * gain + offset;
      const y = roundShift(x * m, s, rounding) + zero;
      storeClamped(out + l * outBytes, outBytes, y, lo, hi, sat + 4 * l);
    }
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
      scaleRow(from, 4, 1, b, to, outBytes, lanes, m, s, <i64>zero, <i64>lo, <i64>hi, rounding, sat);
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
    scaleRow(from, aBytes, g, offset, to, outBytes, lanes, m, s, <i64>zero, <i64>lo, <i64>hi, rounding, sat);
    if (++p == period) p = 0;
  }
}
