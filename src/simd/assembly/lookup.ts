// Table kernels: pwl and gather.

import { plain, roundShift, storeInt } from "./integer";
import {
  count4,
  evenOf,
  load4,
  lowHalves,
  positiveOf,
  roundShift2,
  stepOf,
  store4,
  storeClamped4,
  unbiasOf,
} from "./vector";

export function pwl(
  a: usize,
  aBytes: i32,
  out: usize,
  outBytes: i32,
  n: i32,
  lanes: i32,
  pieces: i32,
  knots: usize,
  base: usize,
  slope: usize,
  shift: usize,
  fraction: i32,
  inSum: i32,
  outSum: i32,
  lo: f64,
  hi: f64,
  rounding: i32,
  sat: usize,
  scratch: usize,
): void {
  const mode = plain(rounding);
  table.pieces = pieces;
  table.knots = knots;
  table.base = base;
  table.slope = slope;
  table.shift = shift;
  table.fraction = fraction;
  table.inSum = inSum;
  table.outSum = outSum;
  table.lo = <i64>lo;
  table.hi = <i64>hi;
  table.mode = mode;
  if (aBytes == 1) {
    if (tabulate(scratch)) lookUpCounting(a, out, outBytes, n, lanes, sat, scratch);
    else lookUp(a, out, outBytes, n * lanes, scratch);
  } else {
    evaluate(a, out, outBytes, n, lanes, sat, scratch);
  }
}

/** The table of the call. */
namespace table {
  export let pieces: i32 = 0;
  export let knots: usize = 0;
  export let base: usize = 0;
  export let slope: usize = 0;
  export let shift: usize = 0;
  export let fraction: i32 = 0;
  export let inSum: i32 = 0;
  export let outSum: i32 = 0;
  export let lo: i64 = 0;
  export let hi: i64 = 0;
  export let mode: i32 = 0;
}

/** As in src/simd/kernels.ts. */
const NO_MIRROR: i32 = -65536;

/** The result of the last `resultAt` before it was mirrored and clamped. */
let wasClamped: bool = false;

/** The result at x, which `piece` is the piece of as it is looked up. Sets `wasClamped`. */
@inline
function resultAt(piece: i32, at: i32, isMirrored: bool): i64 {
  const step: i64 = ((<i64>1) << table.fraction) - 1;
  const base = <i64>load<i32>(table.base + 4 * piece);
  const shift = load<i32>(table.shift + 4 * piece);
  const dx = <i64>at - <i64>load<i32>(table.knots + 4 * piece);
  const addend = (base & step) << (shift - table.fraction);
  const sum = <i64>load<i32>(table.slope + 4 * piece) * dx + addend;
  const y = (base >> table.fraction) + roundShift(sum, shift, table.mode);
  let inside = min(max(y, table.lo), table.hi);
  wasClamped = y != inside;
  if (isMirrored) {
    const z = <i64>table.outSum - inside;
    inside = min(max(z, table.lo), table.hi);
    if (z != inside) wasClamped = true;
  }
  return inside;
}

/**
 * The whole function of an 8-bit code, indexed by the code as unsigned: 256 int16 results, then 256 bytes that are 1
 * where the result was clamped. Returns whether any was.
 */
function tabulate(results: usize): bool {
  let clamps = false;
  for (let x = -128, p = 0; x < 128; x++) {
    const isMirrored = 2 * x < table.inSum;
    const at = isMirrored ? table.inSum - x : x;
    // Mirrored codes come in descending order.
    if (load<i32>(table.knots + 4 * p) > at) p = 0;
    while (p + 1 < table.pieces && load<i32>(table.knots + 4 * p, 4) <= at) p++;
    store<i16>(results + 2 * (x & 255), <i16>resultAt(p, at, isMirrored));
    store<u8>(results + (x & 255), wasClamped ? 1 : 0, 512);
    if (wasClamped) clamps = true;
  }
  return clamps;
}

function lookUp(a: usize, out: usize, outBytes: i32, count: i32, table: usize): void {
  if (outBytes == 1) {
    for (let i = 0; i < count; i += 4) {
      const x = load<u32>(a + i);
      const y0 = <u32>load<u8>(table + 2 * (x & 255));
      const y1 = <u32>load<u8>(table + 2 * ((x >> 8) & 255));
      const y2 = <u32>load<u8>(table + 2 * ((x >> 16) & 255));
      const y3 = <u32>load<u8>(table + 2 * (x >> 24));
      store<u32>(out + i, y0 | (y1 << 8) | (y2 << 16) | (y3 << 24));
    }
  } else {
    for (let i = 0; i < count; i += 4) {
      const x = load<u32>(a + i);
      const to = out + 2 * i;
      store<u16>(to, load<u16>(table + 2 * (x & 255)));
      store<u16>(to, load<u16>(table + 2 * ((x >> 8) & 255)), 2);
      store<u16>(to, load<u16>(table + 2 * ((x >> 16) & 255)), 4);
      store<u16>(to, load<u16>(table + 2 * (x >> 24)), 6);
    }
  }
}

