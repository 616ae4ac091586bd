import { type Builder, plus, rowOf, strideOf, type Tensor } from "../builder.ts";
import { lowerCurve } from "../curve.ts";
import { lowerGain, lowerProduct, lowerRescale, lowerSum, lowerZero } from "../elementwise.ts";
import { lowerLinear } from "../linear/lower.ts";
import type { QGru } from "./quantize.ts";

/** A whole sequence from 0, h of every step as a tensor. */
export function lowerGru(b: Builder, q: QGru, inputs: readonly Tensor[], reverse: boolean): Tensor {
  const steps = inputs[0]!.count;
  // Before the first h and behind the last one a row of zeros, from which either direction starts.
  const rows = b.map.tensor(q.hidden, q.hiddenSize, steps + 2);
  lowerZero(b, rowOf(rows, 0));
  lowerZero(b, rowOf(rows, steps + 1));
  lowerGruSequence(b, q, inputs, { first: rowOf(rows, 0), stride: strideOf(rows) }, reverse);
  return { ...rowOf(rows, 1), count: steps };
}

/**
 * A sequence into rows, `stride` bytes apart, of which there are two more than the inputs have vectors: the first h is in the one
 * before the first, or behind the last.
 * @param held  what is remembered before the first step, which what is behind the last takes the place of; zeros where there is none
 */
export function lowerGruSequence(
  b: Builder,
  q: QGru,
  inputs: readonly Tensor[],
  { first, stride }: { readonly first: Tensor; readonly stride: number },
  reverse: boolean,
  held?: Tensor,
): void {
  const steps = inputs[0]!.count;
  b.scratch(() => {
    const fromX = lowerGruInput(b, q, inputs);
    const state = held ?? b.map.tensor(q.state, q.hiddenSize);
    if (held === undefined) b.label("start", () => lowerZero(b, state));
    const sign = reverse ? -1 : 1;
    const row = (k: number): Tensor => ({ ...first, at: plus(first.at, k * stride) });
    const [x0, h0, next0] = reverse
      ? [rowOf(fromX, steps - 1), row(steps + 1), row(steps)]
      : [rowOf(fromX, 0), row(0), row(1)];
    b.loop(steps, [sign * strideOf(fromX), sign * stride], (indexed) => {
      const at = (from: Tensor, by: number): Tensor => ({ ...from, at: indexed(from.at, by) });
      lowerGruStep(b, q, at(x0, 0), at(h0, 1), state, at(next0, 1));
    });
  });
}

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
