import { InputError } from "../../base/errors.ts";
import { maxOf, saturate, signed } from "../../fixed/format.ts";
import { ceilLog2, encode, type Grid, roundReal } from "../../fixed/real.ts";
import { WORD_BITS } from "../../isa/widths.ts";
import {
  affineGrid,
  bipolarGrid,
  mapRange,
  type Range,
  type Ranges,
  symmetricGrid,
} from "../../quant/grid.ts";
import { type Numerics, powersOfTwo, scaleFor, scaleForWeights } from "../../quant/numerics.ts";
import type { CurveSite } from "../../quant/tables.ts";
import { FIXED_POINT, type QCurve, quantizeCurve } from "../curve.ts";
import { type QGain, type QProduct, type QSum, quantizeProduct, quantizeSum } from "../elementwise.ts";
import { gateGrid, openGrid, Q3_12, withinGateLimit } from "../gates.ts";
import type { Weights } from "../image.ts";
import { type LinearInput, type QLinear, quantizeLinear, withMeans } from "../linear/quantize.ts";
import { type QNorm, quantizeNorm } from "../norm/quantize.ts";
import type { NormParams } from "../norm/real.ts";
import { blocksOf, gateCount, type LstmParams, outputSize, peepholeBlocks } from "./real.ts";

/** An LSTM cell in integers: docs/method.md, section 2, every arrow a tensor with a grid. */
export interface QLstm {
  readonly hiddenSize: number;
  /** The length of h: `hiddenSize`, or the rows of the projection. */
  readonly outputSize: number;
  /** W_x x and W_h h, before a norm or instead of it. */
  readonly productX: QLinear;
  readonly productH: QLinear;
  readonly normX?: QNorm;
  readonly normH?: QNorm;
  /** The two of them to the gates' sums, blocks of `hiddenSize` in the order i f g o, or f g o without i. */
  readonly sum: QSum;
  /** What the cell adds to the sums of (i), f and o, in this order. */
  readonly peepholes?: readonly QPeephole[];
  /** From a gate's sum to its pre-activation, a norm for each block; the sums are the pre-activations without. */
  readonly normGates?: readonly QNorm[];
  readonly sigmoid: QCurve;
  readonly tanh: QCurve;
  /** From the forget gate to the input gate, where that has no block of its own. */
  readonly complement?: QGain;
  /** From the forget gate to what the input gate is at most, where it has a block of its own and is capped. */
  readonly cap?: QGain;
  /** sigmoid(f) c, sigmoid(i) tanh(g): each to the cell's scale, where they are added. */
  readonly kept: QProduct;
  readonly added: QProduct;
  readonly cellSum: QSum;
  /** Codes that the new cell is kept between. */
  readonly clip?: { readonly lo: number; readonly hi: number };
  readonly normC?: QNorm;
  readonly cellTanh: QCurve;
  /** sigmoid(o) tanh(c): h, or what is projected to h. */
  readonly shown: QProduct;
  readonly projection?: QLinear;
  readonly cell: Grid;
  readonly hidden: Grid;
  /** The code that every element of h starts from, where it is not that of 0 on `hidden`. */
  readonly start?: number;
}

/** A gate's sum with the cell's part: W_x x + W_h h in words, weight times cell in words, and their sum. */
interface QPeephole {
  readonly gate: number;
  readonly weight: QGain;
  readonly sum: QSum;
}

/** What the array reads, the most often used first. */
export const matricesOf = ({ productX, productH, projection }: QLstm): Weights[] =>
  [productH, ...(projection ? [projection] : []), productX].flatMap(({ parts }) =>
    parts.map(({ weights }) => weights),
  );

/** A grid's steps in words, which hold what later additions bring back into its range. */
export const inWords = ({ scale }: Grid): Grid => ({ format: signed(WORD_BITS), scale, zero: 0 });

/**
 * @param inputs  grids of the parts that x is concatenated from, with their columns of weightX
 * @param ranges  the sites of the float cell
 * @param hidden  grid of h, so that layers can share one
 * @param read    grid of the h that W_h reads, where something was done to it since the last step
 * @throws InputError where the recipe's gate_curve has nothing for its gate_format, cell_bits or norm_bits
 */
export function quantizeLstm(
  p: LstmParams,
  inputs: readonly LinearInput[],
  ranges: Ranges,
  hidden: Grid,
  numerics: Numerics,
  read: Grid = hidden,
): QLstm {
  refuseWidths(p, numerics);
  const gates = gateGrid(ranges.of("gates"), numerics);
  const sums = p.normGates ? sumGrid(ranges, numerics) : gates;
  const constants = gateConstants(p);
  const branch = (site: "x" | "h", parts: readonly LinearInput[], biased?: Float64Array) =>
    quantizeBranch(p, site, parts, biased, sums, ranges, numerics);
  // Biases go into the last step that adds anyway: a norm's shift, or the product's bias.
  const x = branch("x", inputs, p.normGates ? undefined : constants);
  const h = branch("h", [{ weight: p.weightH, grid: read }]);
  const cell = cellGrid(ranges, numerics);
  return {
    hiddenSize: p.hidden,
    outputSize: outputSize(p),
    productX: x.linear,
    productH: h.linear,
    ...(x.norm && { normX: x.norm }),
    ...(h.norm && { normH: h.norm }),
    sum: quantizeSum(x.output, h.output, sums, numerics),
    ...(p.peepholes && { peepholes: quantizePeepholes(p, p.peepholes, sums, cell, numerics) }),
    ...(p.normGates && {
      normGates: quantizeGateNorms(p, p.normGates, sums, gates, constants, ranges, numerics),
    }),
    hidden,
    ...quantizeCell(p, ranges, gates, cell, hidden, numerics),
  };
}

