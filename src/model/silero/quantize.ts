import { encode, type Grid } from "../../fixed/real.ts";
import { type QConv, quantizeConv } from "../../kernels/conv/quantize.ts";
import { activationGrid } from "../../kernels/define.ts";
import { type QLinear, quantizeLinear } from "../../kernels/linear/quantize.ts";
import { type QLstm, quantizeLstm } from "../../kernels/lstm/quantize.ts";
import type { Ranges } from "../../quant/grid.ts";
import type { Numerics } from "../../quant/numerics.ts";
import { logitGrid } from "../logits.ts";
import type { Recording } from "./recordings.ts";
import { spectraOf } from "./spectrum.ts";
import type { SileroParams } from "./weights.ts";

/** The model in integers. */
export interface QSilero {
  /** Of the magnitudes that a host brings. */
  readonly input: Grid;
  /** Each with a ReLU in its requantizer: on its output's grid the smallest code is 0. */
  readonly convs: readonly QConv[];
  readonly cell: QLstm;
  /** Of ReLU(h), on the grid of h, to the logit. */
  readonly output: QLinear;
}

/** Convolutions and cell have `weight_bits`, the last layer `output_weight_bits`; what flows between layers, `activation_bits`. */
export function quantizeSilero(p: SileroParams, ranges: Ranges, numerics: Numerics): QSilero {
  const { recipe } = numerics;
  const input = activationGrid(ranges.of("magnitudes"), numerics);
  let between = input;
  const convs = p.convs.map((conv, i) => {
    const output = activationGrid(ranges.of(`conv.${i}`), numerics);
    const mean = ranges.meanOf(`conv.${i}.input`);
    const quantized = quantizeConv(conv, between, output, recipe.weight_bits, numerics, mean);
    between = output;
    return quantized;
  });
  const hidden = activationGrid(ranges.of("cell.hidden"), numerics);
  const inputs = [{ weight: p.cell.weightX, grid: between }];
  const cell = quantizeLstm(p.cell, inputs, ranges.below("cell"), hidden, numerics);
  const output = quantizeLinear(
    [{ weight: p.output.weight, grid: hidden, mean: ranges.meanOf("logits.input") }],
    p.output.bias,
    logitGrid(ranges, numerics),
    recipe.output_weight_bits,
    numerics,
  );
  return { input, convs, cell, output };
}

/** Codes of all magnitudes of a recording, as a host brings them. */
export const codesOf = ({ input }: QSilero, recording: Recording): Int16Array =>
  Int16Array.from(spectraOf(recording), (magnitude) => encode(magnitude, input));
