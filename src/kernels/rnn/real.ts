import { addTo, product } from "../linear/real.ts";
import { inSteps } from "../steps.ts";
import type { Matrix, Tap } from "../tensors.ts";

/** A recurrent layer without a cell (Elman 1990): h' = f(W x + U h + b). */
export interface RnnParams {
  readonly input: number;
  readonly hidden: number;
  readonly weightX: Matrix; // [hidden][input]
  readonly weightH: Matrix; // [hidden][hidden]
  readonly bias?: Float64Array; // [hidden]
  readonly activation: "tanh" | "relu";
}

/**
 * h after one input. Sites: `input.x`, `input.h` (averaged: what the matrices multiply), `product.x` (with the bias), `product.h`,
 * `gates` (their sum), `gates.tanh` where it is bent, `hidden`.
 */
function rnnCell(p: RnnParams, x: Float64Array, h: Float64Array, tap?: Tap): Float64Array {
  tap?.("input.x", x, "averaged");
  tap?.("input.h", h, "averaged");
  const fromX = product(p.weightX, x);
  if (p.bias) addTo(fromX, p.bias);
  tap?.("product.x", fromX);
  const fromH = product(p.weightH, h);
  tap?.("product.h", fromH);
  const gates = fromX.slice();
  addTo(gates, fromH);
  tap?.("gates", gates);
  if (p.activation === "tanh") tap?.("gates.tanh", gates, "lookedUp");
  const next = gates.map(p.activation === "tanh" ? Math.tanh : (sum) => Math.max(sum, 0));
  tap?.("hidden", next);
  return next;
}

/** h after every input of a sequence, from `start` or from 0. A `reverse` run reads from the end, and ends at element 0. */
export function rnnSequence(
  p: RnnParams,
  xs: readonly Float64Array[],
  reverse: boolean,
  tap?: Tap,
  start: Float64Array = new Float64Array(p.hidden),
): Float64Array[] {
  let h: Float64Array = start;
  return inSteps(xs, reverse, (x) => {
    h = rnnCell(p, x, h, tap);
    return h;
  });
}
