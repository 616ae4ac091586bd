// The matrix product: weights without lanes times activations with lanes.
//
// x is packed once into panels of eight lanes, pairs of successive k interleaved as int16, so that one dot product
// instruction takes two k of four lanes. Weights are packed four rows at a time. The micro-kernel keeps 4 rows x
// 8 lanes in registers. For exact (8-byte) accumulators, k is cut into blocks whose int32 sums cannot overflow, and
// 16-bit x times 16-bit w is split into high and low bytes of x.

const PANEL: i32 = 8;

/** Greatest block of k (even) whose products of the given widths sum below 2^31 in int32. */
@inline
function blockOf(wBytes: i32, xBytes: i32, accBytes: i32, k: i32): i32 {
  if (accBytes == 4) return k;
  // Splitting leaves 16 by 8 bits, unsigned ones at worst: 2^15 * 255 * 256 is below 2^31.
  return min(k, wBytes + xBytes == 2 ? 65536 : 256);
}

export function matmul(
  w: usize,
  wBytes: i32,
  wStride: i32,
  x: usize,
  xBytes: i32,
  acc: usize,
  accBytes: i32,
  m: i32,
  k: i32,
  lanes: i32,
  keep: i32,
  scratch: usize,
): void {
  const split = accBytes == 8 && wBytes == 2 && xBytes == 2;
  const block = blockOf(wBytes, xBytes, accBytes, k);
  if (keep == 0) memory.fill(acc, 0, <usize>m * lanes * accBytes);
  for (let from = 0; from < k; from += block) {
    const depth = min(block, k - from);
    const pairs = (depth + 1) >> 1;
    const panelBytes = pairs * lanes * 4;
    const rowPanel = scratch + panelBytes * (split ? 2 : 1);
    const xBlock = x + from * lanes * xBytes;
    packLanes(xBlock, xBytes, scratch, depth, lanes, split ? 1 : 0);
    if (split) packLanes(xBlock, xBytes, scratch + panelBytes, depth, lanes, 2);
    let row = 0;
    for (; row < m; row += row + 4 <= m ? 4 : 1) {
      const rows = row + 4 <= m ? 4 : 1;
      packRows(w + (row * wStride + from) * wBytes, wBytes, wStride, rowPanel, depth, rows);
      const to = acc + row * lanes * accBytes;
      multiplyRows(rowPanel, scratch, to, accBytes, rows, pairs, lanes, 1);
      if (split) multiplyRows(rowPanel, scratch + panelBytes, to, accBytes, rows, pairs, lanes, 256);
    }
  }
}

/** Eight elements as i16x8; `half` 0 whole, 1 the low byte (unsigned), 2 the high byte (signed). */
@inline
function load8(at: usize, bytes: i32, half: i32): v128 {
  if (bytes == 1) return v128.load8x8_s(at);
  const x = v128.load(at);
  if (half == 1) return v128.and(x, i16x8.splat(255));
  if (half == 2) return i16x8.shr_s(x, 8);
  return x;
}

/** Panels [lanes / 8][pairs][8][2]; an odd last k is paired with zeros. */
function packLanes(x: usize, bytes: i32, panel: usize, depth: i32, lanes: i32, half: i32): void {
  let to = panel;
  const stride = lanes * bytes;
  for (let l = 0; l < lanes; l += PANEL) {
    let at = x + l * bytes;
    for (let t = 0; t < depth; t += 2) {
      const a = load8(at, bytes, half);
      const b = t + 1 < depth ? load8(at + stride, bytes, half) : i16x8.splat(0);
      v128.store(to, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
      v128.store(to, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16);
      at += 2 * stride;
      to += 32;
    }
  }
}

/** Row panel [pairs][rows][2] int16; reads nothing beyond `depth` elements of a row. */
function packRows(w: usize, bytes: i32, stride: i32, panel: usize, depth: i32, rows: i32): void {
  for (let r = 0; r < rows; r++) {
    let to = panel + 4 * r;
    let at = w + r * stride * bytes;
    for (let t = 0; t < depth; t += 2) {
      const paired = t + 1 < depth;
      let pair: i32;
      if (bytes == 1) pair = (<i32>load<i8>(at) & 0xffff) | (paired ? (<i32>load<i8>(at, 1)) << 16 : 0);
      else pair = paired ? load<i32>(at) : <i32>load<u16>(at);
      store<i32>(to, pair);
      at += 2 * bytes;
      to += 4 * rows;
    }
  }
}

/** acc[rows][lanes] += scale * (row panel times x panels), rows 4 or 1. */
function multiplyRows(
  rowPanel: usize,
  xPanels: usize,
  acc: usize,
  accBytes: i32,
  rows: i32,
  pairs: i32,
  lanes: i32,
  scale: i32,
): void {
  for (let l = 0; l < lanes; l += PANEL) {
    const panel = xPanels + l * pairs * 4;
    const to = acc + l * accBytes;
    if (rows == 4) fourRows(rowPanel, panel, to, accBytes, pairs, lanes * accBytes, scale);
    else oneRow(rowPanel, panel, to, accBytes, pairs, scale);
  }
}

function fourRows(
  rowPanel: usize,
  panel: usize,
  acc: usize,
  accBytes: i32,
  pairs: i32,
  stride: usize,
  scale: i32,
): void {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = panel + pairs * 32;
  let w = rowPanel;
  for (let x = panel; x < end; x += 32, w += 16) {
    const low = v128.load(x);
    const high = v128.load(x, 16);
    const wa = v128.load32_splat(w);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(low, wa));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(high, wa));
    const wb = v128.load32_splat(w, 4);
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(low, wb));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(high, wb));
    const wc = v128.load32_splat(w, 8);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(low, wc));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(high, wc));
    const wd = v128.load32_splat(w, 12);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(low, wd));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(high, wd));
  }
  accumulate8(acc, accBytes, a0, a1, scale);
  accumulate8(acc + stride, accBytes, b0, b1, scale);
  accumulate8(acc + 2 * stride, accBytes, c0, c1, scale);
  accumulate8(acc + 3 * stride, accBytes, d0, d1, scale);
}

function oneRow(rowPanel: usize, panel: usize, acc: usize, accBytes: i32, pairs: i32, scale: i32): void {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  const end = panel + pairs * 32;
  let w = rowPanel;
  for (let x = panel; x < end; x += 32, w += 4) {
    const wa = v128.load32_splat(w);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.load(x), wa));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v128.load(x, 16), wa));
  }
  accumulate8(acc, accBytes, a0, a1, scale);
}

/** Adds eight int32 sums to accumulators; `scale` applies to wide ones only. */
@inline
function accumulate8(acc: usize, accBytes: i32, low: v128, high: v128, scale: i32): void {
  if (accBytes == 4) {
    v128.store(acc, i32x4.add(v128.load(acc), low));
    v128.store(acc, i32x4.add(v128.load(acc, 16), high), 16);
  } else {
    accumulateWide(acc, low, scale);
    accumulateWide(acc + 32, high, scale);
  }
}

/** Adds scale * four int32 to four wide accumulators. */
@inline
export function accumulateWide(acc: usize, sums: v128, scale: i32): void {
  const factor = f64x2.splat(<f64>scale);
  const upper = v128.shuffle<i32>(sums, sums, 2, 3, 2, 3);
  const first = f64x2.mul(f64x2.convert_low_i32x4_s(sums), factor);
  const second = f64x2.mul(f64x2.convert_low_i32x4_s(upper), factor);
  v128.store(acc, f64x2.add(v128.load(acc), first));
  v128.store(acc, f64x2.add(v128.load(acc, 16), second), 16);
}
