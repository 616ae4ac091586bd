/**
 * The border of requantization: a real factor comes in, the integers of a requantizer go out.
 */
import { floorLog2 } from "./real.ts";
import type { RequantKind, Scale } from "./requant.ts";
import { powerOfTwo, roundShift } from "./round.ts";

/** Largest distance between the digits of a two-shift multiplier that is chosen here: it stays below 2^16. */
export const TWO_SHIFT_SPAN = 15;

const MAX_SHIFT = 62;

/** The real factor of a scale, multiplier / 2^shift; exact. */
export const factorOf = (scale: Scale): number => scale.multiplier / powerOfTwo(scale.shift);

/**
 * The scale nearest to the factor; of two equally near the larger.
 *
 * | kind       | multiplier                                                   | factors below    |
 * |------------|--------------------------------------------------------------|------------------|
 * | shift      | 1; at shift 0 a power of two                                 | 2^31             |
 * | two-shift  | 1 or 2^k ± 1, k <= TWO_SHIFT_SPAN; at shift 0 any multiple by a power of two | 2^16 |
 * | multiplier | of `multiplierBits` bits exactly; at shift 0 and 62 narrower | 2^multiplierBits |
 *
 * With 31 bits the last is TensorFlow Lite's QuantizeMultiplier, except that it gives 0 for a scale
 * below 2^-32 and here the digits that a shift of 62 can hold are kept; such a scale takes any 32 bits
 * to zero all the same. A factor next to zero gives multiplier 0 with kind "multiplier", which has it,
 * and 2^-62 otherwise.
 *
 * @param factor          above 0 and below the bound in the table; RangeError otherwise
 * @param multiplierBits  integer in 2 … 31, RangeError otherwise; read only by kind "multiplier"
 */
export function nearestScale(factor: number, kind: RequantKind, multiplierBits: number): Scale {
  // Exact where it decides: doubles within a factor of two of each other subtract without rounding.
  const miss = (scale: Scale) => Math.abs(factorOf(scale) - factor);
  return neighbours(factor, kind, multiplierBits).reduce((best, scale) => {
    const gain = miss(best) - miss(scale);
    return gain > 0 || (gain === 0 && factorOf(scale) > factorOf(best)) ? scale : best;
  });
}

/**
 * The smallest scale that is not below the factor, of the same scales as `nearestScale`. What is too
 * much, factor / factorOf(scale) <= 1, can be folded into weights without making them overflow.
 *
 * RangeError where the factor is above the largest scale there is.
 */
export function scaleAtLeast(factor: number, kind: RequantKind, multiplierBits: number): Scale {
  const enough = neighbours(factor, kind, multiplierBits).filter((scale) => factorOf(scale) >= factor);
  if (enough.length === 0) throw unreachable(factor, kind);
  return enough.reduce((best, scale) => (factorOf(scale) < factorOf(best) ? scale : best));
}

/**
 * The scale that is a float32, as "float32" of `requantize` wants it: a significand of 24 bits over a power
 * of two, exact. Below 2^-39 the digits that a shift of 62 can hold are kept; such a scale takes any 38
 * bits to zero all the same.
 *
 * @param value  a float32, above 0 and below 2^24; RangeError otherwise
 */
export function float32Scale(value: number): Scale {
  if (!(value > 0 && value < 2 ** 24 && isSingle(value))) {
    throw new RangeError(`${value} is not a float32 above 0 and below 2^24`);
  }
  const shift = Math.min(23 - floorLog2(value), MAX_SHIFT);
  const multiplier = Math.floor(value * powerOfTwo(shift));
  return multiplier === 0 ? { multiplier: 0, shift: 0 } : { multiplier, shift };
}

/** Whether a positive number below 2^24 has 24 digits at most, and none below the smallest subnormal. */
const isSingle = (value: number): boolean =>
  Number.isInteger(value * 2 ** Math.min(23 - floorLog2(value), 149));

/**
 * TensorFlow Lite's pair as a scale: multiplier / 2^31 · 2^shift.
 *
 * @param multiplier  Q0.31, an integer of magnitude below 2^31; RangeError otherwise
 * @param shift       integer in -31 … 31; RangeError otherwise
 */
export function quantizedMultiplier(multiplier: number, shift: number): Scale {
  return checkedPair(multiplier, 31 - shift);
}

