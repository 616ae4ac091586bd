import type { Grid } from "../../fixed/real.ts";
import { affineGrid, type Ranges } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import type { Recipe } from "../../quant/recipe.ts";
import { type QCurve, quantizeCurve } from "../curve.ts";
import { type QProduct, quantizeProduct } from "../elementwise.ts";
import { gateGrid, openGrid } from "../gates.ts";
import { type QLinear, quantizeLinear } from "../linear/quantize.ts";
import { inTurns, type Mogrified, type RoundParams } from "./real.ts";

/** A round in integers. */
interface QRound {
  readonly down: QLinear;
  readonly up: QLinear;
  readonly sigmoid: QCurve;
  /** The gated vector times 2 sigmoid: the 2 is in the scale of the sigmoid's codes. */
  readonly gated: QProduct;
}

/** The rounds in integers: docs/method.md, section 2. */
export interface QMogrifier {
  readonly rounds: readonly QRound[];
  /** Grids of x and h behind the last round. */
  readonly output: Mogrified<Grid>;
}

/** All that the array reads, in the order in which it does. */
export const productsOf = ({ rounds }: QMogrifier): QLinear[] => rounds.flatMap(({ down, up }) => [down, up]);

/**
 * @param input   grids of x and h before the first round
 * @param ranges  the sites of `mogrify`
 * @throws InputError where the recipe's gate_curve has nothing for its gate_format
 */
export function quantizeMogrifier(
  params: readonly RoundParams[],
  input: Mogrified<Grid>,
  ranges: Ranges,
  numerics: Numerics,
): QMogrifier {
  const rounds: QRound[] = [];
  const output = inTurns(params, input, (round, gated, by, k) => {
    const q = quantizeRound(round, gated, by, ranges.below(String(k)), numerics);
    rounds.push(q);
    return q.gated.output;
  });
  return { rounds, output };
}

/**
 * Of a round's matrices, whatever the recipe says of others. Their rows are alike: a scale for each would take three bytes a row of
 * table memory, and lower the language model's perplexity by 0.04 %.
 */
const SCALES: Recipe["weight_scale"] = "per-tensor";

function quantizeRound(
  { down, up }: RoundParams,
  gated: Grid,
  by: Grid,
  ranges: Ranges,
  numerics: Numerics,
): QRound {
  const { recipe } = numerics;
  const { weight_bits: weightBits, gate_curve: method } = recipe;
  const powers = powersOfTwo(numerics);
  const low = affineGrid(ranges.of("low"), recipe.product_bits, powers);
  const gate = gateGrid(ranges.of("gate"), numerics);
  const open = openGrid(numerics);
  const shared = { ...numerics, recipe: { ...recipe, weight_scale: SCALES } };
  const next = affineGrid(ranges.of("gated"), recipe.activation_bits, powers);
  return {
    down: quantizeLinear([{ weight: down, grid: by }], undefined, low, weightBits, shared),
    up: quantizeLinear([{ weight: up.weight, grid: low }], up.bias, gate, weightBits, shared),
    sigmoid: quantizeCurve("sigmoid", method, gate, open, numerics, "gate", ranges.lookupsOf("gate")),
    gated: quantizeProduct(gated, { ...open, scale: 2 * open.scale }, next, numerics),
  };
}
