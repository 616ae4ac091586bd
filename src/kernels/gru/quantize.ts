import type { Grid } from "../../fixed/real.ts";
import { affineGrid, bipolarGrid, type Ranges, symmetricGrid } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import type { CurveSite } from "../../quant/tables.ts";
import { FIXED_POINT, type QCurve, quantizeCurve } from "../curve.ts";
import {
  type QGain,
  type QProduct,
  type QRescale,
  type QSum,
  quantizeProduct,
  quantizeRescale,
  quantizeSum,
} from "../elementwise.ts";
import { gateGrid, openGrid } from "../gates.ts";
import type { Weights } from "../image.ts";
import { type LinearInput, type QLinear, quantizeLinear, withMeans } from "../linear/quantize.ts";
import { complementOn, inWords } from "../lstm/quantize.ts";
import { candidateRows, type GruParams, gateRows } from "./real.ts";

/**
 * A GRU in integers. What it remembers has the width of a cell, `cell_bits`; what matrices read of it, and what it shows, is that on
 * the coarser grid of h. An 8-bit h alone would forget whatever moves it by less than half a code.
 */
export interface QGru {
  readonly hiddenSize: number;
  readonly productX: QLinear;
  /** U h of all blocks, or of z and r alone where r gates h. */
  readonly productH: QLinear;
  /** Of z and r, blocks in this order. */
  readonly sum: QSum;
  readonly sigmoid: QCurve;
  /** r times U h of the candidate, or r times h. */
  readonly gated: QProduct;
  /** U of what r gated, where that is h. */
  readonly productN?: QLinear;
  readonly candidateSum: QSum;
  readonly tanh: QCurve;
  /** z h and (1 - z) n, each to the state's scale, where they are added. */
  readonly complement: QGain;
  readonly kept: QProduct;
  readonly added: QProduct;
  readonly stateSum: QSum;
  /** From the state's grid to that of h. */
  readonly shown: QRescale;
  readonly state: Grid;
  readonly hidden: Grid;
}

/** What the array reads, the most often used first. */
export const matricesOf = ({ productX, productH, productN }: QGru): Weights[] =>
  [productH, ...(productN ? [productN] : []), productX].flatMap(({ parts }) =>
    parts.map(({ weights }) => weights),
  );

/**
 * @param inputs  grids of the parts that x is concatenated from, with their columns of weightX
 * @param ranges  the sites of the float cell
 * @throws InputError where the recipe's gate_curve has nothing for its gate_format
 */
export function quantizeGru(
  p: GruParams,
  inputs: readonly LinearInput[],
  ranges: Ranges,
  hidden: Grid,
  numerics: Numerics,
): QGru {
  const { recipe } = numerics;
  const powers = powersOfTwo(numerics);
  const gates = gateGrid(ranges.of("gates"), numerics);
  const narrow = (site: string): Grid => affineGrid(ranges.of(site), recipe.product_bits, powers);
  const isNarrow = recipe.gate_format === "activation";
  const x = isNarrow ? narrow("product.x") : gates;
  // What r gates is an operand of the vector unit, which words are not.
  const h = isNarrow || p.resetAfter ? narrow("product.h") : inWords(gates);
  const multiply = (
    site: "x" | "h" | "n",
    parts: readonly LinearInput[],
    bias: Float64Array | undefined,
    output: Grid,
  ) => {
    const averaged = withMeans(parts, ranges.meanOf(`input.${site}`));
    return quantizeLinear(averaged, bias, output, recipe.weight_bits, numerics);
  };
  const gated = p.resetAfter ? h : hidden;
  const n = p.resetAfter ? gated : isNarrow ? narrow("product.n") : inWords(gates);
  return {
    hiddenSize: p.hidden,
    productX: multiply("x", inputs, p.bias, x),
    productH: multiply(
      "h",
      [{ weight: p.resetAfter ? p.weightH : gateRows(p), grid: hidden }],
      p.resetAfter ? candidateBias(p) : undefined,
      h,
    ),
    sum: quantizeSum(x, h, gates, numerics),
    gated: quantizeProduct(openGrid(numerics), gated, gated, numerics),
    ...(!p.resetAfter && {
      productN: multiply("n", [{ weight: candidateRows(p), grid: gated }], p.candidateBias, n),
    }),
    candidateSum: quantizeSum(x, n, gates, numerics),
    ...quantizeState(gates, ranges, hidden, numerics),
  };
}

/** The candidate's bias among those of all blocks. */
function candidateBias({ hidden, candidateBias: own }: GruParams): Float64Array | undefined {
  if (own === undefined) return undefined;
  const all = new Float64Array(3 * hidden);
  all.set(own, 2 * hidden);
  return all;
}

/** Everything from the gates' pre-activations on. */
function quantizeState(gates: Grid, ranges: Ranges, hidden: Grid, numerics: Numerics) {
  const { gate_curve: method, cell_bits, activation_bits } = numerics.recipe;
  const powers = powersOfTwo(numerics);
  const open = openGrid(numerics);
  const bent = method === "pwl" ? bipolarGrid(activation_bits, powers) : FIXED_POINT;
  const state = symmetricGrid(ranges.of("hidden"), cell_bits, powers);
  const curve = (site: CurveSite, name: "sigmoid" | "tanh", output: Grid) =>
    quantizeCurve(name, method, gates, output, numerics, site, ranges.lookupsOf(`gates.${name}`));
  return {
    sigmoid: curve("gate", "sigmoid", open),
    tanh: curve("candidate", "tanh", bent),
    complement: complementOn(open, numerics),
    kept: quantizeProduct(open, state, state, numerics),
    added: quantizeProduct(open, bent, state, numerics),
    stateSum: quantizeSum(state, state, state, numerics),
    shown: quantizeRescale(state, hidden, numerics),
    ...{ state, hidden },
  };
}
