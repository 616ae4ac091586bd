// The matrix product in single precision, with a row and a column stride for each operand, so that a transpose is free.
//
// Both operands are packed: `a` in panels of MR rows, `b` in panels of NR columns, k outermost in each, so that the
// micro-kernel reads forward only. It keeps MR x NR sums in registers. Sums run over k in order, within blocks of KC:
// the same bits at every call.

const MR: i32 = 4;
const NR: i32 = 8;
const KC: i32 = 256; // a panel of b is 8 KiB: in the first cache
const MC: i32 = 128; // a block of a is 128 KiB: in the second, with a block of b
const NC: i32 = 512;

@inline
function upTo(n: i32, step: i32): i32 {
  return ((n + step - 1) / step) * step;
}

/**
 * c[i][j] (+)= sum over p in 0..k of a[i * aRow + p * aColumn] * b[p * bRow + j * bColumn], i in 0..m, j in 0..n.
 * Strides count elements; c has rows of `cRow` elements. `keep` 1 adds, 0 overwrites. `scratch` has (128 + 512) * 256
 * floats.
 */
export function product(
  a: usize,
  aRow: i32,
  aColumn: i32,
  b: usize,
  bRow: i32,
  bColumn: i32,
  c: usize,
  cRow: i32,
  m: i32,
  n: i32,
  k: i32,
  keep: i32,
  scratch: usize,
): void {
  const packedB = scratch + ((MC * KC) << 2);
  if (k == 0 && keep == 0) {
    for (let i = 0; i < m; i++) memory.fill(c + ((i * cRow) << 2), 0, n << 2);
  }
  for (let j = 0; j < n; j += NC) {
    const columns = min(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const depth = min(KC, k - p);
      pack(b + ((p * bRow + j * bColumn) << 2), bColumn, bRow, packedB, columns, depth, NR);
      for (let i = 0; i < m; i += MC) {
        const rows = min(MC, m - i);
        pack(a + ((i * aRow + p * aColumn) << 2), aRow, aColumn, scratch, rows, depth, MR);
        const to = c + ((i * cRow + j) << 2);
        multiplyBlock(scratch, packedB, to, cRow, rows, columns, depth, p > 0 ? 1 : keep);
      }
    }
  }
}

/** Panels of `width` of the `count` vectors, k outermost; what a panel lacks is zero. */
function pack(from: usize, step: i32, kStep: i32, to: usize, count: i32, depth: i32, width: i32): void {
  for (let i = 0; i < count; i += width) {
    const there = min(width, count - i);
    const at = from + ((i * step) << 2);
    if (there == width && step == 1) packAlong(at, kStep, to, depth, width);
    else if (there == width && kStep == 1) packAcross(at, step, to, depth, width);
    else packAny(at, step, kStep, to, there, depth, width);
    to += (depth * width) << 2;
  }
}

/** The vectors lie side by side. */
@inline
function packAlong(from: usize, kStep: i32, to: usize, depth: i32, width: i32): void {
  const stride = kStep << 2;
  if (width == 4) {
    for (let p = 0; p < depth; p++, from += stride, to += 16) v128.store(to, v128.load(from));
  } else {
    for (let p = 0; p < depth; p++, from += stride, to += 32) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    }
  }
}

/** Each vector lies in one piece: squares of four by four are turned in registers. */
@inline
function packAcross(from: usize, step: i32, to: usize, depth: i32, width: i32): void {
  const s = step << 2;
  for (let half = 0; half < width; half += 4) {
    const base = from + half * s;
    let p = 0;
    for (; p + 4 <= depth; p += 4) {
      const at = base + (p << 2);
      const r0 = v128.load(at);
      const r1 = v128.load(at + s);
      const r2 = v128.load(at + 2 * s);
      const r3 = v128.load(at + 3 * s);
      const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const b = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const c = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      const out = to + ((p * width + half) << 2);
      v128.store(out, v128.shuffle<f64>(a, b, 0, 2));
      v128.store(out + (width << 2), v128.shuffle<f64>(a, b, 1, 3));
      v128.store(out + (width << 3), v128.shuffle<f64>(c, d, 0, 2));
      v128.store(out + (width << 2) * 3, v128.shuffle<f64>(c, d, 1, 3));
    }
    for (; p < depth; p++) {
      for (let r = 0; r < 4; r++) {
        store<f32>(to + ((p * width + half + r) << 2), load<f32>(base + r * s + (p << 2)));
      }
    }
  }
}

function packAny(from: usize, step: i32, kStep: i32, to: usize, there: i32, depth: i32, width: i32): void {
  for (let p = 0; p < depth; p++) {
    const at = from + ((p * kStep) << 2);
    for (let r = 0; r < width; r++) {
      store<f32>(to + ((p * width + r) << 2), r < there ? load<f32>(at + ((r * step) << 2)) : 0);
    }
  }
}

function multiplyBlock(
  a: usize,
  b: usize,
  c: usize,
  cRow: i32,
  rows: i32,
  columns: i32,
  depth: i32,
  keep: i32,
): void {
  for (let j = 0; j < columns; j += NR) {
    for (let i = 0; i < rows; i += MR) {
      const to = c + ((i * cRow + j) << 2);
      const panelA = a + ((i * depth) << 2);
      const panelB = b + ((j * depth) << 2);
      const r = min(MR, rows - i);
      const w = min(NR, columns - j);
      if (r == MR && w == NR) multiplyPanels(panelA, panelB, to, cRow << 2, depth, keep);
      else multiplyEdge(panelA, panelB, to, cRow << 2, depth, keep, r, w);
    }
  }
}

@inline
function put(at: usize, x: v128, y: v128, keep: i32): void {
  if (keep) {
    v128.store(at, f32x4.add(v128.load(at), x));
    v128.store(at, f32x4.add(v128.load(at, 16), y), 16);
  } else {
    v128.store(at, x);
    v128.store(at, y, 16);
  }
}

function multiplyPanels(a: usize, b: usize, c: usize, stride: i32, depth: i32, keep: i32): void {
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  for (const end = a + (depth << 4); a < end; a += 16, b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    s00 = f32x4.add(s00, f32x4.mul(x, b0));
    s01 = f32x4.add(s01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 4);
    s10 = f32x4.add(s10, f32x4.mul(x, b0));
    s11 = f32x4.add(s11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 8);
    s20 = f32x4.add(s20, f32x4.mul(x, b0));
    s21 = f32x4.add(s21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 12);
    s30 = f32x4.add(s30, f32x4.mul(x, b0));
    s31 = f32x4.add(s31, f32x4.mul(x, b1));
  }
  put(c, s00, s01, keep);
  put(c + stride, s10, s11, keep);
  put(c + 2 * stride, s20, s21, keep);
  put(c + 3 * stride, s30, s31, keep);
}

/** The rim of c, where a panel is not full. */
function multiplyEdge(
  a: usize,
  b: usize,
  c: usize,
  stride: i32,
  depth: i32,
  keep: i32,
  rows: i32,
  columns: i32,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum: f32 = 0;
      for (let p = 0; p < depth; p++) {
        sum += load<f32>(a + ((p * MR + i) << 2)) * load<f32>(b + ((p * NR + j) << 2));
      }
      const at = c + i * stride + (j << 2);
      store<f32>(at, keep ? load<f32>(at) + sum : sum);
    }
  }
}
