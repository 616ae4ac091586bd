import type { Reals } from "../define.ts";
import { softmax } from "../softmax/real.ts";
import { expectLength, prefixed, type Tap } from "../tensors.ts";

/** Scaled dot-product attention of one head (Vaswani et al. 2017), docs/method.md, section 5. */
export interface DotAttentionParams {
  /** What products of queries and keys are multiplied by, above 0. */
  readonly scale: number;
}

/** The paper's scale of queries and keys of so many elements: their products then vary as they do. */
export const usualScale = (inner: number): number => 1 / Math.sqrt(inner);

/**
 * softmax(scale Q K') V: queries [m][k], keys [n][k] and values [n][v] to contexts [m][v]. Sites, for each query: `score` (all
 * keys), the softmax's under `softmax`, `softmax.output`, and `context`.
 *
 * @throws RangeError for no keys, or where lengths do not fit
 */
export function attendByDots(
  { scale }: DotAttentionParams,
  queries: Reals,
  keys: Reals,
  values: Reals,
  tap?: Tap,
): Float64Array[] {
  expectLength("a head's list of values", values, keys.length);
  return queries.map((query) => {
    const scores = Float64Array.from(keys, (key) => scale * dot(query, key));
    tap?.("score", scores);
    const weights = softmax(scores, prefixed(tap, "softmax"));
    tap?.("softmax.output", weights);
    const context = new Float64Array(values[0]!.length);
    for (const [t, value] of values.entries()) {
      expectLength("a value", value, context.length);
      for (let i = 0; i < context.length; i++) context[i]! += weights[t]! * value[i]!;
    }
    tap?.("context", context);
    return context;
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  expectLength("a key", b, a.length);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
