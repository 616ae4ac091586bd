import { maxOf, minOf, signed } from "../../fixed/format.ts";
import type { Grid } from "../../fixed/real.ts";
import type { Scale } from "../../fixed/requant.ts";
import { quantizedMultiplier, reducedMultiplier } from "../../fixed/scale.ts";
import { FIXED_POINT, mirroredSteps, type QCurve } from "../curve.ts";
import type { QProduct, QSum } from "../elementwise.ts";
import type { QLinear } from "../linear/quantize.ts";
import type { QNorm } from "../norm/quantize.ts";
import { newtonNormOf } from "../norm/reference.ts";
import { complement, inWords, type QLstm } from "./quantize.ts";

/**
 * Cells from the integers that the references state. Weights have 8 bits and their zero point is 0; what a code
 * stands for is the reference's business, so scales of grids are 1 but the cell's and the gates', which are powers of
 * two.
 */

/** A factor as the references state it: multiplier / 2^31 * 2^shift. */
export interface Multiplier {
  readonly multiplier: number;
  readonly shift: number;
}

/** A gate's own integers. */
export interface GateParameters {
  readonly weightX: ArrayLike<number>; // [hidden][input]
  readonly weightH: ArrayLike<number>; // [hidden][outputs]
  /** In LSBs of the product with x; with a norm in its LSBs of gain times 2^-10. */
  readonly bias: ArrayLike<number>; // [hidden]
  /** From the two products to the gate's sum. */
  readonly scaleX: Multiplier;
  readonly scaleH: Multiplier;
  readonly norm?: GateNorm;
}

/** TensorFlow Lite's layer norm of a gate. */
interface GateNorm {
  readonly gains: ArrayLike<number>; // [hidden], 16 bits
  /** The layer norm's own; its last step adds 12 to the shift. */
  readonly scale: Multiplier;
  /** Real value of a gain's LSB. */
  readonly gainScale: number;
}

interface CellParameters {
  readonly input: number;
  readonly hidden: number;
  readonly gates: {
    readonly forget: GateParameters;
    readonly candidate: GateParameters;
    readonly output: GateParameters;
  };
  /** The code of x that stands for 0. */
  readonly inputZero: number;
  /** A cell's LSB is 2^cellExponent. */
  readonly cellExponent: number;
  /** The new cell is kept within ± clip, a code; 0: within its 16 bits. */
  readonly clip: number;
}

/** TensorFlow Lite's full kernel of 8-bit weights and activations and 16-bit cells. */
export interface TfliteLstmParameters extends CellParameters {
  /** Without `input` the input gate is what the forget gate leaves. All gates have a norm, or none. */
  readonly gates: CellParameters["gates"] & { readonly input?: GateParameters };
  /** The code of h that stands for 0, from which it also starts. */
  readonly outputZero: number;
  /** The zero point of sigmoid(o) tanh(c): the kernel subtracts it. */
  readonly hiddenZero: number;
  readonly hiddenScale: Multiplier;
  readonly projection?: {
    readonly weight: ArrayLike<number>; // [outputs][hidden]
    readonly bias: ArrayLike<number>; // [outputs]
    readonly scale: Multiplier;
  };
}

/** CMSIS-NN's and TensorFlow Lite Micro's cell, of 8-bit or 16-bit activations. */
export interface CmsisLstmParameters extends CellParameters {
  readonly gates: CellParameters["gates"] & { readonly input: GateParameters };
  /** Width of x and h. */
  readonly bits: 8 | 16;
  readonly outputZero: number;
  /** From sigmoid(f) c and from sigmoid(i) tanh(g) to the cell's LSB. */
  readonly forgetScale: Multiplier;
  readonly inputScale: Multiplier;
  /** From sigmoid(o) tanh(c) to h. */
  readonly hiddenScale: Multiplier;
}

const WEIGHT_BITS = 8;
const INTEGER_BITS = 3;
const SUMS: Grid = { format: signed(16), scale: 1, zero: 0 };
const GATES: Grid = { ...SUMS, scale: 2 ** -12 };

/** The multiplier of 31 bits that is 1. */
const UNIT: Scale = { multiplier: 2 ** 30, shift: 30 };

const pair = ({ multiplier, shift }: Multiplier): Scale => quantizedMultiplier(multiplier, shift);
const codes = (bits: number, zero: number): Grid => ({ format: signed(bits), scale: 1, zero });
const unitSum = (a: Grid, b: Grid, output: Grid): QSum => ({ a, b, output, aScale: UNIT, bScale: UNIT });

