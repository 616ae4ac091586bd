import { widenSum } from "../elementwise.ts";
import type { Floats } from "../floats.ts";
import { widenLaneProduct } from "../lane-product.ts";
import { widenLinear } from "../linear/widen.ts";
import { widenSoftmax } from "../softmax/widen.ts";
import type { QAttention } from "./quantize.ts";

/** The attention in floats. */
export const widenAttention = (q: QAttention, floats: Floats): QAttention => ({
  key: widenLinear(q.key, floats),
  query: widenLinear(q.query, floats),
  sum: widenSum(q.sum, floats),
  tanh: floats.table(q.tanh),
  bent: floats.grid(q.bent),
  score: widenLinear(q.score, floats),
  softmax: widenSoftmax(q.softmax, floats),
  context: widenLaneProduct(q.context, floats),
});
