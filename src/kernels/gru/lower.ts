import { type Builder, rowOf, type Tensor } from "../builder.ts";
import { lowerCurve } from "../curve.ts";
import { lowerGain, lowerProduct, lowerRescale, lowerSum, lowerZero } from "../elementwise.ts";
import { lowerLinear } from "../linear/lower.ts";
import { lowerFromZero, lowerSteps, type StateRows } from "../steps.ts";
import type { QGru } from "./quantize.ts";

/** A whole sequence from 0, h of every step as a tensor. */
export const lowerGru = (b: Builder, q: QGru, inputs: readonly Tensor[], reverse: boolean): Tensor =>
  lowerFromZero(b, { grid: q.hidden, length: q.hiddenSize }, inputs[0]!.count, (rows) =>
    lowerGruSequence(b, q, inputs, rows, reverse),
  );

/**
 * A sequence into rows that hold its first h.
 * @param held  what is remembered before the first step, which what is behind the last takes the place of; zeros where there is none
 */
export const lowerGruSequence = (
  b: Builder,
  q: QGru,
  inputs: readonly Tensor[],
  rows: StateRows,
  reverse: boolean,
  held?: Tensor,
): void =>
  lowerSteps(b, rows, reverse, () => {
    const fromX = lowerGruInput(b, q, inputs);
    const state = held ?? b.map.tensor(q.state, q.hiddenSize);
    if (held === undefined) b.label("start", () => lowerZero(b, state));
    return { fromX, step: (x, h, next) => lowerGruStep(b, q, x, h, state, next) };
  });

/** W x of every step. */
export function lowerGruInput(b: Builder, q: QGru, inputs: readonly Tensor[]): Tensor {
  const fromX = b.map.tensor(q.productX.output, q.productX.rows, inputs[0]!.count);
  b.label("x", () => lowerLinear(b, q.productX, inputs, fromX));
  return fromX;
}

/** One step, from W x of it and h: the state in place, and the next h. */
export function lowerGruStep(
  b: Builder,
  q: QGru,
  fromX: Tensor,
  h: Tensor,
  state: Tensor,
  next: Tensor,
): void {
  b.scratch(() => {
    const n = q.hiddenSize;
    const blocks = (tensor: Tensor, k: number, count: number): Tensor => ({
      ...rowOf({ ...tensor, length: n }, k),
      length: count * n,
    });
    const fromH = b.map.tensor(q.productH.output, q.productH.rows);
    b.label("h", () => lowerLinear(b, q.productH, [h], fromH));
    b.label("cell", () => {
      const opened = b.map.tensor(q.gated.a, 2 * n);
      const sums = b.map.tensor(q.sum.output, 2 * n);
      lowerSum(b, q.sum, blocks(fromX, 0, 2), blocks(fromH, 0, 2), sums);
      lowerCurve(b, q.sigmoid, sums, opened);
      const gated = b.map.tensor(q.gated.output, n);
      lowerProduct(b, q.gated, blocks(opened, 1, 1), q.productN ? h : blocks(fromH, 2, 1), gated);
      const added = q.productN ? b.map.tensor(q.productN.output, n) : gated;
      if (q.productN) lowerLinear(b, q.productN, [gated], added);
      const sum = b.map.tensor(q.candidateSum.output, n);
      lowerSum(b, q.candidateSum, blocks(fromX, 2, 1), added, sum);
      const candidate = b.map.tensor(q.added.b, n);
      lowerCurve(b, q.tanh, sum, candidate);
      lowerState(b, q, blocks(opened, 0, 1), candidate, state);
      lowerRescale(b, q.shown, state, next);
    });
  });
}

/** z times the state and 1 - z times the candidate, in the state's place. */
function lowerState(b: Builder, q: QGru, update: Tensor, candidate: Tensor, state: Tensor): void {
  const tensor = () => b.map.tensor(q.state, q.hiddenSize);
  const [kept, fresh] = [tensor(), tensor()];
  const left = b.map.tensor(q.complement.output, q.hiddenSize);
  lowerProduct(b, q.kept, update, state, kept);
  lowerGain(b, q.complement, update, left);
  lowerProduct(b, q.added, left, candidate, fresh);
  lowerSum(b, q.stateSum, kept, fresh, state);
}
