/**
 * The integer kernels under the simulator, as one interface with two implementations that agree to the last bit:
 * WebAssembly SIMD (`assembly/`) and plain TypeScript (`twin/`).
 *
 * Layout. An activation tensor of n elements is `[element][lane]`, lanes contiguous: one lane is one input that runs
 * through the same program. `lanes` is a multiple of 16. Weights and tables have no lanes. Pointers are byte offsets
 * into the backend's memory; activation pointers are multiples of 16, others of their element size.
 *
 * Containers, by byte size: 1 = int8, 2 = int16, 4 = int32, 8 = float64 holding an integer, |x| <= 2^53 ("wide").
 * Codes are two's complement; zero points are subtracted where stated and lie in the range of their container.
 * `zero`, `lo` and `hi` describe the output: zero is added after the rounding, then the result is clamped into
 * lo..hi, which the output container can hold.
 *
 * Scaling. rq(x; m, s) is x * m / 2^s rounded to an integer, s in 0..62, |m| < 2^31, or |m| < 2^24 where the rounding
 * is float32. `rounding` indexes REQUANT_ROUNDINGS of fixed; tflite-double keeps the low 32 bits of x. The caller sees
 * to it that |x| < 2^48 and, but for float32, |x * m| + |zero| < 2^63. A kernel of plain roundings takes the two of
 * TFLite as half-away and float32 as half-even.
 *
 * Saturation. `sat` points to int32[lanes]: each output element that had to be clamped adds 1 to its lane.
 * Outputs do not overlap inputs, except that an output may replace an input of the same container in place
 * (rescale, add, multiply, minimum, maximum, affine, pwl).
 */
export interface Kernels {
  /**
   * acc[row][lane] (+)= sum over k of w[row * wStride + k] * x[k][lane]; `keep` 1 adds, 0 overwrites.
   * 4-byte accumulators count modulo 2^32, 8-byte ones are exact. `scratch` has matmulScratchBytes(k, lanes, m) bytes.
   */
  matmul(
    w: number,
    wBytes: Bytes<1 | 2>,
    wStride: number,
    x: number,
    xBytes: Bytes<1 | 2>,
    acc: number,
    accBytes: Bytes<4 | 8>,
    m: number,
    k: number,
    lanes: number,
    keep: number,
    scratch: number,
  ): void;

  /**
   * A product of two activations, lane by lane: acc[j][lane] (+)= sum over t in 0..k of
   * (x[t][lane] - xZero) * (a[t * aStride + j][lane] - aZero). Accumulators as in matmul.
   */
  laneMatmul(
    a: number,
    aBytes: Bytes<1 | 2>,
    aStride: number,
    aZero: number,
    x: number,
    xBytes: Bytes<1 | 2>,
    xZero: number,
    acc: number,
    accBytes: Bytes<4 | 8>,
    m: number,
    k: number,
    lanes: number,
    keep: number,
  ): void;

  /**
   * Brings each of the n accumulators into `bits` signed bits (2..32, or 2..48 for 8-byte ones), by wrapping
   * (`saturating` 0) or saturating (1), and counts those that were outside in overflow[lane].
   */
  foldAccumulators(
    acc: number,
    accBytes: Bytes<4 | 8>,
    n: number,
    lanes: number,
    bits: number,
    saturating: number,
    overflow: number,
  ): void;

  /**
   * out[row][lane] = clamp(rq(acc[row][lane] + bias[row]; multiplier[row], shift[row]) + zero).
   * bias is int32[rows], or float64[rows] where accumulators have 8 bytes; acc + bias does not wrap.
   */
  requant(
    acc: number,
    accBytes: Bytes<4 | 8>,
    out: number,
    outBytes: Bytes<1 | 2 | 4>,
    rows: number,
    lanes: number,
    bias: number,
    multiplier: number,
    shift: number,
    zero: number,
    lo: number,
    hi: number,
    rounding: number,
    sat: number,
  ): void;

  /** out[i] = clamp(rq(a[i] - aZero; m, s) + zero). */
  rescale(
    a: number,
    aBytes: Bytes<1 | 2 | 4 | 8>,
    aZero: number,
    out: number,
    outBytes: Bytes<1 | 2 | 4 | 8>,
    n: number,
    lanes: number,
    m: number,
    s: number,
    zero: number,
    lo: number,
    hi: number,
    rounding: number,
    sat: number,
  ): void;

