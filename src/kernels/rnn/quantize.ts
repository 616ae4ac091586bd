import type { Grid } from "../../fixed/real.ts";
import { affineGrid, bipolarGrid, type Ranges } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import { FIXED_POINT, type QCurve, quantizeCurve } from "../curve.ts";
import { type QRescale, type QSum, quantizeRescale, quantizeSum } from "../elementwise.ts";
import { gateGrid, Q3_12 } from "../gates.ts";
import type { Weights } from "../image.ts";
import { type LinearInput, type QLinear, quantizeLinear, withMeans } from "../linear/quantize.ts";
import type { RnnParams } from "./real.ts";

/** A recurrent layer without a cell in integers. */
export interface QRnn {
  readonly hiddenSize: number;
  readonly productX: QLinear;
  readonly productH: QLinear;
  readonly sum: QSum;
  /** The tanh; without one, sums below 0 are cut off. */
  readonly tanh?: QCurve;
  /** From where tanh or cut leave their results to the grid of h, where that is another. */
  readonly shown?: QRescale;
  readonly hidden: Grid;
}

/** What the array reads, the most often used first. */
export const matricesOf = ({ productX, productH }: QRnn): Weights[] =>
  [productH, productX].flatMap(({ parts }) => parts.map(({ weights }) => weights));

/**
 * The grid of h, as wide as activations: all that a tanh can give, as a table is bent where its results are cut off, or
 * what calibration saw of a relu.
 */
export const hiddenGrid = ({ activation }: RnnParams, ranges: Ranges, numerics: Numerics): Grid =>
  activation === "tanh"
    ? bipolarGrid(numerics.recipe.activation_bits, powersOfTwo(numerics))
    : affineGrid(ranges.of("hidden"), numerics.recipe.activation_bits, powersOfTwo(numerics));

/**
 * @param inputs  grids of the parts that x is concatenated from, with their columns of weightX
 * @param ranges  the sites of the float cell
 * @throws InputError where the recipe's gate_curve has nothing for its gate_format
 */
export function quantizeRnn(
  p: RnnParams,
  inputs: readonly LinearInput[],
  ranges: Ranges,
  hidden: Grid,
  numerics: Numerics,
): QRnn {
  const { recipe } = numerics;
  const isNarrow = recipe.gate_format === "activation";
  const affine = (site: string, narrow: number): Grid =>
    affineGrid(ranges.of(site), isNarrow ? narrow : Q3_12.format.bits, powersOfTwo(numerics));
  const multiply = (parts: readonly LinearInput[], bias: Float64Array | undefined, site: "x" | "h") => {
    const averaged = withMeans(parts, ranges.meanOf(`input.${site}`));
    const output = affine(`product.${site}`, recipe.product_bits);
    return quantizeLinear(averaged, bias, output, recipe.weight_bits, numerics);
  };
  const productX = multiply(inputs, p.bias, "x");
  const productH = multiply([{ weight: p.weightH, grid: hidden }], undefined, "h");
  // What tanh bends ends where it is flat; what is only cut off at 0 does not.
  const gates =
    p.activation === "tanh"
      ? gateGrid(ranges.of("gates"), numerics)
      : affine("gates", recipe.activation_bits);
  return {
    ...{ hiddenSize: p.hidden, productX, productH, hidden },
    sum: quantizeSum(productX.output, productH.output, gates, numerics),
    ...(p.activation === "tanh"
      ? quantizeTanh(gates, hidden, ranges, numerics)
      : { shown: quantizeRescale(gates, hidden, numerics) }),
  };
}

function quantizeTanh(gates: Grid, hidden: Grid, ranges: Ranges, numerics: Numerics) {
  const method = numerics.recipe.gate_curve;
  const bent = method === "pwl" ? hidden : FIXED_POINT;
  const seen = ranges.lookupsOf("gates.tanh");
  const tanh = quantizeCurve("tanh", method, gates, bent, numerics, "candidate", seen);
  return { tanh, ...(method !== "pwl" && { shown: quantizeRescale(bent, hidden, numerics) }) };
}