/** What gemmlowp's curves ask of other widths, told by the key to change. */
function refuseWidths(p: LstmParams, { recipe }: Numerics): void {
  if (recipe.gate_curve !== "gemmlowp") return;
  const refuse = (key: string, what: string): never => {
    throw new InputError(`recipe: ${key}`, `gate_curve gemmlowp ${what}`);
  };
  const { bits } = FIXED_POINT.format;
  if (recipe.gate_format !== "q3.12") refuse("gate_format", `reads q3.12, not ${recipe.gate_format}`);
  if (recipe.cell_bits !== bits) refuse("cell_bits", `takes a cell of ${bits} bits, not ${recipe.cell_bits}`);
  if (p.normC && recipe.norm_bits !== bits)
    refuse("norm_bits", `takes a cell's norm of ${bits} bits, not ${recipe.norm_bits}`);
}

/** What a norm of the gates reads. */
function sumGrid(ranges: Ranges, numerics: Numerics): Grid {
  const { gate_format: format, product_bits: bits } = numerics.recipe;
  const powers = powersOfTwo(numerics);
  const range = ranges.of("sum");
  return format === "q3.12"
    ? symmetricGrid(range, Q3_12.format.bits, powers)
    : affineGrid(range, bits, powers);
}

/**
 * A product and its norm. Without a norm, under q3.12, it comes in the steps of the sum, so that nothing is
 * rounded twice: W_x x with the sum's width, W_h h in words.
 */
function quantizeBranch(
  p: LstmParams,
  site: "x" | "h",
  parts: readonly LinearInput[],
  biased: Float64Array | undefined,
  sums: Grid,
  ranges: Ranges,
  numerics: Numerics,
): { readonly linear: QLinear; readonly norm?: QNorm; readonly output: Grid } {
  const { recipe } = numerics;
  const powers = powersOfTwo(numerics);
  const norm = site === "x" ? p.normX : p.normH;
  // What a norm adds is not in the product, so it takes none of its codes.
  const early = norm ? undefined : biased;
  const product =
    norm || recipe.gate_format === "activation"
      ? affineGrid(widened(ranges.of(`product.${site}`), early), recipe.product_bits, powers)
      : site === "x"
        ? sums
        : inWords(sums);
  const averaged = withMeans(parts, ranges.meanOf(`input.${site}`));
  const linear = quantizeLinear(averaged, early, product, recipe.weight_bits, numerics);
  if (norm === undefined) return { linear, output: product };
  const range = widened(ranges.of(`norm.${site}`), biased);
  const output = affineGrid(range, recipe.norm_bits, powers);
  const groups = p.normScope === "gate" ? gateCount(p.coupled ?? false) : 1;
  const inner = ranges.below(`norm.${site}`);
  return { linear, norm: quantizeNorm(norm, product, inner, groups, output, numerics, biased), output };
}

function quantizePeepholes(
  { hidden, coupled = false }: LstmParams,
  peepholes: Float64Array,
  sums: Grid,
  cell: Grid,
  numerics: Numerics,
): QPeephole[] {
  const { gain_bits: gainBits } = numerics.recipe;
  const format = signed(gainBits);
  const words = inWords(sums);
  const largest = peepholes.reduce((most, w) => Math.max(most, Math.abs(w)), LEAST_WEIGHT);
  const { scale, factor } = scaleForWeights(
    (largest * cell.scale) / maxOf(format) / sums.scale,
    "vector",
    numerics,
  );
  const step = (factor * sums.scale) / cell.scale;
  return peepholeBlocks(coupled).map((gate, k) => {
    const own = peepholes.subarray(k * hidden, (k + 1) * hidden);
    const gains = Int32Array.from(own, (w) => saturate(roundReal(w / step, "half-away"), format));
    const weight = { a: cell, output: words, gains, biases: new Float64Array(hidden), gainBits, scale };
    return { gate, weight, sum: quantizeSum(words, words, sums, numerics) };
  });
}

/** A weight of this size stands for none, where all peepholes are zero. */
const LEAST_WEIGHT = 1e-9;

function quantizeGateNorms(
  { hidden, coupled = false }: LstmParams,
  norm: NormParams,
  sums: Grid,
  gates: Grid,
  constants: Float64Array,
  ranges: Ranges,
  numerics: Numerics,
): QNorm[] {
  const inner = ranges.below("norm.gates");
  return Array.from({ length: gateCount(coupled) }, (_, k) => {
    const block = (values: Float64Array) => values.subarray(k * hidden, (k + 1) * hidden);
    const own = { ...norm, gain: block(norm.gain), shift: block(norm.shift) };
    return quantizeNorm(own, sums, inner, 1, gates, numerics, block(constants));
  });
}

