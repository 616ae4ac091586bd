import { maxOf } from "../../fixed/format.ts";
import { clamp } from "../../isa/ops/convert.ts";
import type { Builder, Tensor } from "../builder.ts";
import { lowerCurve } from "../curve.ts";
import { lowerRescale, lowerSum } from "../elementwise.ts";
import { lowerLinear } from "../linear/lower.ts";
import { lowerFromZero, lowerSteps, type StateRows } from "../steps.ts";
import type { QRnn } from "./quantize.ts";

/** A whole sequence from 0, h of every step as a tensor. */
export const lowerRnn = (b: Builder, q: QRnn, inputs: readonly Tensor[], reverse: boolean): Tensor =>
  lowerFromZero(b, { grid: q.hidden, length: q.hiddenSize }, inputs[0]!.count, (rows) =>
    lowerRnnSequence(b, q, inputs, rows, reverse),
  );

/** A sequence into rows that hold its first h. */
export const lowerRnnSequence = (
  b: Builder,
  q: QRnn,
  inputs: readonly Tensor[],
  rows: StateRows,
  reverse: boolean,
): void =>
  lowerSteps(b, rows, reverse, () => ({
    fromX: lowerRnnInput(b, q, inputs),
    step: (fromX, h, next) => lowerRnnStep(b, q, fromX, h, next),
  }));

/** W x and the bias, of every step. */
export function lowerRnnInput(b: Builder, q: QRnn, inputs: readonly Tensor[]): Tensor {
  const fromX = b.map.tensor(q.productX.output, q.hiddenSize, inputs[0]!.count);
  b.label("x", () => lowerLinear(b, q.productX, inputs, fromX));
  b.show("product.x", fromX);
  return fromX;
}

/** One step, from W x of it and h to the next h. */
export function lowerRnnStep(b: Builder, q: QRnn, fromX: Tensor, h: Tensor, next: Tensor): void {
  b.scratch(() => {
    const n = q.hiddenSize;
    const fromH = b.map.tensor(q.productH.output, n);
    const sums = b.map.tensor(q.sum.output, n);
    b.label("h", () => lowerLinear(b, q.productH, [h], fromH));
    b.show("product.h", fromH);
    b.label("cell", () => {
      lowerSum(b, q.sum, fromX, fromH, sums);
      b.show("gates", sums);
      const bent = q.shown ? b.map.tensor(q.shown.a, n) : next;
      if (q.tanh) lowerCurve(b, q.tanh, sums, bent);
      else lowerPositive(b, sums, bent);
      if (q.shown) lowerRescale(b, q.shown, bent, next);
      b.show("hidden", next);
    });
  });
}

/** Nothing below 0, on one grid. */
function lowerPositive(b: Builder, sums: Tensor, positive: Tensor): void {
  const { format, zero } = sums.grid;
  b.emit(clamp, {
    ...{ dst: positive.at, a: sums.at, n: sums.length, bits: format.bits },
    ...{ lo: zero, hi: maxOf(format) },
  });
}
