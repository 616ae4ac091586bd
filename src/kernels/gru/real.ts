import { CURVES } from "../../pwl/curves.ts";
import { addTo, product } from "../linear/real.ts";
import { inSteps } from "../steps.ts";
import type { Matrix, Tap } from "../tensors.ts";

/** A gated recurrent unit (Cho et al. 2014). Blocks of `hidden` rows in ONNX's order: update z, reset r, candidate n. */
export interface GruParams {
  readonly input: number;
  readonly hidden: number;
  readonly weightX: Matrix; // [3 hidden][input]
  readonly weightH: Matrix; // [3 hidden][hidden]
  readonly bias?: Float64Array; // [3 hidden], beside W x
  /** `[hidden]` beside U h of the candidate; that of the others is in `bias`. */
  readonly candidateBias?: Float64Array;
  /** Whether r gates U h, as in cuDNN and PyTorch, and not h before it is multiplied, as in the paper. */
  readonly resetAfter: boolean;
}

const sigmoid = CURVES.sigmoid.f;

/**
 * h after one input: z h + (1 - z) n. Sites: `input.x`, `input.h`, `input.n` (averaged: what the matrices multiply), `product.x`, `product.h`, `gated` (what r gates), `product.n` (U (r h), where r gates
 * h), `gates` with `gates.sigmoid` and `gates.tanh`, and `hidden`.
 */
function gruCell(p: GruParams, x: Float64Array, h: Float64Array, tap?: Tap): Float64Array {
  const n = p.hidden;
  tap?.("input.x", x, "averaged");
  tap?.("input.h", h, "averaged");
  const fromX = product(p.weightX, x);
  if (p.bias) addTo(fromX, p.bias);
  tap?.("product.x", fromX);
  const fromH = product(p.resetAfter ? p.weightH : gateRows(p), h);
  if (p.resetAfter && p.candidateBias) addTo(fromH.subarray(2 * n), p.candidateBias);
  tap?.("product.h", fromH);
  const gates = fromX.slice();
  for (let k = 0; k < 2 * n; k++) gates[k]! += fromH[k]!;
  const opened = gates.subarray(0, 2 * n).map(sigmoid);
  const [update, reset] = [opened.subarray(0, n), opened.subarray(n)];
  const gated = reset.map((r, k) => r * (p.resetAfter ? fromH[2 * n + k]! : h[k]!));
  tap?.("gated", gated);
  const added = p.resetAfter ? gated : product(candidateRows(p), gated);
  if (!p.resetAfter && p.candidateBias) addTo(added, p.candidateBias);
  if (!p.resetAfter) {
    tap?.("input.n", gated, "averaged");
    tap?.("product.n", added);
  }
  for (let k = 0; k < n; k++) gates[2 * n + k]! += added[k]!;
  tap?.("gates", gates);
  tap?.("gates.sigmoid", gates.subarray(0, 2 * n), "lookedUp");
  tap?.("gates.tanh", gates.subarray(2 * n), "lookedUp");
  const next = update.map((z, k) => z * h[k]! + (1 - z) * Math.tanh(gates[2 * n + k]!));
  tap?.("hidden", next);
  return next;
}

/** The rows of W_h that read h itself, where r gates the others' input. */
export const gateRows = (p: GruParams): Matrix => rowsOf(p, 0, 2);
export const candidateRows = (p: GruParams): Matrix => rowsOf(p, 2, 1);

const rowsOf = ({ hidden, weightH: { columns, data } }: GruParams, block: number, count: number): Matrix => ({
  rows: count * hidden,
  columns,
  data: data.subarray(block * hidden * columns, (block + count) * hidden * columns),
});

/** h after every input of a sequence, from `start` or from 0. A `reverse` run reads from the end, and ends at element 0. */
export function gruSequence(
  p: GruParams,
  xs: readonly Float64Array[],
  reverse: boolean,
  tap?: Tap,
  start: Float64Array = new Float64Array(p.hidden),
): Float64Array[] {
  let h: Float64Array = start;
  return inSteps(xs, reverse, (x) => {
    h = gruCell(p, x, h, tap);
    return h;
  });
}
