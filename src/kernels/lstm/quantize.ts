import type { Grid } from "../../fixed/real.ts";
import { buildTable } from "../../pwl/build.ts";
import { CURVES } from "../../pwl/curves.ts";
import type { PwlTable } from "../../pwl/table.ts";
import {
  affineGrid,
  bipolarGrid,
  type Range,
  type Ranges,
  symmetricGrid,
  unitGrid,
} from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import { type QProduct, type QSum, quantizeProduct, quantizeSum } from "../elementwise.ts";
import { type LinearInput, type QLinear, quantizeLinear } from "../linear/quantize.ts";
import { type QNorm, quantizeNorm } from "../norm/quantize.ts";
import type { LstmParams } from "./real.ts";

/** An LSTM cell in integers: docs/method.md, section 2, every arrow a tensor with a grid. */
export interface QLstm {
  readonly hiddenSize: number;
  /** W_x x and W_h h, before a norm or instead of it. */
  readonly productX: QLinear;
  readonly productH: QLinear;
  readonly normX?: QNorm;
  readonly normH?: QNorm;
  /** The two of them to the gates' pre-activations [i f g o]. */
  readonly sum: QSum;
  readonly sigmoid: PwlTable;
  readonly tanh: PwlTable;
  /** sigmoid(f) c, sigmoid(i) tanh(g): each to the cell's grid, where they are added. */
  readonly kept: QProduct;
  readonly added: QProduct;
  readonly cellSum: QSum;
  readonly normC?: QNorm;
  readonly cellTanh: PwlTable;
  /** sigmoid(o) tanh(c) */
  readonly shown: QProduct;
  readonly cell: Grid;
  readonly hidden: Grid;
}

/** Pre-activations beyond this are at the ends of both curves to within an 8-bit code; wider ranges only cost resolution. */
const GATE_LIMIT = 8;

const clipped = ({ lo, hi }: Range, limit: number): Range => ({
  lo: Math.max(lo, -limit),
  hi: Math.min(hi, limit),
});

/**
 * @param inputs  grids of the parts that x is concatenated from, with their columns of weightX
 * @param ranges  the sites of the float cell
 * @param hidden  grid of h, so that layers can share one
 */
export function quantizeLstm(
  p: LstmParams,
  inputs: readonly LinearInput[],
  ranges: Ranges,
  hidden: Grid,
  numerics: Numerics,
): QLstm {
  const { recipe } = numerics;
  const powers = powersOfTwo(numerics);
  const constants = gateConstants(p);
  const branch = (site: "x" | "h", biased: Float64Array | undefined) => {
    const norm = site === "x" ? p.normX : p.normH;
    const parts = site === "x" ? inputs : [{ weight: p.weightH, grid: hidden }];
    // What a norm adds is not in the product, so it takes none of its codes.
    const early = norm ? undefined : biased;
    const product = affineGrid(widened(ranges.of(`product.${site}`), early), recipe.product_bits, powers);
    const linear = quantizeLinear(parts, early, product, recipe.weight_bits, numerics);
    if (norm === undefined) return { linear, output: product };
    const range = widened(ranges.of(`norm.${site}`), biased);
    const output = affineGrid(range, recipe.norm_bits, powers);
    const groups = p.normScope === "gate" ? 4 : 1;
    return {
      linear,
      norm: quantizeNorm(norm, product, ranges.below(`norm.${site}`), groups, output, numerics, biased),
      output,
    };
  };
  // Biases go into the last step that adds anyway: the norm's shift, or the product's bias.
  const x = branch("x", constants);
  const h = branch("h", undefined);
  const gates = symmetricGrid(clipped(ranges.of("gates"), GATE_LIMIT), recipe.activation_bits, powers);
  return {
    hiddenSize: p.hidden,
    productX: x.linear,
    productH: h.linear,
    ...(x.norm && { normX: x.norm }),
    ...(h.norm && { normH: h.norm }),
    sum: quantizeSum(x.output, h.output, gates, numerics),
    hidden,
    ...cellOf(p, ranges, gates, hidden, numerics),
  };
}

/** Everything from the gates' pre-activations on. */
function cellOf(p: LstmParams, ranges: Ranges, gates: Grid, hidden: Grid, numerics: Numerics) {
  const { recipe, arch } = numerics;
  const powers = powersOfTwo(numerics);
  const bits = recipe.activation_bits;
  const curve = (name: "sigmoid" | "tanh", input: Grid, output: Grid) =>
    buildTable(CURVES[name].f, input, output, recipe.pwl_pieces, recipe.pwl_method, arch["pwl.slopeBits"]);
  const gate = unitGrid(bits, powers);
  const bent = bipolarGrid(bits, powers);
  const cell = symmetricGrid(ranges.of("cell"), recipe.cell_bits, powers);
  const normed = p.normC && symmetricGrid(clipped(ranges.of("norm.c"), GATE_LIMIT), recipe.norm_bits, powers);
  return {
    sigmoid: curve("sigmoid", gates, gate),
    tanh: curve("tanh", gates, bent),
    kept: quantizeProduct(gate, cell, cell, numerics),
    added: quantizeProduct(gate, bent, cell, numerics),
    cellSum: quantizeSum(cell, cell, cell, numerics),
    ...(p.normC && { normC: quantizeNorm(p.normC, cell, ranges.below("norm.c"), 1, normed!, numerics) }),
    cellTanh: curve("tanh", normed ?? cell, bent),
    shown: quantizeProduct(gate, bent, hidden, numerics),
    cell,
  };
}

/** Bias and forget bias of all four gates. */
function gateConstants(p: LstmParams): Float64Array {
  const constants = p.bias ? Float64Array.from(p.bias) : new Float64Array(4 * p.hidden);
  for (let k = p.hidden; k < 2 * p.hidden; k++) constants[k]! += p.forgetBias;
  return constants;
}

/** The observed range, widened by what will be added to it. */
function widened({ lo, hi }: Range, biased: Float64Array | undefined): Range {
  if (biased === undefined) return { lo, hi };
  return { lo: lo + Math.min(0, ...biased), hi: hi + Math.max(0, ...biased) };
}