  /**
   * out[i] = clamp(rq(a[i] - aZero; aM, aS) + sign * rq(b[i mod bPeriod] - bZero; bM, bS) + zero), sign 1 or -1.
   * bPeriod 1 broadcasts one element, n is elementwise. Both terms stay below 2^53 in magnitude.
   */
  add(
    a: number,
    aBytes: Bytes<1 | 2 | 4>,
    aZero: number,
    aM: number,
    aS: number,
    b: number,
    bBytes: Bytes<1 | 2 | 4>,
    bZero: number,
    bM: number,
    bS: number,
    bPeriod: number,
    sign: number,
    out: number,
    outBytes: Bytes<1 | 2 | 4>,
    n: number,
    lanes: number,
    zero: number,
    lo: number,
    hi: number,
    rounding: number,
    sat: number,
  ): void;

  /** out[i] = clamp(rq((a[i] - aZero) * (b[i mod bPeriod] - bZero); m, s) + zero). */
  multiply(
    a: number,
    aBytes: Bytes<1 | 2>,
    aZero: number,
    b: number,
    bBytes: Bytes<1 | 2>,
    bZero: number,
    bPeriod: number,
    out: number,
    outBytes: Bytes<1 | 2 | 4>,
    n: number,
    lanes: number,
    m: number,
    s: number,
    zero: number,
    lo: number,
    hi: number,
    rounding: number,
    sat: number,
  ): void;

  /** out[i] = min(a[i], b[i mod bPeriod]), all three of one container. */
  minimum(
    a: number,
    b: number,
    bPeriod: number,
    out: number,
    bytes: Bytes<1 | 2 | 4>,
    n: number,
    lanes: number,
  ): void;

  /** out[i] = max(a[i], b[i mod bPeriod]), all three of one container. */
  maximum(
    a: number,
    b: number,
    bPeriod: number,
    out: number,
    bytes: Bytes<1 | 2 | 4>,
    n: number,
    lanes: number,
  ): void;

  /**
   * out[i] = clamp(rq(x; m, s) + zero), x = ((a[i] - aZero) * gain[i mod period] + bias[i mod period]) / 2^drop rounded
   * half-away, drop in 0..31. gain is int32[period], bias is float64[period]. The inner product and sum stay below 2^53
   * in magnitude; x may do so too, and x * m is bounded as above.
   */
  affine(
    a: number,
    aBytes: Bytes<1 | 2 | 4>,
    aZero: number,
    gain: number,
    bias: number,
    period: number,
    drop: number,
    out: number,
    outBytes: Bytes<1 | 2 | 4>,
    n: number,
    lanes: number,
    m: number,
    s: number,
    zero: number,
    lo: number,
    hi: number,
    rounding: number,
    sat: number,
  ): void;

  /**
   * out[g][lane] = reduction over i in 0..n of a[g * n + i][lane] - aZero, n >= 1. `kind` indexes REDUCTIONS.
   * The exact result is below 2^53 in magnitude; 4-byte outputs keep its low 32 bits.
   */
  reduce(
    kind: number,
    a: number,
    aBytes: Bytes<1 | 2 | 4>,
    aZero: number,
    groups: number,
    n: number,
    lanes: number,
    out: number,
    outBytes: Bytes<4 | 8>,
  ): void;

  /**
   * out[g * n + i][lane] = clamp(round((factor * a - sum[g][lane]) * mantissa[g][lane] / 2^exponent[g][lane]) + zero),
   * a and sum of raw codes, 0 < factor < 2^31, exponent in 0..62, |factor * a - sum| < 2^48, the product below 2^62. Plain roundings.
   */
  normalize(
    a: number,
    aBytes: Bytes<1 | 2>,
    groups: number,
    n: number,
    factor: number,
    lanes: number,
    sum: number,
    sumBytes: Bytes<4 | 8>,
    mantissa: number,
    exponent: number,
    out: number,
    outBytes: Bytes<1 | 2 | 4>,
    zero: number,
    lo: number,
    hi: number,
    rounding: number,
    sat: number,
  ): void;

