import { ceilDiv } from "./round.ts";

/**
 * A range of integer codes, two's complement when signed. `bits` is 2 … 48 and counts the sign bit.
 * Widths are swept at run time, so a format is a value and never a type parameter.
 */
export interface IntFormat {
  readonly bits: number;
  readonly signed: boolean;
}

/**
 * What becomes of a value outside its format, as IEEE 1666 names it for SystemC's `sc_fix`.
 *
 * | mode                | IEEE 1666   | the value becomes                                              |
 * |---------------------|-------------|----------------------------------------------------------------|
 * | saturate            | SC_SAT      | the nearest end                                                |
 * | saturate-zero       | SC_SAT_ZERO | 0                                                              |
 * | saturate-symmetric  | SC_SAT_SYM  | the nearest end of a range without its lowest code, if signed  |
 * | wrap                | SC_WRAP     | its low bits                                                   |
 * | wrap-sign-magnitude | SC_WRAP_SM  | its low bits, inverted in every second period; signed only     |
 */
export const OVERFLOWS = [
  "saturate",
  "saturate-zero",
  "saturate-symmetric",
  "wrap",
  "wrap-sign-magnitude",
] as const;
export type Overflow = (typeof OVERFLOWS)[number];

/** Two's complement of `bits` bits, 2 … 48; RangeError otherwise. */
export const signed = (bits: number): IntFormat => ({ bits: checkedBits(bits), signed: true });

/** Codes 0 … 2^bits - 1, `bits` in 2 … 48; RangeError otherwise. */
export const unsigned = (bits: number): IntFormat => ({ bits: checkedBits(bits), signed: false });

function checkedBits(bits: number): number {
  if (!Number.isInteger(bits) || bits < 2 || bits > 48) {
    throw new RangeError(`an integer format has 2 … 48 bits, not ${bits}`);
  }
  return bits;
}

/** The smallest code of the format. */
export const minOf = (f: IntFormat): number => (f.signed ? -(2 ** (f.bits - 1)) : 0);

/** The largest code of the format. */
export const maxOf = (f: IntFormat): number => 2 ** (f.signed ? f.bits - 1 : f.bits) - 1;

/** The code nearest to x. Takes infinities; never -0. */
export function saturate(x: number, f: IntFormat): number {
  const lo = minOf(f);
  const hi = maxOf(f);
  // Products such as 0 · -3 arrive as -0; adding zero makes them plain.
  return x < lo ? lo : x > hi ? hi : x + 0;
}

/** The code congruent to x modulo 2^bits: what is left when the bits above are not kept. Safe integers; never -0. */
export function wrap(x: number, f: IntFormat): number {
  const span = 2 ** f.bits;
  const code = x - Math.floor(x / span) * span;
  return f.signed && code >= span / 2 ? code - span : code;
}

/**
 * Brings a safe integer into the format the way its hardware does. What fits stays itself, except the
 * lowest code of a symmetric range; never -0.
 *
 * @param kept  integer in 0 … bits, RangeError otherwise; read only by the wraps: so many of the highest
 *              bits saturate, towards the sign of x, and only those below wrap. IEEE 1666's `n_bits`.
 * @throws RangeError for "wrap-sign-magnitude" in an unsigned format, which IEEE 1666 does not define
 */
export function fit(x: number, f: IntFormat, overflow: Overflow, kept = 0): number {
  switch (overflow) {
    case "saturate":
      return saturate(x, f);
    case "saturate-zero":
      return x < minOf(f) || x > maxOf(f) ? 0 : x + 0;
    case "saturate-symmetric":
      return Math.max(saturate(x, f), f.signed ? -maxOf(f) : 0);
    case "wrap":
      return kept === 0 ? wrap(x, f) : wrapBelow(x, f, checkedKept(kept, f), false);
    case "wrap-sign-magnitude":
      if (!f.signed) throw new RangeError("sign and magnitude do not wrap without a sign");
      return kept === 0 ? fold(x, f) : wrapBelow(x, f, checkedKept(kept, f), true);
  }
}

function checkedKept(kept: number, f: IntFormat): number {
  if (Number.isInteger(kept) && kept >= 0 && kept <= f.bits) return kept;
  throw new RangeError(`of ${f.bits} bits 0 … ${f.bits} can be kept from wrapping, not ${kept}`);
}

/** A triangle wave: the code runs to an end, stays there for one step more and runs back. */
function fold(x: number, f: IntFormat): number {
  const span = 2 ** f.bits;
  const y = x - Math.floor(x / (2 * span)) * 2 * span;
  const hi = maxOf(f);
  if (y <= hi) return y;
  return y < span + hi + 1 ? span - 1 - y : y - 2 * span;
}

/**
 * The `kept` >= 1 highest bits at their end and those below as they are; or inverted, if that is asked for
 * and the lowest of the kept bits has changed.
 */
function wrapBelow(x: number, f: IntFormat, kept: number, inverting: boolean): number {
  const lo = minOf(f);
  const hi = maxOf(f);
  if (x >= lo && x <= hi) return x + 0;
  const place = 2 ** (f.bits - kept);
  const digits = Math.floor(x / place);
  const low = x - digits * place;
  const base = x < 0 ? lo : hi - (place - 1);
  const changed = Math.abs(digits % 2) !== Math.abs((base / place) % 2);
  return base + (inverting && changed ? place - 1 - low : low);
}

/** Bytes that `count` codes take when packed at `bits` bits each, rounded up to whole bytes. */
export function storageBytes(count: number, bits: number): number {
  return ceilDiv(count * bits, 8);
}
