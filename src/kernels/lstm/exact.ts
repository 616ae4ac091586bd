import type { Settings } from "../../arch/fields.ts";
import { exactCurve } from "../curve.ts";
import { exactGain, exactMinimum, exactProduct, exactSum, zeros } from "../elementwise.ts";
import { exactLinear } from "../linear/exact.ts";
import { exactNorm } from "../norm/exact.ts";
import { inSteps } from "../steps.ts";
import type { QLstm } from "./quantize.ts";
import { blocksOf } from "./real.ts";

export interface CodeState {
  readonly h: Int32Array;
  readonly c: Int32Array;
}

/** The state before the first input. */
const exactStart = (q: QLstm): CodeState => ({
  h: new Int32Array(q.outputSize).fill(q.start ?? q.hidden.zero),
  c: zeros(q.hiddenSize, q.cell),
});

/** h after every step of a sequence from the start; element t of the result belongs to element t of the inputs. */
export function exactLstm(
  q: QLstm,
  inputs: readonly (readonly Int32Array[])[],
  reverse: boolean,
  arch: Settings,
): Int32Array[] {
  const steps = inputs[0]!.map((_, t) => inputs.map((part) => part[t]!));
  let state = exactStart(q);
  return inSteps(steps, reverse, (x) => {
    state = exactLstmCell(q, x, state, arch);
    return state.h;
  });
}

/** One step of the cell; `inputs` are the parts that x is concatenated from. */
export function exactLstmCell(
  q: QLstm,
  inputs: readonly Int32Array[],
  state: CodeState,
  arch: Settings,
): CodeState {
  const fromX = exactLinear(q.productX, inputs, arch);
  const fromH = exactLinear(q.productH, [state.h], arch);
  const left = q.normX ? exactNorm(q.normX, fromX, arch) : fromX;
  const right = q.normH ? exactNorm(q.normH, fromH, arch) : fromH;
  /** A gate's pre-activation, where it sees this cell. */
  const gate = (k: number, c: Int32Array): Int32Array => {
    const block = (x: Int32Array) => x.subarray(k * q.hiddenSize, (k + 1) * q.hiddenSize);
    const sum = exactGateSum(q, k, block(left), block(right), c, arch);
    return q.normGates ? exactNorm(q.normGates[k]!, sum, arch) : sum;
  };
  const blocks = blocksOf(q.complement !== undefined);
  const sigmoid = (k: number, c: Int32Array) => exactCurve(q.sigmoid, gate(k, c), arch);
  const forget = sigmoid(blocks.forget, state.c);
  const own = q.complement ? exactGain(q.complement, forget, arch) : sigmoid(blocks.input!, state.c);
  const input = q.cap ? exactMinimum(own, exactGain(q.cap, forget, arch)) : own;
  const candidate = exactCurve(q.tanh, gate(blocks.candidate, state.c), arch);
  const kept = exactProduct(q.kept, forget, state.c, arch);
  const c = exactClip(q, exactSum(q.cellSum, kept, exactProduct(q.added, input, candidate, arch), 1, arch));
  const normed = q.normC ? exactNorm(q.normC, c, arch) : c;
  const bent = exactCurve(q.cellTanh, normed, arch);
  const shown = exactProduct(q.shown, sigmoid(blocks.output, c), bent, arch);
  return { c, h: q.projection ? exactLinear(q.projection, [shown], arch) : shown };
}

/** A gate's block of the sum, with its peephole if it has one. */
function exactGateSum(
  q: QLstm,
  gate: number,
  left: Int32Array,
  right: Int32Array,
  c: Int32Array,
  arch: Settings,
): Int32Array {
  const peephole = q.peepholes?.find((one) => one.gate === gate);
  if (peephole === undefined) return exactSum(q.sum, left, right, 1, arch);
  const seen = exactGain(peephole.weight, c, arch);
  const products = exactSum({ ...q.sum, output: peephole.weight.output }, left, right, 1, arch);
  return exactSum(peephole.sum, products, seen, 1, arch);
}

const exactClip = ({ clip }: QLstm, c: Int32Array): Int32Array =>
  clip ? c.map((code) => Math.min(Math.max(code, clip.lo), clip.hi)) : c;