  /**
   * out[g * n + i][lane] = clamp(round((a - aZero) * factor / (max(b[g][lane], 1) * 2^shift)) + zero).
   * 0 < factor < 2^31, shift in 0..31, numerator and denominator below 2^62 in magnitude. Plain roundings.
   */
  divide(
    a: number,
    aBytes: Bytes<1 | 2 | 4 | 8>,
    aZero: number,
    b: number,
    bBytes: Bytes<4 | 8>,
    groups: number,
    n: number,
    lanes: number,
    factor: number,
    shift: number,
    out: number,
    outBytes: Bytes<1 | 2 | 4>,
    zero: number,
    lo: number,
    hi: number,
    rounding: number,
    sat: number,
  ): void;

  /**
   * out[g * n + i][lane] = clamp(rq(a[g * n + i][lane] - aZero; mantissa[g][lane], shift[g][lane]) + zero).
   * mantissa is int32[groups][lanes], any of its codes, and shift int32[groups][lanes], in 0..63. float32 is taken as
   * half-even.
   */
  rowScale(
    a: number,
    aBytes: Bytes<1 | 2 | 4>,
    aZero: number,
    mantissa: number,
    shift: number,
    groups: number,
    n: number,
    lanes: number,
    out: number,
    outBytes: Bytes<1 | 2 | 4>,
    zero: number,
    lo: number,
    hi: number,
    rounding: number,
    sat: number,
  ): void;

  /**
   * y(x) = clamp(I + round((fr * 2^(shift[p] - fraction) + slope[p] * (x - knot[p])) / 2^shift[p])), where base[p] is
   * I * 2^fraction + fr, I its floor, and p the last piece whose knot is <= x, or 0. out[i] = y(a[i]), but where
   * 2 * a[i] < inSum it is clamp(outSum - y(inSum - a[i])), and one clamp is counted where either of the two cuts.
   * knots (ascending), base, slope and shift are int32[pieces], pieces >= 1; fraction is 0..16, shifts are fraction..52, or
   * 0..62 where it is 0. With
   * an inSum above NO_MIRROR, which is below 2^17 in magnitude as outSum is below 2^18, knots are in the range of a's
   * container. Plain roundings. `scratch` has PWL_SCRATCH_BYTES bytes, on a multiple of 16.
   */
  pwl(
    a: number,
    aBytes: Bytes<1 | 2>,
    out: number,
    outBytes: Bytes<1 | 2>,
    n: number,
    lanes: number,
    pieces: number,
    knots: number,
    base: number,
    slope: number,
    shift: number,
    fraction: number,
    inSum: number,
    outSum: number,
    lo: number,
    hi: number,
    rounding: number,
    sat: number,
    scratch: number,
  ): void;

  /** out[j][lane] = table[index[lane] clamped into 0..rows-1][j]; index is int16[lanes], the container is kept. */
  gather(
    table: number,
    tableBytes: Bytes<1 | 2 | 4 | 8>,
    index: number,
    rows: number,
    out: number,
    n: number,
    lanes: number,
  ): void;

  /** out[lane] = the first i in 0..n at which a[i][lane] is greatest, int16; 1 <= n <= 2^15. */
  argmax(a: number, aBytes: Bytes<1 | 2 | 4>, n: number, lanes: number, out: number): void;
}

/** A container named by its size in bytes; callers compute it, so any number is let through. */
type Bytes<Allowed extends number> = Allowed | (number & {});

/** What `reduce` computes, by its `kind`. */
export const REDUCTIONS = ["sum", "squares", "absolutes", "maximum"] as const;

/** Bytes that `pwl` needs at `scratch`: 128 records of 16, and 16 codes as int32. */
export const PWL_SCRATCH_BYTES = 2112;

/** An `inSum` of `pwl` that mirrors no code: twice the lowest of 16 bits. */
export const NO_MIRROR = -(2 ** 16);

/** Bytes that `matmul` needs at `scratch`: x as int16 pairs, twice when split in halves, and up to four weight rows. */
export function matmulScratchBytes(k: number, lanes: number, m: number): number {
  return (k + 1) * (4 * lanes + 2 * Math.min(m, 4));
}