/** Powers of two for the curves that shift the cell to their own scale. */
function cellGrid(ranges: Ranges, numerics: Numerics): Grid {
  const { gate_curve: method, cell_bits: bits } = numerics.recipe;
  const grid = symmetricGrid(ranges.of("cell"), bits, method !== "pwl" || powersOfTwo(numerics));
  return method === "gemmlowp" ? { ...grid, scale: Math.max(grid.scale, FIXED_POINT.scale) } : grid;
}

/** Everything from the gates' pre-activations on. */
function quantizeCell(
  p: LstmParams,
  ranges: Ranges,
  gates: Grid,
  cell: Grid,
  hidden: Grid,
  numerics: Numerics,
) {
  const { recipe } = numerics;
  const powers = powersOfTwo(numerics);
  const { activation_bits: bits, gate_curve: method } = recipe;
  const curve = (site: CurveSite, name: "sigmoid" | "tanh", input: Grid, output: Grid, read: string) =>
    quantizeCurve(name, method, input, output, numerics, site, ranges.lookupsOf(read));
  const gate = openGrid(numerics);
  const bent = method === "pwl" ? bipolarGrid(bits, powers) : FIXED_POINT;
  const product = method === "gemmlowp" ? productRoundedOnce : quantizeProduct;
  const addend = method === "pwl" ? cell : inWords(cell);
  const fixedPoint = method === "gemmlowp";
  const normed =
    p.normC && symmetricGrid(withinGateLimit(ranges.of("norm.c")), recipe.norm_bits, fixedPoint || powers);
  const shown = p.projection ? affineGrid(ranges.of("shown"), bits, powers) : hidden;
  const limit = p.clip === undefined ? undefined : encode(p.clip, cell);
  return {
    sigmoid: curve("gate", "sigmoid", gates, gate, "gates.sigmoid"),
    tanh: curve("candidate", "tanh", gates, bent, "gates.tanh"),
    ...(p.coupled && { complement: complementOn(gate, numerics) }),
    ...(p.capped && !p.coupled && { cap: complementOn(gate, numerics) }),
    kept: product(gate, cell, cell, numerics),
    added: product(gate, bent, addend, numerics),
    cellSum: quantizeSum(cell, addend, cell, numerics),
    ...(limit !== undefined && { clip: { lo: -limit, hi: limit } }),
    ...(p.normC && { normC: quantizeNorm(p.normC, cell, ranges.below("norm.c"), 1, normed!, numerics) }),
    cellTanh: curve("cell", "tanh", normed ?? cell, bent, "cell.tanh"),
    shown: quantizeProduct(gate, bent, shown, numerics),
    ...(p.projection && { projection: quantizeProjection(p.projection, shown, hidden, ranges, numerics) }),
    cell,
  };
}

const quantizeProjection = (
  { weight, bias }: NonNullable<LstmParams["projection"]>,
  shown: Grid,
  hidden: Grid,
  ranges: Ranges,
  numerics: Numerics,
): QLinear => {
  const input = { weight, grid: shown, mean: ranges.meanOf("input.projection") };
  return quantizeLinear([input], bias, hidden, numerics.recipe.weight_bits, numerics);
};

/** A product on grids of powers of two, of which the output's is coarser: a shift is all that it needs. */
const productRoundedOnce = (a: Grid, b: Grid, output: Grid, numerics: Numerics): QProduct => ({
  a,
  b,
  output,
  scale: scaleFor(1, "vector", numerics),
  once: ceilLog2(output.scale / (a.scale * b.scale)),
});

/** 1 - x on a grid: 1 is the grid's nearest code. */
export function complementOn(grid: Grid, numerics: Numerics): QGain {
  const scale = scaleFor(1, "vector", numerics);
  return complement(grid, encode(1, grid), scale);
}

/** one - x in codes, as a gain of -1. */
export const complement = (grid: Grid, one: number, scale: QGain["scale"]): QGain => ({
  a: grid,
  output: grid,
  gains: Int32Array.of(-1),
  biases: Float64Array.of(one - grid.zero),
  gainBits: 8,
  scale,
});

/** Bias and forget bias of all gates. */
function gateConstants(p: LstmParams): Float64Array {
  const coupled = p.coupled ?? false;
  const constants = p.bias ? Float64Array.from(p.bias) : new Float64Array(gateCount(coupled) * p.hidden);
  const from = blocksOf(coupled).forget * p.hidden;
  for (let k = from; k < from + p.hidden; k++) constants[k]! += p.forgetBias;
  return constants;
}

/** The observed range, widened by what will be added to it. */
function widened(range: Range, biased: Float64Array | undefined): Range {
  if (biased === undefined) return range;
  const [least, most] = [Math.min(0, ...biased), Math.max(0, ...biased)];
  return mapRange(range, ({ lo, hi }) => ({ lo: lo + least, hi: hi + most }));
}
