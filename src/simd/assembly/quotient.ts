// Kernels with an operand of their own in every lane: normalize, divide and rowScale. One integer at a time.

import { FLOAT32, HALF_EVEN, loadInt, plain, requantize, roundShift, storeClamped } from "./integer";

export function normalize(
  a: usize,
  aBytes: i32,
  groups: i32,
  n: i32,
  factor: i32,
  lanes: i32,
  sum: usize,
  sumBytes: i32,
  mantissa: usize,
  exponent: usize,
  out: usize,
  outBytes: i32,
  zero: f64,
  lo: f64,
  hi: f64,
  rounding: i32,
  sat: usize,
): void {
  const mode = plain(rounding);
  const z = <i64>zero;
  const low = <i64>lo;
  const high = <i64>hi;
  for (let g = 0; g < groups; g++) {
    for (let i = 0; i < n; i++) {
      const row = (g * n + i) * lanes;
      for (let l = 0; l < lanes; l++) {
        const own = g * lanes + l;
        const x = loadInt(a + (row + l) * aBytes, aBytes) * factor - loadInt(sum + own * sumBytes, sumBytes);
        const m = <i64>load<i32>(mantissa + 4 * own);
        const y = roundShift(x * m, load<i32>(exponent + 4 * own), mode) + z;
        storeClamped(out + (row + l) * outBytes, outBytes, y, low, high, sat + 4 * l);
      }
    }
  }
}

export function divide(
  a: usize,
  aBytes: i32,
  aZero: f64,
  b: usize,
  bBytes: i32,
  groups: i32,
  n: i32,
  lanes: i32,
  factor: i32,
  shift: i32,
  out: usize,
  outBytes: i32,
  zero: f64,
  lo: f64,
  hi: f64,
  rounding: i32,
  sat: usize,
): void {
  const mode = plain(rounding);
  const az = <i64>aZero;
  const z = <i64>zero;
  const low = <i64>lo;
  const high = <i64>hi;
  for (let g = 0; g < groups; g++) {
    for (let i = 0; i < n; i++) {
      const row = (g * n + i) * lanes;
      for (let l = 0; l < lanes; l++) {
        const x = (loadInt(a + (row + l) * aBytes, aBytes) - az) * factor;
        const d = max<i64>(loadInt(b + (g * lanes + l) * bBytes, bBytes), 1) << (<i64>shift);
        const y = roundQuotient(x, d, mode) + z;
        storeClamped(out + (row + l) * outBytes, outBytes, y, low, high, sat + 4 * l);
      }
    }
  }
}

export function rowScale(
  a: usize,
  aBytes: i32,
  aZero: f64,
  mantissa: usize,
  shift: usize,
  groups: i32,
  n: i32,
  lanes: i32,
  out: usize,
  outBytes: i32,
  zero: f64,
  lo: f64,
  hi: f64,
  rounding: i32,
  sat: usize,
): void {
  const mode = rounding == FLOAT32 ? HALF_EVEN : rounding;
  const az = <i64>aZero;
  const z = <i64>zero;
  const low = <i64>lo;
  const high = <i64>hi;
  for (let g = 0; g < groups; g++) {
    for (let i = 0; i < n; i++) {
      const row = (g * n + i) * lanes;
      for (let l = 0; l < lanes; l++) {
        const own = 4 * (g * lanes + l);
        const x = loadInt(a + (row + l) * aBytes, aBytes) - az;
        const y = requantize(x, load<i32>(mantissa + own), load<i32>(shift + own), mode) + z;
        storeClamped(out + (row + l) * outBytes, outBytes, y, low, high, sat + 4 * l);
      }
    }
  }
}

/** x / d rounded by a plain mode; d > 0, both below 2^62 in magnitude. */
function roundQuotient(x: i64, d: i64, mode: i32): i64 {
  const q = x / d;
  const rest = x - q * d;
  if (rest == 0) return q;
  const away: i64 = x < 0 ? -1 : 1;
  if (mode == 5) return x < 0 ? q - 1 : q;
  if (mode == 6) return x < 0 ? q : q + 1;
  if (mode == 7) return q;
  const twice = 2 * abs(rest);
  if (twice != d) return twice > d ? q + away : q;
  if (mode == 0) return q + away;
  if (mode == 1) return x < 0 ? q : q + 1;
  if (mode == HALF_EVEN) return q + (q & 1) * away;
  if (mode == 4) return x < 0 ? q - 1 : q;
  return q;
}
