// Elementwise kernels of two activations: add, multiply, minimum and maximum.

import { FLOAT32, loadInt, requantize, storeClamped, TFLITE_DOUBLE } from "./integer";
import { addRealRow, multiplyRealRow } from "./real";
import { magnitude, SAFE, twoStages } from "./scale";
import { evenOf, load4, positiveOf, roundShift2, stepOf, storeClamped4, unbiasOf } from "./vector";

/** Whether |x - zero| * |m| and its rounding stay in i64, for every x of the container. */
@inline
function isSafe(bytes: i32, zero: i64, m: i64, s: i64): bool {
  return (magnitude(bytes) + abs(<f64>zero)) * abs(<f64>m) + <f64>((<i64>1) << s) < SAFE;
}

/** Greatest magnitude of rq(x - zero; m, s). */
@inline
function reach(bytes: i32, zero: i64, m: i64, s: i64): f64 {
  return ((magnitude(bytes) + abs(<f64>zero)) * abs(<f64>m)) / <f64>((<i64>1) << s) + 1;
}

export function add(
  a: usize,
  aBytes: i32,
  aZero: f64,
  aM: i32,
  aS: i32,
  b: usize,
  bBytes: i32,
  bZero: f64,
  bM: i32,
  bS: i32,
  bPeriod: i32,
  sign: i32,
  out: usize,
  outBytes: i32,
  n: i32,
  lanes: i32,
  zero: f64,
  lo: f64,
  hi: f64,
  rounding: i32,
  sat: usize,
): void {
  const az = <i64>aZero;
  const bz = <i64>bZero;
  const z = <i64>zero;
  const l = <i64>lo;
  const h = <i64>hi;
  const top = reach(aBytes, az, aM, aS) + reach(bBytes, bz, bM, bS) + abs(zero);
  const safe = isSafe(aBytes, az, aM, aS) && isSafe(bBytes, bz, bM, bS) && top < SAFE;
  for (let i = 0, p = 0; i < n; i++) {
    const from = a + i * lanes * aBytes;
    const with_ = b + p * lanes * bBytes;
    const to = out + i * lanes * outBytes;
    if (rounding == TFLITE_DOUBLE) {
      addDoubleRow(
        from,
        aBytes,
        az,
        aM,
        aS,
        with_,
        bBytes,
        bz,
        bM,
        bS,
        sign,
        to,
        outBytes,
        lanes,
        z,
        l,
        h,
        sat,
      );
    } else if (rounding == FLOAT32) {
      addRealRow(
        from,
        aBytes,
        az,
        aM,
        aS,
        with_,
        bBytes,
        bz,
        bM,
        bS,
        sign,
        to,
        outBytes,
        lanes,
        z,
        l,
        h,
        sat,
      );
    } else if (safe) {
      addRow(
        from,
        aBytes,
        az,
        aM,
        aS,
        with_,
        bBytes,
        bz,
        bM,
        bS,
        sign,
        to,
        outBytes,
        lanes,
        z,
        l,
        h,
        rounding,
        sat,
      );
    } else {
      for (let lane = 0; lane < lanes; lane++) {
        const x = requantize(loadInt(from + lane * aBytes, aBytes) - az, aM, aS, rounding);
        const y = requantize(loadInt(with_ + lane * bBytes, bBytes) - bz, bM, bS, rounding);
        storeClamped(to + lane * outBytes, outBytes, x + sign * y + z, l, h, sat + 4 * lane);
      }
    }
    if (++p == bPeriod) p = 0;
  }
}

function addRow(
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
  rounding: i32,
  sat: usize,
): void {
  const aFactors = i32x4.splat(<i32>aM);
  const aOffsets = i64x2.splat(-aZero * aM);
  const aPositive = positiveOf(rounding, aS);
  const aStep = stepOf(rounding, aS);
  const aEven = evenOf(rounding, aS);
  const bFactors = i32x4.splat(<i32>bM);
  const bOffsets = i64x2.splat(-bZero * bM);
  const bPositive = positiveOf(rounding, bS);
  const bStep = stepOf(rounding, bS);
  const bEven = evenOf(rounding, bS);
  // The second operand negates as (y ^ flip) - flip, after its rounding.
  const flip = i64x2.splat(sign < 0 ? -1 : 0);
  const aUnbias = unbiasOf(aS);
  const bUnbias = unbiasOf(bS);
  const los = i64x2.splat(lo - zero);
  const his = i64x2.splat(hi - zero);
  const zeros = i32x4.splat(<i32>zero);
  const aShift = <i32>aS;
  const bShift = <i32>bS;
  for (let l = 0; l < lanes; l += 4) {
    const x = load4(a + l * aBytes, aBytes);
    const y = load4(b + l * bBytes, bBytes);
    const x0 = i64x2.add(i64x2.extmul_low_i32x4_s(x, aFactors), aOffsets);
    const x1 = i64x2.add(i64x2.extmul_high_i32x4_s(x, aFactors), aOffsets);
    const y0 = i64x2.add(i64x2.extmul_low_i32x4_s(y, bFactors), bOffsets);
    const y1 = i64x2.add(i64x2.extmul_high_i32x4_s(y, bFactors), bOffsets);
    const p0 = roundShift2(x0, aShift, aPositive, aStep, aEven, aUnbias);
    const q0 = roundShift2(y0, bShift, bPositive, bStep, bEven, bUnbias);
    const p1 = roundShift2(x1, aShift, aPositive, aStep, aEven, aUnbias);
    const q1 = roundShift2(y1, bShift, bPositive, bStep, bEven, bUnbias);
    const sum0 = i64x2.add(p0, i64x2.sub(v128.xor(q0, flip), flip));
    const sum1 = i64x2.add(p1, i64x2.sub(v128.xor(q1, flip), flip));
    storeClamped4(out + l * outBytes, outBytes, sum0, sum1, los, his, zeros, sat + 4 * l);
  }
}

