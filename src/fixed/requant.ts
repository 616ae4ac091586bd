import { mulShift, powerOfTwo, ROUNDINGS, type Rounding, roundShift, shiftLeft } from "./round.ts";

/**
 * What a requantizer is built of: one shifter; two shifters and an adder; a multiplier and a shifter.
 * The three compute the same thing, x · multiplier / 2^shift, and differ in the multipliers they have.
 */
export const REQUANT_KINDS = ["shift", "two-shift", "multiplier"] as const;
export type RequantKind = (typeof REQUANT_KINDS)[number];

/**
 * The plain modes round once. The next two are those of TensorFlow Lite and CMSIS-NN. The last is a
 * compatibility mode, of programs that requantize in float32, and no hardware of ours.
 */
export const REQUANT_ROUNDINGS = [...ROUNDINGS, "tflite-double", "tflite-single", "float32"] as const;
export type RequantRounding = (typeof REQUANT_ROUNDINGS)[number];

/** The factor multiplier / 2^shift: |multiplier| < 2^31, shift in 0 … 62, both integers. */
export interface Scale {
  readonly multiplier: number;
  readonly shift: number;
}

/** What the 24 bits of a float32 are below. */
const SIGNIFICAND = 2 ** 24;

/**
 * x · multiplier / 2^shift as an integer. Does not saturate; never -0.
 *
 * - plain modes: the full product, rounded once.
 * - "tflite-single": the same as "half-up".
 * - "tflite-double": a doubling high multiply in 32 bits, ties up, then a shift, ties away. The
 *   multiplier is read as multiplier / 2^31, so for a shift below 31 x is first shifted left by the
 *   difference, and what that pushes out of 32 bits is lost. Meant for 31-bit multipliers.
 * - "float32": x and its product with multiplier / 2^shift are each rounded to a float32, and the
 *   product to the nearest integer, all ties to even. Same as XNNPACK's and ONNX Runtime's.
 *
 * @param x  integer, |x| < 2^48; for "tflite-double" 32 bits
 * @throws RangeError where a plain mode's result is not a safe integer, or the multiplier of "float32"
 *   has more than the 24 bits of a float32's significand
 */
export function requantize(x: number, scale: Scale, rounding: RequantRounding): number {
  const { multiplier, shift } = scale;
  switch (rounding) {
    case "tflite-single":
      return mulShift(x, multiplier, shift, "half-up");
    case "tflite-double": {
      // The operator keeps the low 32 bits, as the reference's int32 does.
      const lifted = shift < 31 ? x << (31 - shift) : x;
      const product = roundingDoublingHighMultiply(lifted, multiplier);
      return shift > 31 ? roundingDivideByPowerOfTwo(product, shift - 31) : product;
    }
    case "float32":
      return requantizeAsSingle(x, multiplier, shift);
    default:
      return mulShift(x, multiplier, shift, rounding);
  }
}

function requantizeAsSingle(x: number, multiplier: number, shift: number): number {
  if (!(Math.abs(multiplier) < SIGNIFICAND)) {
    throw new RangeError(`${multiplier} has more than the 24 bits of a float32`);
  }
  const above = excessOf(x);
  const product = roundShift(x, above, "half-even") * multiplier;
  const excess = excessOf(product);
  const digits = roundShift(product, excess, "half-even");
  const down = shift - above - excess;
  return down >= 0 ? roundShift(digits, down, "half-even") : digits * powerOfTwo(-down);
}

/** How many bits an integer below 2^55 has beyond the significand of a float32. */
const excessOf = (x: number): number => 32 - Math.clz32(Math.floor(Math.abs(x) / SIGNIFICAND));

/** One shifter: x / 2^shift rounded; a negative shift goes left and is exact. */
export function requantizeByShift(x: number, shift: number, mode: Rounding): number {
  return shift < 0 ? shiftLeft(x, -shift) : roundShift(x, shift, mode);
}

/**
 * Two shifters and an adder: (x · 2^a + sign · x · 2^b) / 2^shift, rounded once.
 * RangeError where a term or the sum is not a safe integer.
 */
export function requantizeByTwoShifts(
  x: number,
  a: number,
  b: number,
  sign: 1 | -1,
  shift: number,
  mode: Rounding,
): number {
  const sum = shiftLeft(x, a) + sign * shiftLeft(x, b);
  return roundShift(shiftLeft(sum, 0), shift, mode);
}

/**
 * Whether a requantizer of this kind can be set to the scale.
 *
 * - shift: the multiplier is a power of two.
 * - two-shift: its magnitude is 2^a or 2^a ± 2^b.
 * - multiplier: its magnitude is below 2^multiplierBits. The other kinds do not read `multiplierBits`.
 */
export function isLegalScale(scale: Scale, kind: RequantKind, multiplierBits: number): boolean {
  const { multiplier, shift } = scale;
  const magnitude = Math.abs(multiplier);
  if (!Number.isInteger(multiplier) || magnitude >= 2 ** 31) return false;
  if (!Number.isInteger(shift) || shift < 0 || shift > 62) return false;
  switch (kind) {
    case "shift":
      return multiplier > 0 && isPowerOfTwo(multiplier);
    case "two-shift":
      return magnitude > 0 && hasTwoDigits(magnitude);
    case "multiplier":
      return magnitude < 2 ** multiplierBits;
  }
}

const isPowerOfTwo = (m: number): boolean => (m & (m - 1)) === 0;

/** Whether 0 < m < 2^31 is a sum or difference of two powers of two, or one of them alone. */
function hasTwoDigits(m: number): boolean {
  const last = m & -m;
  return isPowerOfTwo(m - last) || isPowerOfTwo(m + last);
}

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

/**
 * High half of twice the product of two 32-bit integers: a · b / 2^31, ties up. The one product that
 * does not fit, of -2^31 with itself, gives 2^31 - 1. Of wider operands the low 32 bits of `a` count.
 * Same as gemmlowp's and as VQRDMULH of Arm.
 */
export function roundingDoublingHighMultiply(a: number, b: number): number {
  // Half of `a` at a time: no product reaches 2^47, and a floor of a floor is the floor of the whole.
  const low = Math.floor(((a & 0xffff) * b + 2 ** 30) / 2 ** 16);
  const high = Math.floor(((a >> 16) * b + low) / 2 ** 15);
  return Math.min(high, INT32_MAX);
}

/** x / 2^e for 32 bits and e >= 0, ties away from zero. Same as gemmlowp's, which ends at 31; beyond it only -2^31 / 2^32 is not 0. */
export function roundingDivideByPowerOfTwo(x: number, e: number): number {
  if (e > 31) return e === 32 && x === INT32_MIN ? -1 : 0;
  const mask = ~(-1 << e);
  const threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> e) + ((x & mask) > threshold ? 1 : 0);
}

/** x · 2^e in 32 bits, at the nearest end where it does not fit; e in 0 … 31. */
export function saturatingShiftLeft(x: number, e: number): number {
  // The product is exact in a double however far it leaves the 32 bits. Adding zero makes -0 plain.
  const y = x * powerOfTwo(e) + 0;
  return Math.min(Math.max(y, INT32_MIN), INT32_MAX);
}

/**
 * The rounding of everything that is not a requantization, on a machine whose requantizer rounds so: half
 * away for the two of TFLite, half even for float32.
 */
export function plainRounding(rounding: RequantRounding): Rounding {
  switch (rounding) {
    case "tflite-double":
    case "tflite-single":
      return "half-away";
    case "float32":
      return "half-even";
    default:
      return rounding;
  }
}
