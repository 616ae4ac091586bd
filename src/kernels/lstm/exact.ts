import type { Settings } from "../../arch/fields.ts";
import { exactLookup, exactProduct, exactSum } from "../elementwise.ts";
import { exactLinear } from "../linear/exact.ts";
import { exactNorm } from "../norm/exact.ts";
import type { QLstm } from "./quantize.ts";

export interface CodeState {
  readonly h: Int32Array;
  readonly c: Int32Array;
}

/** One step of the cell; `inputs` are the parts that x is concatenated from. */
export function exactLstmCell(
  q: QLstm,
  inputs: readonly Int32Array[],
  state: CodeState,
  arch: Settings,
): CodeState {
  const n = q.hiddenSize;
  const fromX = exactLinear(q.productX, inputs, arch);
  const fromH = exactLinear(q.productH, [state.h], arch);
  const left = q.normX ? exactNorm(q.normX, fromX, arch) : fromX;
  const right = q.normH ? exactNorm(q.normH, fromH, arch) : fromH;
  const gates = exactSum(q.sum, left, right, 1, arch);
  const gate = (k: number) => gates.subarray(k * n, (k + 1) * n);
  const [i, f, o] = [0, 1, 3].map((k) => exactLookup(q.sigmoid, gate(k), arch));
  const g = exactLookup(q.tanh, gate(2), arch);
  const kept = exactProduct(q.kept, f!, state.c, arch);
  const c = exactSum(q.cellSum, kept, exactProduct(q.added, i!, g, arch), 1, arch);
  const normed = q.normC ? exactNorm(q.normC, c, arch) : c;
  return { c, h: exactProduct(q.shown, o!, exactLookup(q.cellTanh, normed, arch), arch) };
}