function lookUpCounting(
  a: usize,
  out: usize,
  outBytes: i32,
  n: i32,
  lanes: i32,
  sat: usize,
  table: usize,
): void {
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < lanes; l++) {
      const x = <u32>load<u8>(a + i * lanes + l);
      storeInt(out + (i * lanes + l) * outBytes, outBytes, load<i16>(table + 2 * x));
      store<i32>(sat + 4 * l, load<i32>(sat + 4 * l) + load<u8>(table + x, 512));
    }
  }
}

/** Pieces of which `scratch` holds a record of 16 bytes; behind them lie 16 codes as i32. */
const MAX_RECORDS: i32 = 128;

/** 16-bit codes: the piece by counting knots in eight lanes, then the line in i64. */
function evaluate(
  a: usize,
  out: usize,
  outBytes: i32,
  n: i32,
  lanes: i32,
  sat: usize,
  scratch: usize,
): void {
  // No code reaches a knot beyond 16 bits.
  while (table.pieces > 1 && load<i32>(table.knots + 4 * table.pieces - 4) > 32767) table.pieces--;
  const common = pack(scratch);
  for (let i = 0; i < n; i++) {
    const from = a + i * lanes * 2;
    const to = out + i * lanes * outBytes;
    if (common >= 0) {
      evaluateRow(from, to, outBytes, lanes, scratch, common, sat);
    } else {
      for (let l = 0; l < lanes; l++) {
        const x = <i32>load<i16>(from + 2 * l);
        const isMirrored = 2 * x < table.inSum;
        const at = isMirrored ? table.inSum - x : x;
        let p = 0;
        while (p + 1 < table.pieces && load<i32>(table.knots + 4 * p, 4) <= at) p++;
        storeInt(to + l * outBytes, outBytes, resultAt(p, at, isMirrored));
        if (wasClamped) store<i32>(sat + 4 * l, load<i32>(sat + 4 * l) + 1);
      }
    }
  }
}

/**
 * Writes records {slope, knot, whole offset, knot in 16 bits and fraction of the offset} that share one shift, and
 * returns it: a line keeps its rounding when slope and denominator are multiplied by one power of two. Returns -1
 * where 32-bit slopes do not reach that far.
 */
function pack(records: usize): i32 {
  const pieces = table.pieces;
  if (pieces > MAX_RECORDS) return -1;
  let common = table.fraction;
  for (let p = 0; p < pieces; p++) {
    if (load<i32>(table.slope + 4 * p) != 0) common = max(common, load<i32>(table.shift + 4 * p));
  }
  // A fraction of 16 bits is then below 2^61, and so is its sum with a product.
  if (common > 61) return -1;
  for (let p = 0; p < pieces; p++) {
    const own = load<i32>(table.slope + 4 * p);
    const up = own == 0 ? 0 : common - load<i32>(table.shift + 4 * p);
    const steep = own << up;
    const knot = load<i32>(table.knots + 4 * p);
    if ((own != 0 && (up > 31 || steep >> up != own)) || abs(<i64>knot) > 1 << 30) return -1;
    const base = load<i32>(table.base + 4 * p);
    const record = records + 16 * p;
    store<i32>(record, steep);
    store<i32>(record, knot, 4);
    store<i32>(record, base >> table.fraction, 8);
    store<i16>(record, <i16>max(knot, -32768), 12);
    store<u16>(record, <u16>(base & ((1 << table.fraction) - 1)), 14);
  }
  return common;
}

