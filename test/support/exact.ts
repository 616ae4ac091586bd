/**
 * The oracle of src/fixed: the same words in another arithmetic. Unbounded integers, every definition
 * taken literally, nothing imported from what it judges.
 */

/** In the order in which instructions number them. */
export const EXACT_ROUNDINGS = [
  "half-away",
  "half-up",
  "half-even",
  "half-zero",
  "half-down",
  "floor",
  "ceiling",
  "truncate",
] as const;
export type ExactRounding = (typeof EXACT_ROUNDINGS)[number];

/** In the order in which instructions number them. */
export const EXACT_OVERFLOWS = [
  "saturate",
  "saturate-zero",
  "saturate-symmetric",
  "wrap",
  "wrap-sign-magnitude",
] as const;
export type ExactOverflow = (typeof EXACT_OVERFLOWS)[number];

/** numerator / denominator as one of the two integers that enclose it, chosen by definition. */
export function exactDivide(numerator: bigint, denominator: bigint, mode: ExactRounding): bigint {
  const [n, d] = denominator < 0n ? [-numerator, -denominator] : [numerator, denominator];
  const lower = (n - (((n % d) + d) % d)) / d;
  if (lower * d === n) return lower;
  const upper = lower + 1n;
  const inner = n < 0n ? upper : lower;
  const outer = n < 0n ? lower : upper;
  if (mode === "floor") return lower;
  if (mode === "ceiling") return upper;
  if (mode === "truncate") return inner;

  const fromLower = n - lower * d;
  const fromUpper = upper * d - n;
  if (fromLower < fromUpper) return lower;
  if (fromUpper < fromLower) return upper;
  if (mode === "half-away") return outer;
  if (mode === "half-up") return upper;
  if (mode === "half-zero") return inner;
  if (mode === "half-down") return lower;
  return lower % 2n === 0n ? lower : upper;
}

/** x / 2^shift. */
export function exactRoundShift(x: bigint, shift: number, mode: ExactRounding): bigint {
  return exactDivide(x, 1n << BigInt(shift), mode);
}

/** Clamp to the codes of a format. */
export function exactSaturate(x: bigint, bits: number, isSigned: boolean): bigint {
  const codes = 1n << BigInt(bits);
  const lo = isSigned ? -codes / 2n : 0n;
  const hi = lo + codes - 1n;
  return x < lo ? lo : x > hi ? hi : x;
}

/** Keep the low bits. */
export function exactWrap(x: bigint, bits: number, isSigned: boolean): bigint {
  return isSigned ? BigInt.asIntN(bits, x) : BigInt.asUintN(bits, x);
}

/**
 * IEEE 1666's overflow handling, on bit patterns: of the wraps, the `kept` top bits become those of the nearest end,
 * and the others stay; sign and magnitude inverts these where the lowest bit above them changed.
 */
export function exactFit(
  x: bigint,
  bits: number,
  isSigned: boolean,
  overflow: ExactOverflow,
  kept: number,
): bigint {
  const nearest = exactSaturate(x, bits, isSigned);
  const lowest = -(1n << BigInt(bits - 1));
  if (overflow === "saturate-symmetric") return isSigned && nearest === lowest ? lowest + 1n : nearest;
  if (nearest === x || overflow === "saturate") return nearest;
  if (overflow === "saturate-zero") return 0n;
  const bitOf = (y: bigint, place: number) => (y >> BigInt(place)) & 1n;
  // Without kept bits a sign still has to come from somewhere: from the lowest bit that is lost.
  const own = overflow === "wrap" ? kept : Math.max(kept, 1);
  const free = bits - own;
  const top = kept > 0 ? nearest >> BigInt(free) : bitOf(x, overflow === "wrap" ? free : bits);
  const low = BigInt.asUintN(free, x);
  const isChanged = overflow !== "wrap" && (top & 1n) !== bitOf(x, free);
  const rest = isChanged ? (1n << BigInt(free)) - 1n - low : low;
  return exactWrap((top << BigInt(free)) + rest, bits, isSigned);
}

/** SRDHM in gemmlowp's own form: a nudge towards the sign of the product, then a truncating division. */
export function exactDoublingHigh(a: bigint, b: bigint): bigint {
  const lowest = -(1n << 31n);
  if (a === lowest && b === lowest) return -lowest - 1n;
  const product = a * b;
  return (product + (product >= 0n ? 1n << 30n : 1n - (1n << 30n))) / (1n << 31n);
}

/** RDBPOT in gemmlowp's own form: the dropped bits against a threshold that the sign moves. */
export function exactRoundingDivide(x: bigint, e: number): bigint {
  const mask = (1n << BigInt(e)) - 1n;
  const threshold = (mask >> 1n) + (x < 0n ? 1n : 0n);
  return (x >> BigInt(e)) + ((x & mask) > threshold ? 1n : 0n);
}

/** TensorFlow Lite's two-step requantization by multiplier / 2^shift, on 32 bits. */
export function exactTfliteDouble(x: bigint, multiplier: bigint, shift: number): bigint {
  const left = BigInt(Math.max(31 - shift, 0));
  const high = exactDoublingHigh(BigInt.asIntN(32, x << left), multiplier);
  return exactRoundingDivide(high, Math.max(shift - 31, 0));
}

/** The integer of 24 significant bits nearest to x, ties to even: x as a float32, and x / 2^n as one likewise. */
function exactSingle(x: bigint): bigint {
  const excess = (x < 0n ? -x : x).toString(2).length - 24;
  return excess > 0 ? exactRoundShift(x, excess, "half-even") << BigInt(excess) : x;
}

/** Requantization in float32: the operand, the product and the integer are each the nearest, ties to even. */
export function exactFloat32(x: bigint, multiplier: bigint, shift: number): bigint {
  return exactRoundShift(exactSingle(exactSingle(x) * multiplier), shift, "half-even");
}

/** A finite double as the fraction that it is; the denominator is a power of two. */
export function exactFraction(x: number): readonly [numerator: bigint, denominator: bigint] {
  let scaled = x;
  let denominator = 1n;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    denominator *= 2n;
  }
  return [BigInt(scaled), denominator];
}

/** Where integer bugs live: zero, both ends, and both sides of every power of two. Ascending. */
export function edges(bits: number): number[] {
  const end = 2 ** (bits - 1);
  const found = new Set<number>([0]);
  for (let power = 1; power <= end; power *= 2) {
    for (const d of [-2, -1, 0, 1, 2]) found.add(power + d).add(d - power);
  }
  return [...found].filter((v) => v >= -end && v < end).sort((a, b) => a - b);
}
