import type { Tap } from "../tensors.ts";

/**
 * exp(x_i) / sum_j exp(x_j), [n] to [n]: each in [0, 1], together 1. The maximum is subtracted first, so that no
 * exponential overflows; -Infinity marks a masked element and gets weight 0. Sites: `below` (x less the maximum).
 *
 * @throws RangeError for no elements, or none that is finite
 */
export function softmax(x: Float64Array, tap?: Tap): Float64Array {
  let max = -Infinity;
  for (const value of x) max = Math.max(max, value);
  if (!Number.isFinite(max)) throw new RangeError("softmax needs a finite maximum");
  const y = x.map((value) => value - max);
  tap?.("below", y, "lookedUp");
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    y[i] = Math.exp(y[i]!);
    sum += y[i]!;
  }
  for (let i = 0; i < x.length; i++) y[i]! /= sum;
  return y;
}
