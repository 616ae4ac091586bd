import { maxOf, signed } from "../../fixed/format.ts";
import type { Grid } from "../../fixed/real.ts";
import { buildTable } from "../../pwl/build.ts";
import { CURVES } from "../../pwl/curves.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { unitGrid } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import { type QSum, quantizeSum } from "../elementwise.ts";

/** Integer softmax, docs/method.md, section 5: E_i = exp(q_i - max q) by PWL, alpha_i = round(E_i (2^b - 1) / sum E). */
export interface QSoftmax {
  readonly input: Grid;
  /** Score less maximum: codes from the largest down, so that 0 is the largest code and far ones saturate. */
  readonly difference: QSum;
  readonly exp: PwlTable;
  readonly exponential: Grid;
  /** Alpha's largest code less its smallest: the numerator's factor. */
  readonly factor: number;
  readonly output: Grid;
}

export function quantizeSoftmax(input: Grid, numerics: Numerics): QSoftmax {
  const { recipe, arch } = numerics;
  const powers = powersOfTwo(numerics);
  const format = signed(recipe.score_bits);
  const below: Grid = { format, scale: input.scale, zero: maxOf(format) };
  const exponential = unitGrid(recipe.exp_bits, powers);
  const output = unitGrid(recipe.alpha_bits, powers);
  return {
    input,
    difference: quantizeSum(input, { ...input, zero: 0 }, below, numerics),
    exp: buildTable(
      CURVES.exp.f,
      below,
      exponential,
      recipe.pwl_pieces,
      recipe.pwl_method,
      arch["pwl.slopeBits"],
    ),
    exponential,
    factor: powers ? 2 ** recipe.alpha_bits : 2 ** recipe.alpha_bits - 1,
    output,
  };
}
