import { accumulateAt, read, sumOf, write } from "./lanes";

// Over each span of `span` elements: y = (x - mean) / d * gain + shift. `mad` 0: d = sqrt(variance + epsilon);
// 1: d = max(mean |x - mean|, epsilon). `saved` keeps mean and 1 / d of each span; 1 / d is negative where the
// floor holds, which no deviation is.

/** x and y are [rows][spans * span]; gain and shift are [spans * span]; saved is [rows][spans][2]. */
export function norm(
  x: usize,
  gain: usize,
  shift: usize,
  y: usize,
  saved: usize,
  rows: i32,
  spans: i32,
  span: i32,
  mad: i32,
  epsilon: f32,
): void {
  const bytes = span << 2;
  for (let i = 0; i < rows * spans; i++, x += bytes, y += bytes, saved += 8) {
    const first = (i % spans) * bytes;
    const mean = meanOf(x, span);
    const inverse = inverseOf(x, mean, span, mad, epsilon);
    store<f32>(saved, mean);
    store<f32>(saved, inverse, 4);
    const m = f32x4.splat(mean);
    const r = f32x4.splat(abs(inverse));
    for (let j = 0; j < bytes; j += 16) {
      const left = (bytes - j) >> 2;
      const z = f32x4.mul(f32x4.sub(read(x + j, left), m), r);
      const scaled = f32x4.mul(z, read(gain + first + j, left));
      write(y + j, f32x4.add(scaled, read(shift + first + j, left)), left);
    }
  }
}

function meanOf(x: usize, n: i32): f32 {
  let sum = f32x4.splat(0);
  for (let j = 0; j < n; j += 4) sum = f32x4.add(sum, read(x + (j << 2), n - j));
  return sumOf(sum) / <f32>n;
}

function inverseOf(x: usize, mean: f32, n: i32, mad: i32, epsilon: f32): f32 {
  let total: f32 = 0;
  let sum = f32x4.splat(0);
  const m = f32x4.splat(mean);
  let j = 0;
  for (; j + 4 <= n; j += 4) {
    const z = f32x4.sub(v128.load(x + (j << 2)), m);
    sum = f32x4.add(sum, mad ? f32x4.abs(z) : f32x4.mul(z, z));
  }
  for (; j < n; j++) {
    const z = load<f32>(x + (j << 2)) - mean;
    total += mad ? abs(z) : z * z;
  }
  total = (total + sumOf(sum)) / <f32>n;
  if (!mad) return 1 / Mathf.sqrt(total + epsilon);
  return total < epsilon ? -1 / epsilon : 1 / total;
}

/** With z = (x - mean) / d: gGain += g z, gShift += g, gX += what g gain gives through z, mean and d. */
export function normBack(
  x: usize,
  gain: usize,
  saved: usize,
  g: usize,
  gX: usize,
  gGain: usize,
  gShift: usize,
  rows: i32,
  spans: i32,
  span: i32,
  mad: i32,
): void {
  const bytes = span << 2;
  const none = f32x4.splat(0);
  for (let i = 0; i < rows * spans; i++, x += bytes, g += bytes, gX += bytes, saved += 8) {
    const first = (i % spans) * bytes;
    const m = f32x4.splat(load<f32>(saved));
    const inverse = load<f32>(saved, 4);
    const r = f32x4.splat(abs(inverse));
    let gSum = none;
    let along = none;
    let signs = none;
    for (let j = 0; j < bytes; j += 16) {
      const left = (bytes - j) >> 2;
      const z = f32x4.mul(f32x4.sub(read(x + j, left), m), r);
      const up = read(g + j, left);
      accumulateAt(gGain + first + j, f32x4.mul(up, z), left);
      accumulateAt(gShift + first + j, up, left);
      const u = f32x4.mul(up, read(gain + first + j, left));
      gSum = f32x4.add(gSum, u);
      along = f32x4.add(along, f32x4.mul(u, z));
      if (mad) signs = f32x4.add(signs, restOf(signOf(z), left));
    }
    const part: f32 = inverse < 0 ? 0 : sumOf(along) / <f32>span;
    const constant = sumOf(gSum) / <f32>span - (mad ? (part * sumOf(signs)) / <f32>span : 0);
    const p = f32x4.splat(part);
    for (let j = 0; j < bytes; j += 16) {
      const left = (bytes - j) >> 2;
      const z = f32x4.mul(f32x4.sub(read(x + j, left), m), r);
      const u = f32x4.sub(f32x4.mul(read(g + j, left), read(gain + first + j, left)), f32x4.splat(constant));
      accumulateAt(gX + j, f32x4.mul(r, f32x4.sub(u, f32x4.mul(p, mad ? signOf(z) : z))), left);
    }
  }
}

/** -1, 0 or 1. */
@inline
function signOf(z: v128): v128 {
  const none = f32x4.splat(0);
  const one = f32x4.splat(1);
  return f32x4.sub(v128.and(f32x4.gt(z, none), one), v128.and(f32x4.lt(z, none), one));
}

/** x with zeros in the lanes beyond `left`: what was read there was no element. */
@inline
function restOf(x: v128, left: i32): v128 {
  if (left >= 4) return x;
  return v128.and(x, i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3)));
}
