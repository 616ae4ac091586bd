import { addTo, type LinearParams, linear, product } from "../linear/real.ts";
import { softmax } from "../softmax/real.ts";
import { expectLength, type Matrix, prefixed, type Tap } from "../tensors.ts";

/** Additive attention over a memory, docs/method.md, section 5: K_t = Wk m_t + bk, e_t = v . tanh(K_t + Wq q). */
export interface AttentionParams {
  readonly key: LinearParams; // [attention][memory]
  readonly query: Matrix; // [attention][hidden]
  readonly v: Float64Array; // [attention]
}

/** What one query finds: a weight per memory entry, summing to 1, and the entries' weighted sum. */
export interface Attended {
  readonly weights: Float64Array; // [entries], each in [0, 1]
  readonly context: Float64Array; // [memory]
}

/** The key of one memory entry, [memory] to [attention]; it does not depend on the query, so it is made once. */
export const keys = (p: AttentionParams, entry: Float64Array): Float64Array => linear(p.key, entry);

/**
 * Attends with query `q`, [hidden], to `memory`, whose keys are given in the same order. Sites: `query` (Wq q),
 * and for each entry `sum` (its key plus the query) and `tanh`; then `score` (all entries), the softmax's under
 * `softmax`, and `context`.
 *
 * @throws RangeError for an empty memory, or where lengths do not fit
 */
export function attend(
  p: AttentionParams,
  q: Float64Array,
  keys: readonly Float64Array[],
  memory: readonly Float64Array[],
  tap?: Tap,
): Attended {
  expectLength("a memory's list of keys", keys, memory.length);
  const query = product(p.query, q);
  tap?.("query", query);
  const scores = Float64Array.from(keys, (key) => score(p, query, key, tap));
  tap?.("score", scores);
  const weights = softmax(scores, prefixed(tap, "softmax"));
  const context = new Float64Array(memory[0]!.length);
  for (const [t, entry] of memory.entries()) {
    expectLength("a memory entry", entry, context.length);
    for (let i = 0; i < context.length; i++) context[i]! += weights[t]! * entry[i]!;
  }
  tap?.("context", context);
  return { weights, context };
}

function score(p: AttentionParams, query: Float64Array, key: Float64Array, tap?: Tap): number {
  const sum = Float64Array.from(query);
  addTo(sum, key);
  tap?.("sum", sum, "lookedUp");
  const bent = sum.map(Math.tanh);
  tap?.("tanh", bent);
  expectLength("the vector v", p.v, bent.length);
  let total = 0;
  for (let i = 0; i < bent.length; i++) total += p.v[i]! * bent[i]!;
  return total;
}
