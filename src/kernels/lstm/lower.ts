import { floorDiv } from "../../fixed/round.ts";
import { clamp } from "../../isa/ops/convert.ts";
import { REGISTERS_PER_LOOP } from "../../isa/program.ts";
import { type Address, type Builder, rowOf, strideOf, type Tensor } from "../builder.ts";
import { lowerCurve } from "../curve.ts";
import {
  lowerFill,
  lowerGain,
  lowerMinimum,
  lowerProduct,
  lowerSum,
  lowerZero,
  type QGain,
} from "../elementwise.ts";
import { lowerLinear } from "../linear/lower.ts";
import { lowerNorm } from "../norm/lower.ts";
import type { QLstm } from "./quantize.ts";
import { blocksOf } from "./real.ts";

/** Vectors whose products are normalized at once, unless the mapping says: the unnormalized are wide, and need not all be kept. */
const NORM_VECTORS = 8;

/** The part of x that does not wait for h: W_x x and its norm, for all vectors of the inputs at once. */
export const lowerInput = (b: Builder, q: QLstm, inputs: readonly Tensor[], count: number): Tensor =>
  b.label("x", () => lowerProjection(b, q, inputs, count));

function lowerProjection(b: Builder, q: QLstm, inputs: readonly Tensor[], count: number): Tensor {
  const rows = q.productX.rows;
  const result = b.map.tensor(q.normX?.output ?? q.productX.output, rows, count);
  const { normX } = q;
  if (normX === undefined) {
    lowerLinear(b, q.productX, inputs, result);
    b.show("product.x", result);
    return result;
  }
  const vectors = cutOfInput(b, q).vectors ?? NORM_VECTORS;
  for (let from = 0; from < count; from += vectors) {
    const some = (tensor: Tensor): Tensor => ({
      ...rowOf(tensor, from),
      count: Math.min(vectors, count - from),
    });
    b.scratch(() => {
      const product = b.map.tensor(q.productX.output, rows, some(result).count);
      lowerLinear(b, q.productX, inputs.map(some), product);
      b.show("product.x", product);
      lowerNorm(b, normX, product, some(result));
      b.show("norm.x", some(result));
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
  const { rows } = q.productH;
  b.scratch(() => {
    const fromH = b.label("h", () => lowerHidden(b, q, h));
    b.label("cell", () => {
      const sums = b.map.tensor(q.sum.output, rows);
      if (q.peepholes === undefined) {
        lowerSum(b, q.sum, fromX, fromH, sums);
        b.show(q.normGates ? "sum" : "gates", sums);
      }
      lowerCell(b, q, gatesOf(b, q, fromX, fromH, sums, c), c, nextH);
    });
  });
}

/** W_h h and its norm. */
function lowerHidden(b: Builder, q: QLstm, h: Tensor): Tensor {
  const product = b.map.tensor(q.productH.output, q.productH.rows);
  lowerLinear(b, q.productH, [h], product);
  b.show("product.h", product);
  if (q.normH === undefined) return product;
  const normed = b.map.tensor(q.normH.output, q.productH.rows);
  lowerNorm(b, q.normH, product, normed);
  b.show("norm.h", normed);
  return normed;
}

/** `count` blocks of a tensor of all gates, from block k on. */
const blocksAt = (q: QLstm, tensor: Tensor, k: number, count = 1): Tensor => ({
  ...rowOf({ ...tensor, length: q.hiddenSize }, k),
  length: count * q.hiddenSize,
});

type Gates = (k: number, count?: number) => Tensor;

/**
 * The pre-activations of `count` gates from gate k on. What needs the cell is computed when asked for, with the cell
 * that there is then; everything else is in `sums`.
 */
function gatesOf(b: Builder, q: QLstm, fromX: Tensor, fromH: Tensor, sums: Tensor, c: Tensor): Gates {
  const { normGates, peepholes } = q;
  if (normGates === undefined && peepholes === undefined) return (k, count) => blocksAt(q, sums, k, count);
  const normed = normGates && b.map.tensor(normGates[0]!.output, q.productH.rows);
  return (from, count = 1) => {
    for (let k = from; k < from + count; k++) {
      const sum = blocksAt(q, sums, k);
      if (peepholes) lowerPeephole(b, q, k, blocksAt(q, fromX, k), blocksAt(q, fromH, k), c, sum);
      if (normed) lowerNorm(b, normGates![k]!, sum, blocksAt(q, normed, k));
    }
    return blocksAt(q, normed ?? sums, from, count);
  };
}

/** A gate's block of the sum, with its peephole if it has one. */
function lowerPeephole(
  b: Builder,
  q: QLstm,
  gate: number,
  fromX: Tensor,
  fromH: Tensor,
  c: Tensor,
  sum: Tensor,
): void {
  const peephole = q.peepholes!.find((one) => one.gate === gate);
  if (peephole === undefined) {
    lowerSum(b, q.sum, fromX, fromH, sum);
    return;
  }
  b.scratch(() => {
    const words = peephole.weight.output;
    const products = b.map.tensor(words, q.hiddenSize);
    const seen = b.map.tensor(words, q.hiddenSize);
    lowerSum(b, { ...q.sum, output: words }, fromX, fromH, products);
    lowerGain(b, peephole.weight, c, seen);
    lowerSum(b, peephole.sum, products, seen, sum);
  });
}

/** From the pre-activations to c, in place, and h. */
function lowerCell(b: Builder, q: QLstm, gates: Gates, c: Tensor, nextH: Tensor): void {
  const n = q.hiddenSize;
  const blocks = blocksOf(q.complement !== undefined);
  const inputForget = b.map.tensor(q.kept.a, 2 * n);
  const [input, forget] = [0, 1].map((k) => rowOf({ ...inputForget, length: n }, k));
  const output = b.map.tensor(q.shown.a, n);
  const candidate = b.map.tensor(q.added.b, n);
  if (q.complement) {
    lowerCurve(b, q.sigmoid, gates(blocks.forget), forget!);
    lowerGain(b, q.complement, forget!, input!);
  } else lowerCurve(b, q.sigmoid, gates(blocks.input!, 2), inputForget);
  if (q.cap) lowerCap(b, q.cap, forget!, input!);
  lowerCurve(b, q.tanh, gates(blocks.candidate), candidate);
  const openOutput = () => lowerCurve(b, q.sigmoid, gates(blocks.output), output);
  // An output gate with a peephole waits for the new cell.
  if (q.peepholes === undefined) openOutput();
  const kept = b.map.tensor(q.kept.output, n);
  const added = b.map.tensor(q.added.output, n);
  lowerProduct(b, q.kept, forget!, c, kept);
  lowerProduct(b, q.added, input!, candidate, added);
  lowerSum(b, q.cellSum, kept, added, c);
  if (q.clip) b.emit(clamp, { dst: c.at, a: c.at, n, bits: q.cell.format.bits, ...q.clip });
  b.show("cell", c);
  if (q.peepholes) openOutput();
  let normed = c;
  if (q.normC) {
    normed = b.map.tensor(q.normC.output, n);
    lowerNorm(b, q.normC, c, normed);
    b.show("norm.c", normed);
  }
  const bent = b.map.tensor(q.shown.b, n);
  lowerCurve(b, q.cellTanh, normed, bent);
  const shown = q.projection ? b.map.tensor(q.shown.output, n) : nextH;
  lowerProduct(b, q.shown, output, bent, shown);
  if (q.projection) {
    b.show("shown", shown);
    lowerLinear(b, q.projection, [shown], nextH);
  }
  b.show("hidden", nextH);
}

/** The input gate, in place, at most what the forget gate leaves. */
const lowerCap = (b: Builder, cap: QGain, forget: Tensor, input: Tensor): void =>
  b.scratch(() => {
    const left = b.map.tensor(cap.output, input.length);
    lowerGain(b, cap, forget, left);
    lowerMinimum(b, input, left, input);
  });

/** Writes the h before the first step. */
const lowerStart = (b: Builder, q: QLstm, h: Tensor): void => lowerFill(b, h, q.start ?? q.hidden.zero);

/**
 * A whole sequence from the zero cell. `rows` holds h of every step and, before the first and behind the last, a row
 * that the caller has filled with the first h: it has two rows more than the inputs have vectors, rows `stride` bytes
 * apart, so that both directions of a bidirectional layer can write into one tensor.
 *
 * @param held  the cell before the first step, which the one behind the last takes the place of; zeros where there is none
 */
export function lowerSequence(
  b: Builder,
  q: QLstm,
  inputs: readonly Tensor[],
  rows: Rows,
  reverse: boolean,
  held?: Tensor,
): void {
  const steps = inputs[0]!.count;
  const atOnce = Math.min(steps, cutOfInput(b, q).steps ?? steps);
  // An address takes one index register: what moves already cannot move by chunks too.
  const isChunked = atOnce < steps && inputs.length < REGISTERS_PER_LOOP && inputs.every(isFixed);
  b.scratch(() => {
    if (isChunked) lowerChunks(b, q, inputs, rows, reverse, held, atOnce);
    else lowerAllSteps(b, q, inputs, rows, reverse, held);
  });
}

interface Rows {
  readonly first: Tensor;
  readonly stride: number;
}

const isFixed = ({ at }: Tensor): boolean => typeof at === "number";

/** How W_x is cut. */
const cutOfInput = (b: Builder, { productX }: QLstm) => b.weights.cutOf(productX.parts[0]!.weights);

/** A cell that holds nothing yet. */
function lowerNothing(b: Builder, q: QLstm): Tensor {
  const c = b.map.tensor(q.cell, q.hiddenSize);
  b.label("start", () => lowerZero(b, c));
  return c;
}

/** The input's products of all steps, then a loop over the steps. */
function lowerAllSteps(
  b: Builder,
  q: QLstm,
  inputs: readonly Tensor[],
  rows: Rows,
  reverse: boolean,
  held: Tensor | undefined,
): void {
  const steps = inputs[0]!.count;
  const fromX = lowerInput(b, q, inputs, steps);
  const c = held ?? lowerNothing(b, q);
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
}

/**
 * A loop over chunks of steps: the input's products of a chunk, then its steps, written out since h would need the
 * registers of two loops. What is left at the end is a chunk of its own.
 */
function lowerChunks(
  b: Builder,
  q: QLstm,
  inputs: readonly Tensor[],
  rows: Rows,
  reverse: boolean,
  held: Tensor | undefined,
  atOnce: number,
): void {
  const steps = inputs[0]!.count;
  const sign = reverse ? -1 : 1;
  const c = held ?? lowerNothing(b, q);
  /** `count` steps, `done` of them behind; `moved` puts an address under a register of the loop. */
  const chunk = (done: number, count: number, moved: (at: Address, stride: number) => Address): void =>
    b.scratch(() => {
      const first = reverse ? steps - done - count : done;
      const some = inputs.map((input, i): Tensor => {
        const start = rowOf(input, first);
        return { ...start, at: moved(start.at, i), count };
      });
      const fromX = lowerInput(b, q, some, count);
      const row = (k: number): Tensor => ({
        ...rows.first,
        at: moved((rows.first.at as number) + k * rows.stride, inputs.length),
      });
      for (let i = 0; i < count; i++) {
        const t = reverse ? first + count - 1 - i : first + i;
        const [h, next] = reverse ? [row(t + 2), row(t + 1)] : [row(t), row(t + 1)];
        lowerRecurrence(b, q, rowOf(fromX, t - first), h, c, next);
      }
    });
  const chunks = floorDiv(steps, atOnce);
  const strides = [...inputs.map((input) => sign * atOnce * strideOf(input)), sign * atOnce * rows.stride];
  b.loop(chunks, strides, (indexed) => chunk(0, atOnce, indexed));
  if (chunks * atOnce < steps) chunk(chunks * atOnce, steps - chunks * atOnce, (at) => at);
}

/** A whole sequence from the start, h of every step as a tensor. */
export function lowerLstm(b: Builder, q: QLstm, inputs: readonly Tensor[], reverse: boolean): Tensor {
  const steps = inputs[0]!.count;
  const rows = b.map.tensor(q.hidden, q.outputSize, steps + 2);
  lowerStart(b, q, rowOf(rows, 0));
  lowerStart(b, q, rowOf(rows, steps + 1));
  lowerSequence(b, q, inputs, { first: rowOf(rows, 0), stride: strideOf(rows) }, reverse);
  return { ...rowOf(rows, 1), count: steps };
}
