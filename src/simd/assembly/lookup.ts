// Table kernels: pwl and gather.

import { plain, roundShift, storeClamped, storeInt } from "./integer";
import { evenOf, load4, positiveOf, roundShift2, stepOf, storeClamped4, unbiasOf } from "./vector";

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
  lo: f64,
  hi: f64,
  rounding: i32,
  sat: usize,
  scratch: usize,
): void {
  const mode = plain(rounding);
  if (aBytes == 1) {
    const clamps = tabulate(pieces, knots, base, slope, shift, <i64>lo, <i64>hi, mode, scratch);
    if (clamps) lookUpCounting(a, out, outBytes, n, lanes, sat, scratch);
    else lookUp(a, out, outBytes, n * lanes, scratch);
  } else {
    evaluate(
      a,
      out,
      outBytes,
      n,
      lanes,
      pieces,
      knots,
      base,
      slope,
      shift,
      <i64>lo,
      <i64>hi,
      mode,
      sat,
      scratch,
    );
  }
}

/** Piece `p` at x, before clamping. */
@inline
function pieceAt(p: i32, x: i32, knots: usize, base: usize, slope: usize, shift: usize, mode: i32): i64 {
  const dx = <i64>x - <i64>load<i32>(knots + 4 * p);
  const y = roundShift(<i64>load<i32>(slope + 4 * p) * dx, load<i32>(shift + 4 * p), mode);
  return y + load<i32>(base + 4 * p);
}

/**
 * The whole function of an 8-bit code, indexed by the code as unsigned: 256 int16 results, then 256 bytes that are 1
 * where the result was clamped. Returns whether any was.
 */
function tabulate(
  pieces: i32,
  knots: usize,
  base: usize,
  slope: usize,
  shift: usize,
  lo: i64,
  hi: i64,
  mode: i32,
  table: usize,
): bool {
  let clamps = false;
  for (let x = -128, p = 0; x < 128; x++) {
    while (p + 1 < pieces && load<i32>(knots + 4 * p, 4) <= x) p++;
    const y = pieceAt(p, x, knots, base, slope, shift, mode);
    const inside = min(max(y, lo), hi);
    store<i16>(table + 2 * (x & 255), <i16>inside);
    store<u8>(table + (x & 255), y == inside ? 0 : 1, 512);
    if (y != inside) clamps = true;
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

/** Pieces of which `scratch` holds a record of 16 bytes. */
const MAX_RECORDS: i32 = 128;

/** 16-bit codes: the piece by counting knots in eight lanes, then the line in i64. */
function evaluate(
  a: usize,
  out: usize,
  outBytes: i32,
  n: i32,
  lanes: i32,
  pieces: i32,
  knots: usize,
  base: usize,
  slope: usize,
  shift: usize,
  lo: i64,
  hi: i64,
  mode: i32,
  sat: usize,
  scratch: usize,
): void {
  // No code reaches a knot beyond 16 bits.
  let reached = pieces;
  while (reached > 1 && load<i32>(knots + 4 * reached - 4) > 32767) reached--;
  const common = pack(reached, knots, base, slope, shift, scratch);
  for (let i = 0; i < n; i++) {
    const from = a + i * lanes * 2;
    const to = out + i * lanes * outBytes;
    if (common >= 0) {
      evaluateRow(from, to, outBytes, lanes, reached, scratch, common, lo, hi, mode, sat);
    } else {
      for (let l = 0; l < lanes; l++) {
        const x = <i32>load<i16>(from + 2 * l);
        let p = 0;
        while (p + 1 < reached && load<i32>(knots + 4 * p, 4) <= x) p++;
        const y = pieceAt(p, x, knots, base, slope, shift, mode);
        storeClamped(to + l * outBytes, outBytes, y, lo, hi, sat + 4 * l);
      }
    }
  }
}

/**
 * Writes records {slope, knot, base, knot in 16 bits} that share one shift, and returns it: a line keeps its
 * rounding when slope and denominator are multiplied by one power of two. Returns -1 where 32-bit slopes do not
 * reach that far.
 */
function pack(pieces: i32, knots: usize, base: usize, slope: usize, shift: usize, records: usize): i32 {
  if (pieces > MAX_RECORDS) return -1;
  let common = 0;
  for (let p = 0; p < pieces; p++) common = max(common, load<i32>(shift + 4 * p));
  if (common > 61) return -1;
  for (let p = 0; p < pieces; p++) {
    const up = common - load<i32>(shift + 4 * p);
    const own = load<i32>(slope + 4 * p);
    const steep = own << up;
    const knot = load<i32>(knots + 4 * p);
    if ((own != 0 && (up > 31 || steep >> up != own)) || abs(<i64>knot) > 1 << 30) return -1;
    const record = records + 16 * p;
    store<i32>(record, own == 0 ? 0 : steep);
    store<i32>(record, knot, 4);
    store<i32>(record, load<i32>(base + 4 * p), 8);
    store<i16>(record, <i16>max(knot, -32768), 12);
  }
  return common;
}

function evaluateRow(
  a: usize,
  out: usize,
  outBytes: i32,
  lanes: i32,
  pieces: i32,
  records: usize,
  shift: i32,
  lo: i64,
  hi: i64,
  mode: i32,
  sat: usize,
): void {
  const positive = positiveOf(mode, shift);
  const step = stepOf(mode, shift);
  const even = evenOf(mode, shift);
  const unbias = unbiasOf(shift);
  const los = i64x2.splat(lo);
  const his = i64x2.splat(hi);
  const last = records + 16 * pieces;
  for (let l = 0; l < lanes; l += 16) {
    const first = v128.load(a + 2 * l);
    const second = v128.load(a + 2 * l, 16);
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
      const dx = i32x4.sub(load4(a + 2 * at, 2), v128.shuffle<i64>(low01, low23, 1, 3));
      const y0 = roundShift2(i64x2.extmul_low_i32x4_s(slopes, dx), shift, positive, step, even, unbias);
      const y1 = roundShift2(i64x2.extmul_high_i32x4_s(slopes, dx), shift, positive, step, even, unbias);
      const z0 = i64x2.add(y0, i64x2.extend_low_i32x4_s(v128.shuffle<i32>(r0, r1, 2, 6, 2, 6)));
      const z1 = i64x2.add(y1, i64x2.extend_low_i32x4_s(v128.shuffle<i32>(r2, r3, 2, 6, 2, 6)));
      storeClamped4(out + at * outBytes, outBytes, z0, z1, los, his, i32x4.splat(0), sat + 4 * at);
      p = v128.shuffle<i64>(p, q, 1, 2);
      q = v128.shuffle<i64>(q, q, 1, 1);
    }
  }
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