/**
 * TensorFlow Lite's pair as it is used on sums of 64 bits: the multiplier rounded to 16 bits, ties up.
 *
 * @param multiplier  Q0.31, an integer in 0 … 2^31 - 1; RangeError otherwise
 * @param shift       integer in -47 … 15; RangeError otherwise
 */
export function reducedMultiplier(multiplier: number, shift: number): Scale {
  if (!(multiplier >= 0)) throw new RangeError(`${multiplier} is not a positive multiplier`);
  checkedPair(multiplier, 15 - shift);
  const rounded = roundShift(multiplier, 16, "half-up");
  return { multiplier: Math.min(rounded, 0x7fff), shift: 15 - shift };
}

function checkedPair(multiplier: number, shift: number): Scale {
  if (!Number.isInteger(multiplier) || Math.abs(multiplier) >= 2 ** 31) {
    throw new RangeError(`${multiplier} is not a multiplier of 31 bits`);
  }
  if (!Number.isInteger(shift) || shift < 0 || shift > MAX_SHIFT) {
    throw new RangeError(`a multiplier is followed by a shift of 0 … ${MAX_SHIFT}, not ${shift}`);
  }
  return { multiplier, shift };
}

/** Scales of the kind, among them the two that enclose the factor as far as they exist. */
function neighbours(factor: number, kind: RequantKind, multiplierBits: number): readonly Scale[] {
  const limit = multiplierLimit(kind, multiplierBits);
  if (!(factor > 0 && factor < limit)) throw unreachable(factor, kind);
  switch (kind) {
    case "shift":
      return octaves(factor).flatMap((k) => dyadic(1, k, limit));
    case "two-shift":
      return octaves(factor).flatMap((k) => twoDigitScales(k, limit));
    case "multiplier":
      return mantissas(factor, multiplierBits);
  }
}

/** What every multiplier chosen here is below. */
function multiplierLimit(kind: RequantKind, multiplierBits: number): number {
  switch (kind) {
    case "shift":
      return 2 ** 31;
    case "two-shift":
      return 2 ** (TWO_SHIFT_SPAN + 1);
    case "multiplier":
      if (!Number.isInteger(multiplierBits) || multiplierBits < 2 || multiplierBits > 31) {
        throw new RangeError(`a multiplier has 2 … 31 bits, not ${multiplierBits}`);
      }
      return 2 ** multiplierBits;
  }
}

const unreachable = (factor: number, kind: RequantKind): RangeError =>
  new RangeError(`a factor of ${factor} is out of reach of a requantizer of kind ${kind}`);

/** The k of 2^k <= factor < 2^(k+1) and the next, but not below what a shift reaches. */
function octaves(factor: number): readonly number[] {
  const k = Math.max(floorLog2(factor), -MAX_SHIFT);
  return [k, k + 1];
}

/** All two-shift scales from 2^(k-1) to 2^(k+1): 2^k times 1, 1 + 2^-d and 1 - 2^-d. */
function twoDigitScales(k: number, limit: number): readonly Scale[] {
  const scales = [...dyadic(1, k, limit)];
  for (let d = 1; d <= TWO_SHIFT_SPAN; d++) {
    scales.push(...dyadic(2 ** d + 1, k - d, limit), ...dyadic(2 ** d - 1, k - d, limit));
  }
  return scales;
}

/** m · 2^k as a scale with the smallest multiplier: none where that is not below `limit` or k is below -62. */
function dyadic(m: number, k: number, limit: number): readonly Scale[] {
  if (k < -MAX_SHIFT) return [];
  const multiplier = m * 2 ** Math.max(k, 0);
  return multiplier < limit ? [{ multiplier, shift: Math.max(-k, 0) }] : [];
}

/** The multipliers just below and above, at the shift that gives them their full width. */
function mantissas(factor: number, bits: number): readonly Scale[] {
  const limit = 2 ** bits;
  const shift = Math.min(Math.max(bits - 1 - floorLog2(factor), 0), MAX_SHIFT);
  const below = Math.floor(factor * powerOfTwo(shift));
  const lower = below === 0 ? { multiplier: 0, shift: 0 } : { multiplier: below, shift };
  if (below + 1 < limit) return [lower, { multiplier: below + 1, shift }];
  return shift === 0 ? [lower] : [lower, { multiplier: limit / 2, shift: shift - 1 }];
}
