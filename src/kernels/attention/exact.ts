import type { Settings } from "../../arch/fields.ts";
import { exactLookup, exactSum } from "../elementwise.ts";
import { exactLaneProduct } from "../lane-product.ts";
import { exactLinear } from "../linear/exact.ts";
import { exactSoftmax } from "../softmax/exact.ts";
import type { QAttention } from "./quantize.ts";

/** The key of one memory entry. */
export const exactKey = (q: QAttention, entry: Int32Array, arch: Settings): Int32Array =>
  exactLinear(q.key, [entry], arch);

/** The context that a hidden state finds in the memory. */
export function exactAttend(
  q: QAttention,
  hidden: Int32Array,
  keys: readonly Int32Array[],
  memory: readonly Int32Array[],
  arch: Settings,
): Int32Array {
  const query = exactLinear(q.query, [hidden], arch);
  const scores = keys.map((key) => {
    const bent = exactLookup(q.tanh, exactSum(q.sum, key, query, 1, arch), arch);
    return exactLinear(q.score, [bent], arch)[0]!;
  });
  const alpha = exactSoftmax(q.softmax, Int32Array.from(scores), arch);
  return exactLaneProduct(q.context, memory, alpha, arch);
}
