import type { Floats } from "../floats.ts";
import { widenLaneProduct } from "../lane-product.ts";
import { widenSoftmax } from "../softmax/widen.ts";
import type { QDotAttention } from "./quantize.ts";

/** The attention in floats. */
export const widenDotAttention = (q: QDotAttention, floats: Floats): QDotAttention => ({
  score: widenLaneProduct(q.score, floats),
  softmax: widenSoftmax(q.softmax, floats),
  context: widenLaneProduct(q.context, floats),
});
