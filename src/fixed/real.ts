/**
 * The border: real numbers come in on one side and integer codes leave on the other.
 */
import { type IntFormat, maxOf, minOf, saturate } from "./format.ts";
import { type Rounding, settle } from "./round.ts";

/** How codes stand for real numbers: real = scale · (code - zero). */
export interface Grid {
  readonly format: IntFormat;
  /** Real units per code; finite, > 0. */
  readonly scale: number;
  /** The code that stands for 0. */
  readonly zero: number;
}

/** A real number as an integer. Keeps infinities, refuses NaN with a RangeError; never -0. */
export function roundReal(x: number, mode: Rounding): number {
  if (Number.isNaN(x)) throw new RangeError("NaN has no nearest integer");
  const magnitude = Math.abs(x);
  const down = Math.floor(magnitude);
  return settle(down, magnitude - down, 1, x < 0, mode);
}

/** The float32 nearest to x, ties to even: a step of arithmetic that others do in single precision. */
export const toFloat32 = (x: number): number => Math.fround(x);

/** The code of x: x / scale rounded, then the zero point added, then saturated. */
export function encode(x: number, grid: Grid, mode: Rounding = "half-away"): number {
  return saturate(roundReal(x / grid.scale, mode) + grid.zero, grid.format);
}

/** The real number that a code stands for. */
export function decode(code: number, grid: Grid): number {
  return grid.scale * (code - grid.zero);
}

/** `encode` of every value. RangeError where the format has codes beyond 32 bits signed. */
export function encodeAll(values: ArrayLike<number>, grid: Grid, mode: Rounding = "half-away"): Int32Array {
  if (minOf(grid.format) < -(2 ** 31) || maxOf(grid.format) >= 2 ** 31) {
    throw new RangeError(`codes of ${grid.format.bits} bits do not fit an Int32Array`);
  }
  const codes = new Int32Array(values.length);
  for (let i = 0; i < codes.length; i++) codes[i] = encode(values[i]!, grid, mode);
  return codes;
}

/** `decode` of every code. */
export function decodeAll(codes: ArrayLike<number>, grid: Grid): Float64Array {
  const values = new Float64Array(codes.length);
  for (let i = 0; i < values.length; i++) values[i] = decode(codes[i]!, grid);
  return values;
}

/** The largest integer k with 2^k <= x. Exact for every positive finite x, RangeError otherwise. */
export function floorLog2(x: number): number {
  return anatomy(x).exponent;
}

/** The smallest integer k with 2^k >= x. Exact for every positive finite x, RangeError otherwise. */
export function ceilLog2(x: number): number {
  const { exponent, isPower } = anatomy(x);
  return isPower ? exponent : exponent + 1;
}

const SMALLEST_NORMAL = 2 ** -1022;

/** The exponent field of a double, and whether the fraction field is empty. */
function anatomy(x: number): { exponent: number; isPower: boolean } {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`a logarithm wants a positive finite number, got ${x}`);
  }
  // A subnormal has no leading one of its own; 2^54 times it is normal and has the same digits.
  const lift = x < SMALLEST_NORMAL ? 54 : 0;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x * 2 ** lift);
  const head = view.getUint32(0);
  const isPower = (head & 0xf_ffff) === 0 && view.getUint32(4) === 0;
  return { exponent: (head >>> 20) - 1023 - lift, isPower };
}

/**
 * The value of a 16-bit number of sign, exponent and fraction, from its bits: IEEE 754 binary16 with 5 exponent bits, bfloat16 with
 * 8. Exact; subnormals, infinities and NaN too.
 */
export function decodeHalf(bits: number, exponentBits: 5 | 8 = 5): number {
  const fractionBits = 15 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >= 0x8000 ? -1 : 1;
  const fraction = bits % 2 ** fractionBits;
  const exponent = ((bits % 0x8000) - fraction) / 2 ** fractionBits;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  const significand = exponent === 0 ? fraction : fraction + 2 ** fractionBits;
  return sign * significand * 2 ** (Math.max(exponent, 1) - bias - fractionBits);
}

/** The nearest such number, ties to even; keeps NaN. */
export function roundHalf(x: number, exponentBits: 5 | 8 = 5): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const fractionBits = 15 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const step = 2 ** (Math.max(floorLog2(Math.abs(x)), 1 - bias) - fractionBits);
  const rounded = roundReal(x / step, "half-even") * step;
  return Math.abs(rounded) >= 2 ** (bias + 1) ? Math.sign(x) * Infinity : rounded;
}
