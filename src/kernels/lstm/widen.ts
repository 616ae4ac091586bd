import { widenCurve } from "../curve.ts";
import { widenGain, widenProduct, widenSum } from "../elementwise.ts";
import { type Floats, named } from "../floats.ts";
import { widenLinear } from "../linear/widen.ts";
import type { QNorm } from "../norm/quantize.ts";
import { widenNorm } from "../norm/widen.ts";
import type { QLstm } from "./quantize.ts";

/** The cell in floats. */
export function widenLstm(q: QLstm, floats: Floats): QLstm {
  const norm = (one: QNorm | undefined) => one && widenNorm(one, floats);
  return named<QLstm>({
    hiddenSize: q.hiddenSize,
    outputSize: q.outputSize,
    productX: widenLinear(q.productX, floats),
    productH: widenLinear(q.productH, floats),
    normX: norm(q.normX),
    normH: norm(q.normH),
    sum: widenSum(q.sum, floats),
    peepholes: q.peepholes?.map(({ gate, weight, sum }) => ({
      gate,
      weight: widenGain(weight, floats),
      sum: widenSum(sum, floats),
    })),
    normGates: q.normGates?.map((one) => widenNorm(one, floats)),
    sigmoid: widenCurve(q.sigmoid, floats),
    tanh: widenCurve(q.tanh, floats),
    complement: q.complement && widenGain(q.complement, floats),
    cap: q.cap && widenGain(q.cap, floats),
    kept: widenProduct(q.kept, floats),
    added: widenProduct(q.added, floats),
    cellSum: widenSum(q.cellSum, floats),
    clip: q.clip && { lo: 0, hi: 0 },
    normC: norm(q.normC),
    cellTanh: widenCurve(q.cellTanh, floats),
    shown: widenProduct(q.shown, floats),
    projection: q.projection && widenLinear(q.projection, floats),
    cell: floats.grid(q.cell),
    hidden: floats.grid(q.hidden),
    start: q.start === undefined ? undefined : 0,
  });
}
