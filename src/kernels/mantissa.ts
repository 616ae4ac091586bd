import type { Settings } from "../arch/fields.ts";
import { scalingOf } from "../arch/scaling.ts";
import type { Mantissa } from "../fixed/newton.ts";
import { requantize } from "../fixed/requant.ts";

/** The largest shift of a row: of a product of two words nothing is left behind it. */
const MAX_SHIFT = 63;

/**
 * x times the factor of a row, mantissa / 2^exponent, with `point` fraction bits, rounded as the vector unit scales:
 * the instruction `rowscale`. float32 has no mantissas of 32 bits, so there the product is exact and rounded to even.
 */
export function scaleByMantissa(
  x: number,
  { mantissa, exponent }: Mantissa,
  point: number,
  arch: Settings,
): number {
  const { rounding } = scalingOf("vector", arch);
  const shift = Math.min(Math.max(exponent - point, 0), MAX_SHIFT);
  return requantize(x, { multiplier: mantissa, shift }, rounding === "float32" ? "half-even" : rounding);
}
