import { InputError } from "../../base/errors.ts";
import { maxOf, saturate, signed } from "../../fixed/format.ts";
import { type Grid, roundReal } from "../../fixed/real.ts";
import type { Scale } from "../../fixed/requant.ts";
import { factorOf } from "../../fixed/scale.ts";
import { biasBits } from "../../isa/tables.ts";
import { type Numerics, scaleFor, scaleForWeights } from "../../quant/numerics.ts";
import type { Weights } from "../image.ts";
import type { Matrix } from "../tensors.ts";

/** An integer affine layer over one input, or over several that are concatenated and have grids of their own. */
export interface QLinear {
  readonly rows: number;
  readonly parts: readonly { readonly weights: Weights; readonly input: Grid }[];
  /** `[rows]` in accumulator LSBs, two bits below the width of a bias field; the inputs' zero points are folded in. */
  readonly bias: Float64Array;
  /** A scale for each row, or one for all. */
  readonly scales: readonly Scale[];
  readonly output: Grid;
}

/** One input of a layer: its columns of the weight, and how its codes are to be read. */
export interface LinearInput {
  readonly weight: Matrix;
  readonly grid: Grid;
  /** Of each of its columns' inputs, where calibration has averaged them. */
  readonly mean?: Float64Array | undefined;
}

/** Inputs with their columns' share of the means of all. */
export function withMeans(inputs: readonly LinearInput[], mean: Float64Array | undefined): LinearInput[] {
  let from = 0;
  return inputs.map((input) => {
    const to = from + input.weight.columns;
    const own = mean?.subarray(from, to);
    from = to;
    return { ...input, mean: own };
  });
}

/** Head room of a bias: it is kept two bits below its width, so that a sum with it has room too. */
const BIAS_ROOM = 2;
/** Real value of an accumulator LSB where all weights of a row are zero. */
const LEAST_STEP = 2 ** -40;

/**
 * Weights become symmetric codes, docs/method.md, section 1. The real value P of an accumulator LSB is chosen first:
 * the smallest that lets every weight fit and, where the recipe's `fold_scale` says so, that the requantizer can bring to the
 * output's scale exactly. A weight of an input with scale S then has scale P / S, so that concatenated inputs share one
 * accumulator; folded, no error of the requantizer's scale is left. Where the recipe's `bias_correction` says so and the means of
 * the inputs are known, the bias takes up what the codes add to the mean result.
 */
export function quantizeLinear(
  inputs: readonly LinearInput[],
  bias: ArrayLike<number> | undefined,
  output: Grid,
  weightBits: number,
  numerics: Numerics,
): QLinear {
  const rows = inputs[0]!.weight.rows;
  const largest = maxOf(signed(weightBits));
  const biasLimit = biasLimitOf(numerics.arch);
  const needs = Array.from({ length: rows }, (_, r) => {
    const steps = inputs.map(({ weight, grid }) => (largestOf(weight, r) * grid.scale) / largest);
    // Half of the limit is the bias's own, the other half what the zero points add to it.
    return Math.max(...steps, Math.abs(bias?.[r] ?? 0) / (biasLimit / 2), LEAST_STEP);
  });
  const perChannel = numerics.recipe.weight_scale === "per-channel";
  const chosen = (perChannel ? needs : [Math.max(...needs)]).map((need) =>
    scaleForWeights(need / output.scale, "requant", numerics),
  );
  const step = (row: number) => chosen[perChannel ? row : 0]!.factor * output.scale;
  const parts = inputs.map(({ weight, grid }) => ({
    weights: encodeRows(weight, weightBits, (r) => step(r) / grid.scale),
    input: grid,
  }));
  const means = inputs.map(({ mean }) => mean);
  const isCorrected = numerics.recipe.bias_correction === "yes" && means.every((mean) => mean !== undefined);
  const own = (r: number) => {
    const { scale, factor } = chosen[perChannel ? r : 0]!;
    const row = { row: r, bias: (bias?.[r] ?? 0) / step(r), step: step(r), gain: factorOf(scale) / factor };
    return row.bias - (isCorrected ? meanExcess(inputs, parts, row) : 0);
  };
  const folded = foldedBias(parts, own, numerics);
  return { rows, parts, bias: folded, scales: chosen.map(({ scale }) => scale), output };
}

/**
 * The layer of weights that are codes of `weightBits` bits already, with a scale for each row: they stay as they are, so that sums of
 * products do too. The requantizer's scale is then the nearest there is, and its error is not folded into them.
 *
 * @param inputs   with codes for weights; all inputs' grids have one scale
 * @param bias     real values
 * @param scales   the real value of each row's LSB
 */
