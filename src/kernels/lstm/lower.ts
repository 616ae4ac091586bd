import { fill } from "../../isa/ops/vector.ts";
import { type Builder, rowOf, strideOf, type Tensor } from "../builder.ts";
import { lowerLookup, lowerProduct, lowerSum } from "../elementwise.ts";
import { lowerLinear } from "../linear/lower.ts";
import { lowerNorm } from "../norm/lower.ts";
import type { QLstm } from "./quantize.ts";

/** Vectors whose products are normalized at once: the unnormalized ones are wide, and need not all be kept. */
const NORM_VECTORS = 8;

/** The part of x that does not wait for h: W_x x and its norm, for all vectors of the inputs at once. */
export function lowerInput(b: Builder, q: QLstm, inputs: readonly Tensor[], count: number): Tensor {
  const rows = q.productX.rows;
  const result = b.map.tensor(q.normX?.output ?? q.productX.output, rows, count);
  const { normX } = q;
  if (normX === undefined) {
    lowerLinear(b, q.productX, inputs, result);
    return result;
  }
  for (let from = 0; from < count; from += NORM_VECTORS) {
    const some = (tensor: Tensor): Tensor => ({
      ...rowOf(tensor, from),
      count: Math.min(NORM_VECTORS, count - from),
    });
    b.scratch(() => {
      const product = b.map.tensor(q.productX.output, rows, some(result).count);
      lowerLinear(b, q.productX, inputs.map(some), product);
      lowerNorm(b, normX, product, some(result));
    });
  }
  return result;
}

/** The part of a step that needs h: from the input's share of the gates to the new c, in place, and the new h. */
export function lowerRecurrence(
  b: Builder,
  q: QLstm,
  fromX: Tensor,
  h: Tensor,
  c: Tensor,
  nextH: Tensor,
): void {
  const n = q.hiddenSize;
  b.scratch(() => {
    const fromH = b.map.tensor(q.productH.output, 4 * n);
    lowerLinear(b, q.productH, [h], fromH);
    let right = fromH;
    if (q.normH) {
      right = b.map.tensor(q.normH.output, 4 * n);
      lowerNorm(b, q.normH, fromH, right);
    }
    const gates = b.map.tensor(q.sum.output, 4 * n);
    lowerSum(b, q.sum, fromX, right, gates);
    lowerCell(b, q, gates, c, nextH);
  });
}

/** From the pre-activations [i f g o] to c, in place, and h. */
function lowerCell(b: Builder, q: QLstm, gates: Tensor, c: Tensor, nextH: Tensor): void {
  const n = q.hiddenSize;
  const block = (k: number, blocks = 1): Tensor => ({
    ...rowOf({ ...gates, length: n }, k),
    length: blocks * n,
  });
  const inputForget = b.map.tensor(q.kept.a, 2 * n);
  const [input, forget] = [0, 1].map((k) => rowOf({ ...inputForget, length: n }, k));
  const output = b.map.tensor(q.shown.a, n);
  const candidate = b.map.tensor(q.added.b, n);
  lowerLookup(b, q.sigmoid, block(0, 2), inputForget);
  lowerLookup(b, q.tanh, block(2), candidate);
  lowerLookup(b, q.sigmoid, block(3), output);
  const kept = b.map.tensor(q.cell, n);
  const added = b.map.tensor(q.cell, n);
  lowerProduct(b, q.kept, forget!, c, kept);
  lowerProduct(b, q.added, input!, candidate, added);
  lowerSum(b, q.cellSum, kept, added, c);
  let shown = c;
  if (q.normC) {
    shown = b.map.tensor(q.normC.output, n);
    lowerNorm(b, q.normC, c, shown);
  }
  const bent = b.map.tensor(q.shown.b, n);
  lowerLookup(b, q.cellTanh, shown, bent);
  lowerProduct(b, q.shown, output, bent, nextH);
}

/** Writes the code of 0. */
export function lowerZero(b: Builder, tensor: Tensor): void {
  const { format, zero } = tensor.grid;
  b.emit(fill, { dst: tensor.at, n: tensor.length * tensor.count, bits: format.bits, value: zero });
}

/**
 * A whole sequence from the zero state. `rows` holds h of every step and, before the first and behind the last, a row
 * that the caller has zeroed: it has two rows more than the inputs have vectors, rows `rowStride` bytes apart, so
 * that both directions of a bidirectional layer can write into one tensor.
 */
export function lowerSequence(
  b: Builder,
  q: QLstm,
  inputs: readonly Tensor[],
  rows: { readonly first: Tensor; readonly stride: number },
  reverse: boolean,
): void {
  const steps = inputs[0]!.count;
  b.scratch(() => {
    const fromX = lowerInput(b, q, inputs, steps);
    const c = b.map.tensor(q.cell, q.hiddenSize);
    lowerZero(b, c);
    const row = (k: number) => (rows.first.at as number) + k * rows.stride;
    const sign = reverse ? -1 : 1;
    const [x0, h0, next0] = reverse
      ? [rowOf(fromX, steps - 1).at, row(steps + 1), row(steps)]
      : [fromX.at, row(0), row(1)];
    b.loop(steps, [sign * strideOf(fromX), sign * rows.stride], (indexed) => {
      const x = { ...fromX, at: indexed(x0, 0), count: 1 };
      const h = { ...rows.first, at: indexed(h0, 1) };
      lowerRecurrence(b, q, x, h, c, { ...rows.first, at: indexed(next0, 1) });
    });
  });
}