/** addRow for tflite-double. */
function addDoubleRow(
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
  const aFactors = i32x4.splat(<i32>aM);
  const bFactors = i32x4.splat(<i32>bM);
  const aZeros = i32x4.splat(<i32>aZero);
  const bZeros = i32x4.splat(<i32>bZero);
  const aLeft = <i32>max<i64>(0, 31 - aS);
  const bLeft = <i32>max<i64>(0, 31 - bS);
  const aRight = max<i64>(0, aS - 31);
  const bRight = max<i64>(0, bS - 31);
  const flip = i64x2.splat(sign < 0 ? -1 : 0);
  const los = i64x2.splat(lo - zero);
  const his = i64x2.splat(hi - zero);
  const zeros = i32x4.splat(<i32>zero);
  for (let l = 0; l < lanes; l += 4) {
    const x = i32x4.shl(i32x4.sub(load4(a + l * aBytes, aBytes), aZeros), aLeft);
    const y = i32x4.shl(i32x4.sub(load4(b + l * bBytes, bBytes), bZeros), bLeft);
    const p0 = twoStages(i64x2.extmul_low_i32x4_s(x, aFactors), aRight);
    const q0 = twoStages(i64x2.extmul_low_i32x4_s(y, bFactors), bRight);
    const p1 = twoStages(i64x2.extmul_high_i32x4_s(x, aFactors), aRight);
    const q1 = twoStages(i64x2.extmul_high_i32x4_s(y, bFactors), bRight);
    const sum0 = i64x2.add(p0, i64x2.sub(v128.xor(q0, flip), flip));
    const sum1 = i64x2.add(p1, i64x2.sub(v128.xor(q1, flip), flip));
    storeClamped4(out + l * outBytes, outBytes, sum0, sum1, los, his, zeros, sat + 4 * l);
  }
}

export function multiply(
  a: usize,
  aBytes: i32,
  aZero: i32,
  b: usize,
  bBytes: i32,
  bZero: i32,
  bPeriod: i32,
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
  // The product of the two differences must fit 32 bits, and its scaling 64: 17 by 16 bits do, since a difference
  // of 16-bit codes is at most 2^16 - 1, and 17 by 17 do not.
  const narrow = aBytes == 1 || aZero == 0 || bBytes == 1 || bZero == 0;
  const top = magnitude(aBytes) * magnitude(bBytes) * 4 * abs(<f64>m) + <f64>((<i64>1) << s) + abs(zero);
  const plain = narrow && top < SAFE && rounding != TFLITE_DOUBLE && rounding != FLOAT32;
  const real = narrow && rounding == FLOAT32;
  for (let i = 0, p = 0; i < n; i++) {
    const x = a + i * lanes * aBytes;
    const y = b + p * lanes * bBytes;
    const to = out + i * lanes * outBytes;
    if (plain) {
      multiplyRow(
        x,
        aBytes,
        aZero,
        y,
        bBytes,
        bZero,
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
    } else if (real) {
      multiplyRealRow(
        x,
        aBytes,
        aZero,
        y,
        bBytes,
        bZero,
        to,
        outBytes,
        lanes,
        m,
        s,
        <i64>zero,
        <i64>lo,
        <i64>hi,
        sat,
      );
    } else {
      for (let l = 0; l < lanes; l++) {
        const product = (loadInt(x + l * aBytes, aBytes) - aZero) * (loadInt(y + l * bBytes, bBytes) - bZero);
        const r = requantize(product, m, s, rounding) + <i64>zero;
        storeClamped(to + l * outBytes, outBytes, r, <i64>lo, <i64>hi, sat + 4 * l);
      }
    }
    if (++p == bPeriod) p = 0;
  }
}

function multiplyRow(
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
  rounding: i32,
  sat: usize,
): void {
  const aZeros = i32x4.splat(aZero);
  const bZeros = i32x4.splat(bZero);
  const factors = i32x4.splat(m);
  const positive = positiveOf(rounding, s);
  const step = stepOf(rounding, s);
  const even = evenOf(rounding, s);
  const unbias = unbiasOf(s);
  const los = i64x2.splat(lo - zero);
  const his = i64x2.splat(hi - zero);
  const zeros = i32x4.splat(<i32>zero);
  const shift = <i32>s;
  for (let l = 0; l < lanes; l += 4) {
    const x = i32x4.sub(load4(a + l * aBytes, aBytes), aZeros);
    const y = i32x4.sub(load4(b + l * bBytes, bBytes), bZeros);
    const product = i32x4.mul(x, y);
    const p = roundShift2(i64x2.extmul_low_i32x4_s(product, factors), shift, positive, step, even, unbias);
    const q = roundShift2(i64x2.extmul_high_i32x4_s(product, factors), shift, positive, step, even, unbias);
    storeClamped4(out + l * outBytes, outBytes, p, q, los, his, zeros, sat + 4 * l);
  }
}
