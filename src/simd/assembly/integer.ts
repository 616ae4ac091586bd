// One integer at a time: containers, rounding, requantization and clamping in i64. The rounding modes are indices
// into REQUANT_ROUNDINGS of src/fixed.

export const HALF_EVEN: i32 = 2;
export const TFLITE_DOUBLE: i32 = 8;
export const FLOAT32: i32 = 10;

/** Element `i` of a container; wide integers come out of their float64. */
@inline
export function loadInt(at: usize, bytes: i32): i64 {
  if (bytes == 1) return load<i8>(at);
  if (bytes == 2) return load<i16>(at);
  if (bytes == 4) return load<i32>(at);
  return <i64>load<f64>(at);
}

@inline
export function storeInt(at: usize, bytes: i32, x: i64): void {
  if (bytes == 1) store<i8>(at, <i8>x);
  else if (bytes == 2) store<i16>(at, <i16>x);
  else if (bytes == 4) store<i32>(at, <i32>x);
  else store<f64>(at, <f64>x);
}

/** The plain mode of kernels that have no other: half-away for the two of TFLite, half-even for float32. */
@inline
export function plain(rounding: i32): i32 {
  if (rounding == FLOAT32) return HALF_EVEN;
  return rounding >= TFLITE_DOUBLE ? 0 : rounding;
}

/**
 * What a mode adds to p before the floor of p / 2^s, where p >= 0. The negative addend is this plus `addendStep`,
 * and half-even adds 1 more where the floor is odd.
 */
export function addend(rounding: i32, s: i64): i64 {
  if (s == 0) return 0;
  const half: i64 = (<i64>1) << (s - 1);
  switch (rounding) {
    case 2: // half-even
    case 3: // half-zero
    case 4: // half-down
      return half - 1;
    case 5: // floor
    case 7: // truncate
      return 0;
    case 6: // ceiling
      return half + half - 1;
    default: // half-away, half-up and its alias tflite-single
      return half;
  }
}

/** See `addend`. */
export function addendStep(rounding: i32, s: i64): i64 {
  if (s == 0) return 0;
  if (rounding == 0) return -1;
  if (rounding == 3) return 1;
  if (rounding == 7) return ((<i64>1) << s) - 1;
  return 0;
}

/** p / 2^s rounded by a plain mode, s in 0..62. Adds to the remainder, so that no p overflows. */
export function roundShift(p: i64, s: i64, rounding: i32): i64 {
  const floor = p >> s;
  let n = addend(rounding, s);
  if (p < 0) n += addendStep(rounding, s);
  if (rounding == HALF_EVEN && s > 0) n += floor & 1;
  const rest = p & (((<i64>1) << s) - 1);
  return floor + <i64>(<u64>(rest + n) >> <u64>s);
}

/** m / 2^s as a float32: exact where |m| < 2^24. */
@inline
export function realScale(m: i64, s: i64): f32 {
  return <f32>m / <f32>((<i64>1) << s);
}

/** 2^61: beyond every clamp, and two of them and a zero point add up in i64. */
const FAR: f32 = 2305843009213693952.0;

/** rq(x; m, s) of the Kernels interface. */
export function requantize(x: i64, m: i64, s: i64, rounding: i32): i64 {
  if (rounding == TFLITE_DOUBLE) {
    const left = max<i64>(0, 31 - s);
    const right = max<i64>(0, s - 31);
    // The doubling high product rounds half up; only -2^31 * -2^31 saturates.
    const high = (<i64>(<i32>(x << left)) * m + (1 << 30)) >> 31;
    return roundShift(min<i64>(high, i32.MAX_VALUE), right, 0);
  }
  if (rounding == FLOAT32) {
    const y = nearest<f32>(<f32>x * realScale(m, s));
    return <i64>min<f32>(max<f32>(y, -FAR), FAR);
  }
  return roundShift(x * m, s, rounding);
}

/** Stores x clamped into lo..hi, and counts a clamp at `sat`. */
@inline
export function storeClamped(at: usize, bytes: i32, x: i64, lo: i64, hi: i64, sat: usize): void {
  const y = min(max(x, lo), hi);
  storeInt(at, bytes, y);
  if (y != x) store<i32>(sat, load<i32>(sat) + 1);
}
