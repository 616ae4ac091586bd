import type { Builder, Tensor } from "../builder.ts";
import { lowerLookup, lowerSum } from "../elementwise.ts";
import { lowerLaneProduct } from "../lane-product.ts";
import { lowerLinear } from "../linear/lower.ts";
import { lowerSoftmax } from "../softmax/lower.ts";
import type { QAttention } from "./quantize.ts";

/** The keys of all memory entries: one matrix-matrix product. */
export const lowerKeys = (b: Builder, q: QAttention, memory: Tensor, keys: Tensor): void =>
  lowerLinear(b, q.key, [memory], keys);

/** The context of one query; `keys` and `memory` have a vector for each entry. */
export function lowerAttend(
  b: Builder,
  q: QAttention,
  hidden: Tensor,
  keys: Tensor,
  memory: Tensor,
  context: Tensor,
): void {
  const entries = memory.count;
  b.scratch(() => {
    const query = b.map.tensor(q.query.output, keys.length);
    const sums = b.map.tensor(q.sum.output, keys.length, entries);
    const bent = b.map.tensor(q.bent, keys.length, entries);
    const scores = b.map.tensor(q.score.output, 1, entries);
    const alpha = b.map.tensor(q.softmax.output, entries);
    b.label("query", () => lowerLinear(b, q.query, [hidden], query));
    b.show("query", query);
    b.label("scores", () => {
      lowerSum(b, q.sum, keys, query, sums);
      b.show("sum", sums);
      lowerLookup(b, q.tanh, sums, bent);
      b.show("tanh", bent);
      lowerLinear(b, q.score, [bent], scores);
    });
    b.show("score", scores);
    b.label("softmax", () => lowerSoftmax(b, q.softmax, { ...scores, length: entries, count: 1 }, alpha));
    b.show("softmax.output", alpha);
    b.label("context", () => lowerLaneProduct(b, q.context, memory, alpha, context));
    b.show("context", context);
  });
}