/** Bit-exact on a machine with accumulators of 32 bits, multipliers of 31 and rounding tflite-double. */
export function tfliteLstmOf(p: TfliteLstmParameters): QLstm {
  const { input: own, forget, candidate, output } = p.gates;
  const gates = [...(own ? [own] : []), forget, candidate, output];
  const cell: Grid = { ...SUMS, scale: 2 ** p.cellExponent };
  // The hidden zero point enters with a minus sign, and the projection takes it off as it is.
  const shown = codes(WEIGHT_BITS, 0 - p.hiddenZero);
  const hidden = p.projection ? codes(WEIGHT_BITS, p.outputZero) : shown;
  const normed = forget.norm !== undefined;
  const curve = (odd: boolean, integerBits: number): QCurve => ({ kind: "gemmlowp", odd, integerBits });
  const once = (a: Grid, b: Grid, to: Grid, shift: number): QProduct => ({
    ...{ a, b, output: to, scale: UNIT },
    once: shift,
  });
  return {
    ...products(p, gates, codes(WEIGHT_BITS, p.outputZero), WEIGHT_BITS, pair, !normed),
    ...(normed && { normGates: gates.map((gate) => gateNorm(gate.norm!, gate.bias)) }),
    ...{ sigmoid: curve(false, INTEGER_BITS), tanh: curve(true, INTEGER_BITS) },
    ...(own === undefined && {
      complement: complement(FIXED_POINT, maxOf(FIXED_POINT.format), UNIT),
    }),
    kept: once(FIXED_POINT, cell, cell, FRACTION_BITS),
    added: once(FIXED_POINT, FIXED_POINT, inWords(cell), 2 * FRACTION_BITS + p.cellExponent),
    ...cellOf(p, cell),
    cellTanh: curve(true, FRACTION_BITS + p.cellExponent),
    shown: { a: FIXED_POINT, b: FIXED_POINT, output: shown, scale: pair(p.hiddenScale) },
    ...(p.projection && {
      projection: linear({
        rows: p.projection.bias.length,
        weights: p.projection.weight,
        bias: p.projection.bias,
        scales: [pair(p.projection.scale)],
        from: shown,
        to: hidden,
      }),
    }),
    hidden,
    start: p.outputZero,
  };
}

/**
 * Bit-exact on a machine that multiplies by 31 bits and rounds tflite-double in its vector unit. Its requantizer does
 * the same for 8 bits, with accumulators of 32; for 16 bits it multiplies by 16 bits, rounds half up and has the widest
 * accumulators there are.
 */
export function cmsisLstmOf(p: CmsisLstmParameters): QLstm {
  const { input, forget, candidate, output } = p.gates;
  const cell: Grid = { ...SUMS, scale: 2 ** p.cellExponent };
  const hidden = codes(p.bits, p.outputZero);
  const scaleOf =
    p.bits === 8 ? pair : ({ multiplier, shift }: Multiplier) => reducedMultiplier(multiplier, shift);
  const curve = (odd: boolean, scale: number): QCurve => ({
    ...{ kind: "mirrored", odd },
    ...mirroredSteps(scale),
  });
  return {
    ...products(p, [input, forget, candidate, output], hidden, p.bits, scaleOf, true),
    ...{ sigmoid: curve(false, GATES.scale), tanh: curve(true, GATES.scale) },
    kept: { a: FIXED_POINT, b: cell, output: cell, scale: pair(p.forgetScale) },
    added: { a: FIXED_POINT, b: FIXED_POINT, output: inWords(cell), scale: pair(p.inputScale) },
    ...cellOf(p, cell),
    cellTanh: curve(true, cell.scale),
    shown: { a: FIXED_POINT, b: FIXED_POINT, output: hidden, scale: pair(p.hiddenScale) },
    hidden,
  };
}

/** Fraction bits of Q0.15. */
const FRACTION_BITS = 15;

/** Both products of all gates and their sum: that of x in 16 bits, that of h in words. */
function products(
  p: CellParameters,
  gates: readonly GateParameters[],
  hidden: Grid,
  bits: number,
  scaleOf: (factor: Multiplier) => Scale,
  biased: boolean,
) {
  const rows = gates.length * p.hidden;
  const each = (of: (gate: GateParameters) => ArrayLike<number>) =>
    gates.flatMap((gate) => Array.from(of(gate)));
  const scales = (of: (gate: GateParameters) => Multiplier) =>
    gates.flatMap((gate) => new Array<Scale>(p.hidden).fill(scaleOf(of(gate))));
  const none = new Float64Array(rows);
  const weightH = each((gate) => gate.weightH);
  return {
    hiddenSize: p.hidden,
    outputSize: weightH.length / rows,
    productX: linear({
      rows,
      weights: each((gate) => gate.weightX),
      bias: biased ? each((gate) => gate.bias) : none,
      scales: scales((gate) => gate.scaleX),
      from: codes(bits, p.inputZero),
      to: SUMS,
    }),
    productH: linear({
      ...{ rows, weights: weightH, bias: none },
      scales: scales((gate) => gate.scaleH),
      from: hidden,
      to: inWords(SUMS),
    }),
    sum: unitSum(SUMS, inWords(SUMS), SUMS),
  };
}

interface LinearCodes {
  readonly rows: number;
  readonly weights: ArrayLike<number>; // [rows][columns]
  readonly bias: ArrayLike<number>; // [rows]
  readonly scales: readonly Scale[];
  readonly from: Grid;
  readonly to: Grid;
}

/** A layer of given codes: what the input's zero point adds is folded into the bias. */
function linear({ rows, weights, bias, scales, from, to }: LinearCodes): QLinear {
  const columns = weights.length / rows;
  const own = Int32Array.from(weights);
  const sum = (row: number) => own.subarray(row * columns, (row + 1) * columns).reduce((a, b) => a + b, 0);
  return {
    rows,
    parts: [{ weights: { rows, columns, bits: WEIGHT_BITS, codes: own }, input: from }],
    bias: Float64Array.from({ length: rows }, (_, row) => bias[row]! - from.zero * sum(row)),
    scales,
    output: to,
  };
}

const gateNorm = ({ gains, scale, gainScale }: GateNorm, biases: ArrayLike<number>): QNorm =>
  newtonNormOf({ groups: 1, gains: Int32Array.from(gains), biases, ...scale, gainScale });

const cellOf = ({ clip }: CellParameters, cell: Grid) => ({
  cellSum: unitSum(cell, inWords(cell), cell),
  ...(clip > 0 && {
    clip: { lo: Math.max(-clip, minOf(cell.format)), hi: Math.min(clip, maxOf(cell.format)) },
  }),
  cell,
});
