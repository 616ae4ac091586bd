import type { Settings } from "../../arch/fields.ts";
import type { Codes } from "../define.ts";
import { exactLaneProduct } from "../lane-product.ts";
import { exactSoftmax } from "../softmax/exact.ts";
import type { QDotAttention } from "./quantize.ts";

/** The context of each query. */
export function exactDotAttention(
  q: QDotAttention,
  queries: Codes,
  keys: Codes,
  values: Codes,
  arch: Settings,
): Int32Array[] {
  const turned = Array.from(keys[0]!, (_, i) => Int32Array.from(keys, (key) => key[i]!));
  return queries.map((query) => {
    const scores = exactLaneProduct(q.score, turned, query, arch);
    return exactLaneProduct(q.context, values, exactSoftmax(q.softmax, scores, arch), arch);
  });
}
