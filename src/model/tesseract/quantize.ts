import { encode, type Grid } from "../../fixed/real.ts";
import { matricesOf, type QConv, quantizeConv } from "../../kernels/conv/quantize.ts";
import { gateGrid } from "../../kernels/gates.ts";
import { keepCodes, type QLinear, quantizeLinear } from "../../kernels/linear/quantize.ts";
import { type QLstm, quantizeLstm } from "../../kernels/lstm/quantize.ts";
import type { PoolShape } from "../../kernels/pool/shape.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { CURVES } from "../../pwl/curves.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { bipolarGrid, type Ranges } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import { tableFor } from "../../quant/tables.ts";
import type { Line } from "../lines/lines.ts";
import { logitGrid } from "../logits.ts";
import { type CodedCell, type CodedLayer, STEPS } from "./network.ts";
import { codesOf } from "./pixels.ts";
import { CLIP } from "./real.ts";
import type { TesseractParams } from "./weights.ts";

/** The model in integers. */
export interface QTesseract {
  /** Of the pixels that a host brings. */
  readonly image: Grid;
  /** To the sums that the pool leaves the largest of. */
  readonly conv: QConv;
  readonly pool: PoolShape;
  /** Their tanh: the largest of a window's has the largest sum. */
  readonly bend: { readonly table: PwlTable; readonly grid: Grid };
  readonly column: QLstm;
  readonly passes: readonly QPass[];
  /** To the logits. */
  readonly output: QLinear;
  readonly alphabet: readonly number[];
}

export interface QPass {
  readonly q: QLstm;
  readonly reverse: boolean;
}

/** Pixels keep the file's width, whatever other activations have. */
const PIXEL_BITS = 8;
/** Width of the file's codes. */
const FILE_BITS = 8;

/**
 * Every layer but the last has `weight_bits`, the last `output_weight_bits`; what flows between layers is in ± 1 and has `activation_bits`.
 * At 8 bits with a scale for each row, on a requantizer with a multiplier, the file's codes are the weights.
 */
export function quantizeTesseract(p: TesseractParams, ranges: Ranges, numerics: Numerics): QTesseract {
  const { recipe } = numerics;
  const powers = powersOfTwo(numerics);
  const image = bipolarGrid(PIXEL_BITS, powers);
  const hidden = bipolarGrid(recipe.activation_bits, powers);
  const sums = gateGrid(ranges.of("conv"), numerics);
  const cellOf = (cell: CodedCell, site: string) => quantizeCell(cell, ranges.below(site), hidden, numerics);
  return {
    image,
    conv: quantizeTaps(p, image, sums, ranges, numerics),
    pool: p.pool,
    bend: {
      table: tableFor("activation", CURVES.tanh, sums, hidden, numerics, ranges.lookupsOf("conv")),
      grid: hidden,
    },
    column: cellOf(p.column, "column"),
    passes: p.passes.map(({ cell, reverse }, i) => ({ q: cellOf(cell, `pass.${i}`), reverse })),
    output: quantizeLogits(p.output, hidden, ranges, numerics),
    alphabet: p.alphabet,
  };
}

/** Whether weights stay the codes that the file has. */
const staysCoded = (bits: number, { recipe, arch }: Numerics): boolean =>
  bits === FILE_BITS && recipe.weight_scale === "per-channel" && arch["requant.kind"] === "multiplier";

type Scaled = Pick<CodedLayer, "biases" | "scales">;

/** What codes on these scales stand for. */
function realWeight({ rows, columns, data }: Matrix, { scales }: Scaled): Matrix {
  const values = Float64Array.from(data);
  for (let r = 0; r < rows; r++)
    for (let c = r * columns; c < (r + 1) * columns; c++) values[c]! *= scales[r]!;
  return { rows, columns, data: values };
}

const realBias = ({ biases, scales }: Scaled): Float64Array =>
  biases.map((bias, r) => (bias * scales[r]!) / STEPS);

function quantizeTaps(
  { convShape: shape, conv }: TesseractParams,
  image: Grid,
  sums: Grid,
  ranges: Ranges,
  numerics: Numerics,
): QConv {
  const { weight_bits: bits } = numerics.recipe;
  const bias = realBias(conv);
  if (!staysCoded(bits, numerics)) {
    const real = { shape, weight: realWeight(conv.weight, conv), bias };
    return quantizeConv(real, image, sums, bits, numerics, ranges.meanOf("conv.input"));
  }
  const taps = matricesOf(shape, conv.weight).map((weight) => ({ weight, grid: image }));
  return { shape, layer: keepCodes(taps, bias, conv.scales, sums, bits, numerics) };
}

function quantizeLogits(p: CodedLayer, hidden: Grid, ranges: Ranges, numerics: Numerics): QLinear {
  const { output_weight_bits: bits } = numerics.recipe;
  const [bias, logits] = [realBias(p), logitGrid(ranges, numerics)];
  if (staysCoded(bits, numerics))
    return keepCodes([{ weight: p.weight, grid: hidden }], bias, p.scales, logits, bits, numerics);
  const input = { weight: realWeight(p.weight, p), grid: hidden, mean: ranges.meanOf("logits.input") };
  return quantizeLinear([input], bias, logits, bits, numerics);
}

/** Inputs of a cell are on the grid of its h. */
function quantizeCell(p: CodedCell, ranges: Ranges, hidden: Grid, numerics: Numerics): QLstm {
  const real = { x: realWeight(p.weightX, p), h: realWeight(p.weightH, p), bias: realBias(p) };
  const params = {
    ...{ input: p.input, hidden: p.hidden, forgetBias: 0, normScope: "all" as const, clip: CLIP },
    ...{ weightX: real.x, weightH: real.h, bias: real.bias },
  };
  const q = quantizeLstm(params, [{ weight: real.x, grid: hidden }], ranges, hidden, numerics);
  const { weight_bits: bits } = numerics.recipe;
  if (!staysCoded(bits, numerics)) return q;
  const kept = (weight: Matrix, bias: Float64Array, { output }: QLinear) =>
    keepCodes([{ weight, grid: hidden }], bias, p.scales, output, bits, numerics);
  return {
    ...q,
    productX: kept(p.weightX, real.bias, q.productX),
    productH: kept(p.weightH, new Float64Array(real.bias.length), q.productH),
  };
}

/** Codes of a line's pixels as a host brings them: `[columns][height]`. */
export const pixelsOf = ({ image, pool }: QTesseract, line: Line): Int16Array =>
  codesOf(line, pool.window[0]).map((code) => encode(code / STEPS, image));