export function keepCodes(
  inputs: readonly LinearInput[],
  bias: ArrayLike<number>,
  scales: ArrayLike<number>,
  output: Grid,
  weightBits: number,
  numerics: Numerics,
): QLinear {
  const { rows } = inputs[0]!.weight;
  const { scale } = inputs[0]!.grid;
  if (inputs.some(({ grid }) => grid.scale !== scale))
    throw new RangeError("inputs on several scales have no codes of one scale for weights");
  const step = (row: number) => scales[row]! * scale;
  const parts = inputs.map(({ weight, grid }) => ({
    weights: { rows, columns: weight.columns, bits: weightBits, codes: Int32Array.from(weight.data) },
    input: grid,
  }));
  return {
    ...{ rows, parts, output },
    bias: foldedBias(parts, (r) => bias[r]! / step(r), numerics),
    scales: Array.from({ length: rows }, (_, r) => scaleFor(step(r) / output.scale, "requant", numerics)),
  };
}

/**
 * Biases in accumulator LSBs with the inputs' zero points folded in.
 * @param own  a row's bias in LSBs, before it is rounded
 */
function foldedBias(parts: QLinear["parts"], own: (row: number) => number, { arch }: Numerics): Float64Array {
  const { rows, bits } = parts[0]!.weights;
  const folded = Float64Array.from({ length: rows }, (_, r) =>
    parts.reduce(
      (sum, { weights, input }) => sum - input.zero * rowSum(weights, r),
      roundReal(own(r), "half-away"),
    ),
  );
  const largest = folded.reduce((most, b) => Math.max(most, Math.abs(b)), 0);
  if (largest >= biasLimitOf(arch)) {
    throw new InputError(
      `a layer of ${bits}-bit weights`,
      `with its inputs' zero points folded in, a bias of ${largest} leaves no room in ${biasBits(arch)} bits`,
    );
  }
  return folded;
}

const biasLimitOf = (arch: Numerics["arch"]): number => 2 ** (biasBits(arch) - BIAS_ROOM);

/**
 * What the codes of a row give on average beyond what its weights do, in accumulator LSBs of the real value `step`; requantizing
 * multiplies them, and the bias, by `gain`, which is 1 where the remainder of the scale is folded (Nagel et al. 2019, arXiv
 * 1906.04721, section 4.2, with means that were observed).
 */
function meanExcess(
  inputs: readonly LinearInput[],
  parts: readonly { readonly weights: Weights }[],
  { row, bias, step, gain }: Readonly<Record<"row" | "bias" | "step" | "gain", number>>,
): number {
  let [wanted, given] = [bias, bias];
  for (const [i, { weight, grid, mean }] of inputs.entries()) {
    const { columns, codes } = parts[i]!.weights;
    for (let c = 0; c < columns; c++) {
      wanted += (weight.data[row * columns + c]! * mean![c]!) / step;
      given += (codes[row * columns + c]! * mean![c]!) / grid.scale;
    }
  }
  return given - wanted / gain;
}

/** What the codes of the weights stand for once they are requantized: the columns of all inputs, side by side. */
export function realWeights({ rows, parts, scales, output }: QLinear): Matrix {
  const columns = parts.reduce((sum, { weights }) => sum + weights.columns, 0);
  const data = new Float32Array(rows * columns);
  let from = 0;
  for (const { weights, input } of parts) {
    for (let r = 0; r < rows; r++) {
      const scale = (factorOf(scales[scales.length === 1 ? 0 : r]!) * output.scale) / input.scale;
      for (let c = 0; c < weights.columns; c++)
        data[r * columns + from + c] = scale * weights.codes[r * weights.columns + c]!;
    }
    from += weights.columns;
  }
  return { rows, columns, data };
}

/** Columns [from, to) of a matrix. */
export function columnsOf({ rows, columns, data }: Matrix, from: number, to: number): Matrix {
  const part = new Float64Array(rows * (to - from));
  for (let r = 0; r < rows; r++)
    part.set(data.subarray(r * columns + from, r * columns + to), r * (to - from));
  return { rows, columns: to - from, data: part };
}

function encodeRows(
  { rows, columns, data }: Matrix,
  bits: number,
  scaleOf: (row: number) => number,
): Weights {
  const limit = maxOf(signed(bits));
  const codes = new Int32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const scale = scaleOf(r);
    for (let c = r * columns; c < (r + 1) * columns; c++) {
      // Symmetric: the code -2^(bits-1) is not used.
      codes[c] = Math.max(-limit, saturate(roundReal(data[c]! / scale, "half-away"), signed(bits)));
    }
  }
  return { rows, columns, bits, codes };
}

function largestOf({ columns, data }: Matrix, row: number): number {
  let largest = 0;
  for (let c = row * columns; c < (row + 1) * columns; c++) largest = Math.max(largest, Math.abs(data[c]!));
  return largest;
}

function rowSum({ columns, codes }: Weights, row: number): number {
  let sum = 0;
  for (let c = row * columns; c < (row + 1) * columns; c++) sum += codes[c]!;
  return sum;
}
