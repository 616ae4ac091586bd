import { normalize, normalizeAny } from "../fixed/isqrt.ts";
import type { Rounding } from "../fixed/round.ts";
import { lookup, type PwlTable } from "./table.ts";

/** The curves evaluated on a mantissa, and the fraction bits of that mantissa: its code 2^pointBits is 1. */
export const MANTISSAS = {
  rsqrt: { pointBits: 14 },
  reciprocal: { pointBits: 15 },
} as const;
export type MantissaCurve = keyof typeof MANTISSAS;

/** Fraction bits of a table's result. */
const RESULT_BITS = 15;

/** The number mantissa / 2^exponent: as a factor, a multiplier and a right shift. */
export interface Scaled {
  /** 2^14 … 2^15, give or take the error of the table. */
  readonly mantissa: number;
  /** >= 0. */
  readonly exponent: number;
}

/**
 * 1 / sqrt(x), about mantissa / 2^exponent.
 *
 * With x = m · 2^e, e even, m in [2^14, 2^16): 1 / sqrt(x) = (r / 2^15) · 2^-7 · 2^(-e/2) for r = 2^15 / sqrt(m / 2^14).
 * Bits of x below those of m are dropped, which makes the result at most 2^-15 of itself too large.
 *
 * @param table  of `buildMantissaTable("rsqrt", …)`
 * @param x      safe integer >= 1
 */
export function rsqrtOf(table: PwlTable, x: number, rounding: Rounding): Scaled {
  const { mantissa, exponent } = normalize(x);
  const scale = RESULT_BITS + MANTISSAS.rsqrt.pointBits / 2 + exponent / 2;
  return { mantissa: lookup(table, mantissa, rounding), exponent: scale };
}

/**
 * 1 / x, about mantissa / 2^exponent.
 *
 * With x = m · 2^e, m in [2^15, 2^16): 1 / x = (r / 2^15) · 2^-15 · 2^-e for r = 2^15 / (m / 2^15).
 * Bits of x below those of m are dropped, which makes the result at most 2^-15 of itself too large.
 *
 * @param table  of `buildMantissaTable("reciprocal", …)`
 * @param x      safe integer >= 1
 */
export function reciprocalOf(table: PwlTable, x: number, rounding: Rounding): Scaled {
  const { mantissa, exponent } = normalizeAny(x);
  const scale = RESULT_BITS + MANTISSAS.reciprocal.pointBits + exponent;
  return { mantissa: lookup(table, mantissa, rounding), exponent: scale };
}
