import type { Grid } from "../fixed/real.ts";
import { type Builder, plus, rowOf, strideOf, type Tensor } from "./builder.ts";
import { lowerZero } from "./elementwise.ts";

/** Sequences of steps, each of which reads the h that the one before left. */

/** What `step` makes of every element, in the order of reading: a `reverse` run begins at the end. */
export function inSteps<X, H>(xs: readonly X[], reverse: boolean, step: (x: X) => H): H[] {
  const hs = (reverse ? xs.toReversed() : xs).map(step);
  return reverse ? hs.reverse() : hs;
}

/**
 * Where h of every step lies: rows `stride` bytes apart, so that both directions of a layer can write into one tensor. There are two
 * more than steps, the first of them `first`: the h before the first step is in that, or in the last where the sequence is read from
 * the end.
 */
export interface StateRows {
  readonly first: Tensor;
  readonly stride: number;
}

/** A sequence from 0, h of every step as a tensor; `write` fills its rows. */
export function lowerFromZero(
  b: Builder,
  hidden: { readonly grid: Grid; readonly length: number },
  steps: number,
  write: (rows: StateRows) => void,
): Tensor {
  const rows = b.map.tensor(hidden.grid, hidden.length, steps + 2);
  lowerZero(b, rowOf(rows, 0));
  lowerZero(b, rowOf(rows, steps + 1));
  write({ first: rowOf(rows, 0), stride: strideOf(rows) });
  return { ...rowOf(rows, 1), count: steps };
}

/** What a sequence has before its first step: the input's share of every step, and what one step is. */
interface Prepared {
  readonly fromX: Tensor;
  step(fromX: Tensor, h: Tensor, next: Tensor): void;
}

/** A hardware loop over a whole sequence. */
export const lowerSteps = (
  b: Builder,
  { first, stride }: StateRows,
  reverse: boolean,
  prepare: () => Prepared,
): void =>
  b.scratch(() => {
    const { fromX, step } = prepare();
    const steps = fromX.count;
    const sign = reverse ? -1 : 1;
    const row = (k: number): Tensor => ({ ...first, at: plus(first.at, k * stride) });
    const [x0, h0, next0] = reverse
      ? [rowOf(fromX, steps - 1), row(steps + 1), row(steps)]
      : [rowOf(fromX, 0), row(0), row(1)];
    b.loop(steps, [sign * strideOf(fromX), sign * stride], (indexed) => {
      const at = (from: Tensor, by: number): Tensor => ({ ...from, at: indexed(from.at, by) });
      step(at(x0, 0), at(h0, 1), at(next0, 1));
    });
  });
