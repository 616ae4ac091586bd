import { ceilDiv } from "./round.ts";

/**
 * A range of integer codes, two's complement when signed. `bits` is 2 … 48 and counts the sign bit.
 * Widths are swept at run time, so a format is a value and never a type parameter.
 */
export interface IntFormat {
  readonly bits: number;
  readonly signed: boolean;
}

/** What becomes of a value outside its format: the nearest end, or its low bits. */
export type Overflow = "saturate" | "wrap";

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

/** Brings a safe integer into the format the way its hardware does. */
export function fit(x: number, f: IntFormat, overflow: Overflow): number {
  return overflow === "saturate" ? saturate(x, f) : wrap(x, f);
}

/** Bytes that `count` codes take when packed at `bits` bits each, rounded up to whole bytes. */
export function storageBytes(count: number, bits: number): number {
  return ceilDiv(count * bits, 8);
}
