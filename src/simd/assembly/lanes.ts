// The product of two activations, lane by lane. Three ways to the same sums: pairs of t as int16 dot products, where
// both operands less their zero points fit int16; 32-bit products modulo 2^32; exact 64-bit products.

import { load4 } from "./vector";
import { accumulateWide } from "./matmul";

/** Products of operands from 8-bit codes stay below 2^16: this many sum below 2^31. */
const EXACT_BLOCK: i32 = 32766;

export function laneMatmul(
  a: usize,
  aBytes: i32,
  aStride: i32,
  aZero: i32,
  x: usize,
  xBytes: i32,
  xZero: i32,
  acc: usize,
  accBytes: i32,
  m: i32,
  k: i32,
  lanes: i32,
  keep: i32,
): void {
  if (keep == 0) memory.fill(acc, 0, <usize>m * lanes * accBytes);
  const narrow = (aBytes == 1 || aZero == 0) && (xBytes == 1 || xZero == 0);
  const paired = accBytes == 4 ? narrow : aBytes + xBytes == 2;
  const block = accBytes == 8 && paired ? EXACT_BLOCK : k;
  for (let from = 0; from < k; from += block) {
    const depth = min(block, k - from);
    const aBlock = a + from * aStride * lanes * aBytes;
    const xBlock = x + from * lanes * xBytes;
    for (let j = 0; j < m; j++) {
      const aRow = aBlock + j * lanes * aBytes;
      const to = acc + j * lanes * accBytes;
      const step = aStride * lanes * aBytes;
      if (paired) pairedRow(aRow, aBytes, step, aZero, xBlock, xBytes, xZero, to, accBytes, depth, lanes);
      else if (accBytes == 4) wrappingRow(aRow, aBytes, step, aZero, xBlock, xBytes, xZero, to, depth, lanes);
      else exactRow(aRow, aBytes, step, aZero, xBlock, xBytes, xZero, to, depth, lanes);
    }
  }
}

@inline
function load8(at: usize, bytes: i32, zero: v128): v128 {
  return i16x8.sub(bytes == 1 ? v128.load8x8_s(at) : v128.load(at), zero);
}

/** One j of all lanes, eight lanes and two t at a time. */
function pairedRow(
  a: usize,
  aBytes: i32,
  aStep: usize,
  aZero: i32,
  x: usize,
  xBytes: i32,
  xZero: i32,
  acc: usize,
  accBytes: i32,
  depth: i32,
  lanes: i32,
): void {
  const aZeros = i16x8.splat(<i16>aZero);
  const xZeros = i16x8.splat(<i16>xZero);
  const xStep: usize = lanes * xBytes;
  for (let l = 0; l < lanes; l += 8) {
    let low = i32x4.splat(0);
    let high = low;
    let aAt = a + l * aBytes;
    let xAt = x + l * xBytes;
    for (let t = 0; t < depth; t += 2) {
      const a0 = load8(aAt, aBytes, aZeros);
      const x0 = load8(xAt, xBytes, xZeros);
      let a1 = i16x8.splat(0);
      let x1 = a1;
      if (t + 1 < depth) {
        a1 = load8(aAt + aStep, aBytes, aZeros);
        x1 = load8(xAt + xStep, xBytes, xZeros);
      }
      const aLow = v128.shuffle<i16>(a0, a1, 0, 8, 1, 9, 2, 10, 3, 11);
      const xLow = v128.shuffle<i16>(x0, x1, 0, 8, 1, 9, 2, 10, 3, 11);
      low = i32x4.add(low, i32x4.dot_i16x8_s(aLow, xLow));
      const aHigh = v128.shuffle<i16>(a0, a1, 4, 12, 5, 13, 6, 14, 7, 15);
      const xHigh = v128.shuffle<i16>(x0, x1, 4, 12, 5, 13, 6, 14, 7, 15);
      high = i32x4.add(high, i32x4.dot_i16x8_s(aHigh, xHigh));
      aAt += 2 * aStep;
      xAt += 2 * xStep;
    }
    const to = acc + l * accBytes;
    if (accBytes == 4) {
      v128.store(to, i32x4.add(v128.load(to), low));
      v128.store(to, i32x4.add(v128.load(to, 16), high), 16);
    } else {
      accumulateWide(to, low, 1);
      accumulateWide(to + 32, high, 1);
    }
  }
}

/** One j modulo 2^32, four lanes at a time. */
function wrappingRow(
  a: usize,
  aBytes: i32,
  aStep: usize,
  aZero: i32,
  x: usize,
  xBytes: i32,
  xZero: i32,
  acc: usize,
  depth: i32,
  lanes: i32,
): void {
  const aZeros = i32x4.splat(aZero);
  const xZeros = i32x4.splat(xZero);
  const xStep: usize = lanes * xBytes;
  for (let l = 0; l < lanes; l += 4) {
    let sum = v128.load(acc + 4 * l);
    let aAt = a + l * aBytes;
    let xAt = x + l * xBytes;
    for (let t = 0; t < depth; t++) {
      const p = i32x4.sub(load4(aAt, aBytes), aZeros);
      const q = i32x4.sub(load4(xAt, xBytes), xZeros);
      sum = i32x4.add(sum, i32x4.mul(p, q));
      aAt += aStep;
      xAt += xStep;
    }
    v128.store(acc + 4 * l, sum);
  }
}

/** One j with 64-bit sums, four lanes at a time. */
function exactRow(
  a: usize,
  aBytes: i32,
  aStep: usize,
  aZero: i32,
  x: usize,
  xBytes: i32,
  xZero: i32,
  acc: usize,
  depth: i32,
  lanes: i32,
): void {
  const aZeros = i32x4.splat(aZero);
  const xZeros = i32x4.splat(xZero);
  const xStep: usize = lanes * xBytes;
  for (let l = 0; l < lanes; l += 4) {
    let low = i64x2.splat(0);
    let high = low;
    let aAt = a + l * aBytes;
    let xAt = x + l * xBytes;
    for (let t = 0; t < depth; t++) {
      const p = i32x4.sub(load4(aAt, aBytes), aZeros);
      const q = i32x4.sub(load4(xAt, xBytes), xZeros);
      low = i64x2.add(low, i64x2.extmul_low_i32x4_s(p, q));
      high = i64x2.add(high, i64x2.extmul_high_i32x4_s(p, q));
      aAt += aStep;
      xAt += xStep;
    }
    const to = acc + 8 * l;
    store<f64>(to, load<f64>(to) + <f64>i64x2.extract_lane(low, 0));
    store<f64>(to, load<f64>(to, 8) + <f64>i64x2.extract_lane(low, 1), 8);
    store<f64>(to, load<f64>(to, 16) + <f64>i64x2.extract_lane(high, 0), 16);
    store<f64>(to, load<f64>(to, 24) + <f64>i64x2.extract_lane(high, 1), 24);
  }
}
