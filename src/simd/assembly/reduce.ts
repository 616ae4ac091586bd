// Kernels over accumulators and along the element axis: foldAccumulators, reduce, argmax.

import { loadInt, storeInt } from "./integer";
import { count4, load4 } from "./vector";

export function foldAccumulators(
  acc: usize,
  accBytes: i32,
  n: i32,
  lanes: i32,
  bits: i32,
  saturating: i32,
  overflow: usize,
): void {
  for (let i = 0; i < n; i++) {
    const row = acc + i * lanes * accBytes;
    if (accBytes == 8) foldWide(row, lanes, bits, saturating, overflow);
    else foldNarrow(row, lanes, bits, saturating, overflow);
  }
}

function foldNarrow(row: usize, lanes: i32, bits: i32, saturating: i32, overflow: usize): void {
  const spare = 32 - bits;
  const hi = i32x4.splat(i32.MAX_VALUE >> spare);
  const lo = i32x4.splat(i32.MIN_VALUE >> spare);
  for (let l = 0; l < lanes; l += 4) {
    const x = v128.load(row + 4 * l);
    const inside = i32x4.max_s(i32x4.min_s(x, hi), lo);
    const outside = i32x4.ne(x, inside);
    if (v128.any_true(outside)) {
      count4(overflow + 4 * l, outside);
      const wrapped = i32x4.shr_s(i32x4.shl(x, spare), spare);
      v128.store(row + 4 * l, saturating != 0 ? inside : wrapped);
    }
  }
}

function foldWide(row: usize, lanes: i32, bits: i32, saturating: i32, overflow: usize): void {
  const half: i64 = (<i64>1) << (bits - 1);
  const spare: i64 = 64 - bits;
  const hi = f64x2.splat(<f64>(half - 1));
  const lo = f64x2.splat(<f64>-half);
  for (let l = 0; l < lanes; l += 2) {
    const at = row + 8 * l;
    const x = v128.load(at);
    if (!v128.any_true(v128.or(f64x2.gt(x, hi), f64x2.lt(x, lo)))) continue;
    for (let i = 0; i < 2; i++) {
      const y = <i64>load<f64>(at + 8 * i);
      const inside = min(max(y, -half), half - 1);
      if (y == inside) continue;
      const count = overflow + 4 * (l + i);
      store<i32>(count, load<i32>(count) + 1);
      store<f64>(at + 8 * i, <f64>(saturating != 0 ? inside : (y << spare) >> spare));
    }
  }
}

export function reduce(
  kind: i32,
  a: usize,
  aBytes: i32,
  aZero: f64,
  groups: i32,
  n: i32,
  lanes: i32,
  out: usize,
  outBytes: i32,
): void {
  const stride: usize = lanes * aBytes;
  for (let g = 0; g < groups; g++) {
    const from = a + g * n * lanes * aBytes;
    const to = out + g * lanes * outBytes;
    for (let l = 0; l < lanes; l += 4) {
      const column = from + l * aBytes;
      if (aBytes == 4) {
        for (let i = 0; i < 4; i++) {
          const x = reduceOne(kind, column + 4 * i, stride, <i64>aZero, n);
          storeInt(to + (l + i) * outBytes, outBytes, x);
        }
      } else {
        reduceFour(kind, column, aBytes, stride, <i32>aZero, n, to + l * outBytes, outBytes);
      }
    }
  }
}

/** One lane of an int32 tensor. */
function reduceOne(kind: i32, a: usize, stride: usize, zero: i64, n: i32): i64 {
  let sum: i64 = kind == 3 ? i64.MIN_VALUE : 0;
  for (let i = 0, at = a; i < n; i++, at += stride) {
    const x = loadInt(at, 4) - zero;
    if (kind == 0) sum += x;
    else if (kind == 1) sum += x * x;
    else if (kind == 2) sum += abs(x);
    else sum = max(sum, x);
  }
  return sum;
}

/** Four lanes of an int8 or int16 tensor. */
function reduceFour(
  kind: i32,
  a: usize,
  aBytes: i32,
  stride: usize,
  zero: i32,
  n: i32,
  out: usize,
  outBytes: i32,
): void {
  const zeros = i32x4.splat(zero);
  let low = i64x2.splat(0);
  let high = low;
  let greatest = i32x4.splat(i32.MIN_VALUE);
  for (let i = 0, at = a; i < n; i++, at += stride) {
    const x = i32x4.sub(load4(at, aBytes), zeros);
    if (kind == 3) {
      greatest = i32x4.max_s(greatest, x);
    } else if (kind == 1) {
      low = i64x2.add(low, i64x2.extmul_low_i32x4_s(x, x));
      high = i64x2.add(high, i64x2.extmul_high_i32x4_s(x, x));
    } else {
      const y = kind == 2 ? i32x4.abs(x) : x;
      low = i64x2.add(low, i64x2.extend_low_i32x4_s(y));
      high = i64x2.add(high, i64x2.extend_high_i32x4_s(y));
    }
  }
  if (kind == 3) {
    low = i64x2.extend_low_i32x4_s(greatest);
    high = i64x2.extend_high_i32x4_s(greatest);
  }
  storeInt(out, outBytes, i64x2.extract_lane(low, 0));
  storeInt(out + outBytes, outBytes, i64x2.extract_lane(low, 1));
  storeInt(out + 2 * outBytes, outBytes, i64x2.extract_lane(high, 0));
  storeInt(out + 3 * outBytes, outBytes, i64x2.extract_lane(high, 1));
}

export function argmax(a: usize, aBytes: i32, n: i32, lanes: i32, out: usize): void {
  for (let l = 0; l < lanes; l += 4) {
    let greatest = load4(a + l * aBytes, aBytes);
    let index = i32x4.splat(0);
    for (let i = 1; i < n; i++) {
      const x = load4(a + (i * lanes + l) * aBytes, aBytes);
      const greater = i32x4.gt_s(x, greatest);
      greatest = i32x4.max_s(greatest, x);
      index = v128.bitselect(i32x4.splat(i), index, greater);
    }
    v128.store64_lane(out + 2 * l, i16x8.narrow_i32x4_s(index, index), 0);
  }
}
