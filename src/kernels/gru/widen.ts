import { widenCurve } from "../curve.ts";
import { widenGain, widenProduct, widenRescale, widenSum } from "../elementwise.ts";
import type { Floats } from "../floats.ts";
import { widenLinear } from "../linear/widen.ts";
import type { QGru } from "./quantize.ts";

/** The unit in floats. */
export const widenGru = (q: QGru, floats: Floats): QGru => ({
  hiddenSize: q.hiddenSize,
  productX: widenLinear(q.productX, floats),
  productH: widenLinear(q.productH, floats),
  sum: widenSum(q.sum, floats),
  sigmoid: widenCurve(q.sigmoid, floats),
  gated: widenProduct(q.gated, floats),
  ...(q.productN && { productN: widenLinear(q.productN, floats) }),
  candidateSum: widenSum(q.candidateSum, floats),
  tanh: widenCurve(q.tanh, floats),
  complement: widenGain(q.complement, floats),
  kept: widenProduct(q.kept, floats),
  added: widenProduct(q.added, floats),
  stateSum: widenSum(q.stateSum, floats),
  shown: widenRescale(q.shown, floats),
  state: floats.grid(q.state),
  hidden: floats.grid(q.hidden),
});
