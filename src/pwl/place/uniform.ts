import { divide } from "../../fixed/round.ts";

/**
 * Equally spaced knots: knot j of P stands at j · (N - 1) / P, rounded to the nearest input, ties up.
 * The values are not looked at.
 */
export function placeUniformly(values: Float64Array, pieces: number): Int32Array {
  const last = values.length - 1;
  return Int32Array.from({ length: pieces + 1 }, (_, j) => divide(j * last, pieces, "half-up"));
}