function evaluateRow(
  a: usize,
  out: usize,
  outBytes: i32,
  lanes: i32,
  records: usize,
  shift: i32,
  sat: usize,
): void {
  const mode = table.mode;
  const positive = positiveOf(mode, shift);
  const step = stepOf(mode, shift);
  const even = evenOf(mode, shift);
  const unbias = unbiasOf(shift);
  const los = i64x2.splat(table.lo);
  const his = i64x2.splat(table.hi);
  const fraction = table.fraction;
  const up = shift - fraction;
  const mirrors = table.inSum > NO_MIRROR;
  const folded = records + 16 * MAX_RECORDS;
  const last = records + 16 * table.pieces;
  for (let l = 0; l < lanes; l += 16) {
    let first = v128.load(a + 2 * l);
    let second = v128.load(a + 2 * l, 16);
    if (mirrors) {
      first = fold8(first, folded);
      second = fold8(second, folded + 32);
    }
    let p = i16x8.splat(0);
    let q = p;
    for (let record = records + 16; record < last; record += 16) {
      const knot = v128.load16_splat(record, 12);
      p = i16x8.sub(p, i16x8.ge_s(first, knot));
      q = i16x8.sub(q, i16x8.ge_s(second, knot));
    }
    for (let at = l; at < l + 16; at += 4) {
      const piece = i32x4.extend_low_i16x8_s(p);
      const r0 = v128.load(records + 16 * i32x4.extract_lane(piece, 0));
      const r1 = v128.load(records + 16 * i32x4.extract_lane(piece, 1));
      const r2 = v128.load(records + 16 * i32x4.extract_lane(piece, 2));
      const r3 = v128.load(records + 16 * i32x4.extract_lane(piece, 3));
      const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
      const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
      const slopes = v128.shuffle<i64>(low01, low23, 0, 2);
      const code = load4(a + 2 * at, 2);
      const x = mirrors ? v128.load(folded + 4 * (at - l)) : code;
      const dx = i32x4.sub(x, v128.shuffle<i64>(low01, low23, 1, 3));
      let y0 = i64x2.extmul_low_i32x4_s(slopes, dx);
      let y1 = i64x2.extmul_high_i32x4_s(slopes, dx);
      const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
      const high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
      if (fraction > 0) {
        const parts = i32x4.shr_u(v128.shuffle<i64>(high01, high23, 1, 3), 16);
        y0 = i64x2.add(y0, i64x2.shl(i64x2.extend_low_i32x4_u(parts), up));
        y1 = i64x2.add(y1, i64x2.shl(i64x2.extend_high_i32x4_u(parts), up));
      }
      y0 = roundShift2(y0, shift, positive, step, even, unbias);
      y1 = roundShift2(y1, shift, positive, step, even, unbias);
      y0 = i64x2.add(y0, i64x2.extend_low_i32x4_s(high01));
      y1 = i64x2.add(y1, i64x2.extend_low_i32x4_s(high23));
      const to = out + at * outBytes;
      if (mirrors) storeMirrored4(to, outBytes, y0, y1, i32x4.ne(code, x), sat + 4 * at);
      else storeClamped4(to, outBytes, y0, y1, los, his, i32x4.splat(0), sat + 4 * at);
      p = v128.shuffle<i64>(p, q, 1, 2);
      q = v128.shuffle<i64>(q, q, 1, 1);
    }
  }
}

/** Eight codes as they are looked up: stored at `to` as i32, and returned as i16, those beyond it at its end. */
@inline
function fold8(codes: v128, to: usize): v128 {
  const sum = i32x4.splat(table.inSum);
  const low = i32x4.extend_low_i16x8_s(codes);
  const high = i32x4.extend_high_i16x8_s(codes);
  // 2 x < sum is x < sum - x.
  const lowest = i32x4.max_s(low, i32x4.sub(sum, low));
  const highest = i32x4.max_s(high, i32x4.sub(sum, high));
  v128.store(to, lowest);
  v128.store(to, highest, 16);
  return i16x8.narrow_i32x4_s(lowest, highest);
}

/** Clamps four i64, takes those in `mask` from outSum and clamps again, stores them, and counts at `sat`. */
@inline
function storeMirrored4(at: usize, bytes: i32, a: v128, b: v128, mask: v128, sat: usize): void {
  const los = i64x2.splat(table.lo);
  const his = i64x2.splat(table.hi);
  const a1 = v128.bitselect(los, a, i64x2.lt_s(a, los));
  const b1 = v128.bitselect(los, b, i64x2.lt_s(b, los));
  const a2 = v128.bitselect(his, a1, i64x2.gt_s(a1, his));
  const b2 = v128.bitselect(his, b1, i64x2.gt_s(b1, his));
  const y = lowHalves(a2, b2);
  const z = v128.bitselect(i32x4.sub(i32x4.splat(table.outSum), y), y, mask);
  const inside = i32x4.min_s(i32x4.max_s(z, i32x4.splat(<i32>table.lo)), i32x4.splat(<i32>table.hi));
  const cut = lowHalves(i64x2.ne(a, a2), i64x2.ne(b, b2));
  count4(sat, v128.or(cut, i32x4.ne(z, inside)));
  store4(at, bytes, inside);
}

export function gather(
  table: usize,
  tableBytes: i32,
  index: usize,
  rows: i32,
  out: usize,
  n: i32,
  lanes: i32,
): void {
  for (let l = 0; l < lanes; l++) {
    const row = min(max(<i32>load<i16>(index + 2 * l), 0), rows - 1);
    let from = table + row * n * tableBytes;
    let to = out + l * tableBytes;
    for (let j = 0; j < n; j++) {
      if (tableBytes == 1) store<i8>(to, load<i8>(from));
      else if (tableBytes == 2) store<i16>(to, load<i16>(from));
      else if (tableBytes == 4) store<i32>(to, load<i32>(from));
      else store<i64>(to, load<i64>(from));
      from += tableBytes;
      to += lanes * tableBytes;
    }
  }
}
