// Four floats at a time, at the end of an array fewer: what is read beyond it is zero, and nothing is written there.

/** The `left` (1 to 4, or more) floats at `at`. */
@inline
export function read(at: usize, left: i32): v128 {
  return left >= 4 ? v128.load(at) : readRest(at, left);
}

function readRest(at: usize, left: i32): v128 {
  if (left == 1) return v128.load32_zero(at);
  const two = v128.load64_zero(at);
  return left == 2 ? two : v128.load_lane<f32>(at + 8, two, 2);
}

@inline
export function write(at: usize, x: v128, left: i32): void {
  if (left >= 4) v128.store(at, x);
  else writeRest(at, x, left);
}

function writeRest(at: usize, x: v128, left: i32): void {
  v128.store_lane<f32>(at, x, 0);
  if (left > 1) v128.store_lane<f32>(at + 4, x, 1);
  if (left > 2) v128.store_lane<f32>(at + 8, x, 2);
}

/** Adds x to what is at `at`. */
@inline
export function accumulateAt(at: usize, x: v128, left: i32): void {
  write(at, f32x4.add(read(at, left), x), left);
}

/** The float at `at` in all lanes where `step` is 0, else read. */
@inline
export function readOrSplat(at: usize, step: i32, left: i32): v128 {
  return step == 0 ? v128.load32_splat(at) : read(at, left);
}

@inline
export function sumOf(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

@inline
export function greatestOf(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/**
 * e^x, x cut to -87 … 88, to 2 units in the last place. Cephes' expf: x = n ln 2 + r, a polynomial in r, n into the exponent.
 */
@inline
export function exp4(x: v128): v128 {
  const cut = f32x4.min(f32x4.max(x, f32x4.splat(-87.0)), f32x4.splat(88.0));
  const n = f32x4.nearest(f32x4.mul(cut, f32x4.splat(1.4426950408889634)));
  let r = f32x4.sub(cut, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.add(r, f32x4.mul(n, f32x4.splat(2.12194440e-4)));
  let p = f32x4.add(f32x4.mul(f32x4.splat(1.9875691500e-4), r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  const y = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1.0));
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(y, scale);
}

@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1.0);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/** 1 - 2 / (1 + e^2x): absolute error of 1e-7. */
@inline
export function tanh4(x: v128): v128 {
  const one = f32x4.splat(1.0);
  const e = exp4(f32x4.add(x, x));
  return f32x4.sub(one, f32x4.div(f32x4.splat(2.0), f32x4.add(one, e)));
}

/** s (1 - s), the slope of the sigmoid whose value is s. */
@inline
export function sigmoidSlope(s: v128): v128 {
  return f32x4.sub(s, f32x4.mul(s, s));
}

/** 1 - t^2, the slope of the tanh whose value is t. */
@inline
export function tanhSlope(t: v128): v128 {
  return f32x4.sub(f32x4.splat(1.0), f32x4.mul(t, t));
}

/**
 * ln x for normal x > 0, to 2 units in the last place. Cephes' logf: x = m 2^e, a polynomial in m - 1. The standard
 * library's has a table, for which there is no room: the host's arrays begin where the memory does.
 */
export function logOf(x: f32): f32 {
  const bits = reinterpret<i32>(x);
  let e = (bits >> 23) - 126;
  let m = reinterpret<f32>((bits & 0x007fffff) | 0x3f000000);
  if (m < <f32>0.70710678) {
    e--;
    m += m;
  }
  m -= 1;
  const z = m * m;
  let y: f32 = 7.0376836292e-2;
  y = y * m - <f32>1.1514610310e-1;
  y = y * m + <f32>1.1676998740e-1;
  y = y * m - <f32>1.2420140846e-1;
  y = y * m + <f32>1.4249322787e-1;
  y = y * m - <f32>1.6668057665e-1;
  y = y * m + <f32>2.0000714765e-1;
  y = y * m - <f32>2.4999993993e-1;
  y = y * m + <f32>3.3333331174e-1;
  y = y * m * z + <f32>e * <f32>-2.12194440e-4 - <f32>0.5 * z;
  return m + y + <f32>e * <f32>0.693359375;
}
