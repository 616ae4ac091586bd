import { widenCurve } from "../curve.ts";
import { widenRescale, widenSum } from "../elementwise.ts";
import type { Floats } from "../floats.ts";
import { widenLinear } from "../linear/widen.ts";
import type { QRnn } from "./quantize.ts";

/** The layer in floats. */
export const widenRnn = (q: QRnn, floats: Floats): QRnn => ({
  hiddenSize: q.hiddenSize,
  productX: widenLinear(q.productX, floats),
  productH: widenLinear(q.productH, floats),
  sum: widenSum(q.sum, floats),
  ...(q.tanh && { tanh: widenCurve(q.tanh, floats) }),
  ...(q.shown && { shown: widenRescale(q.shown, floats) }),
  hidden: floats.grid(q.hidden),
});
