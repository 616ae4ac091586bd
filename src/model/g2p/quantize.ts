import type { Grid } from "../../fixed/real.ts";
import { type QAttention, quantizeAttention } from "../../kernels/attention/quantize.ts";
import { type QEmbedding, quantizeEmbedding } from "../../kernels/embedding/quantize.ts";
import { columnsOf, type QLinear, quantizeLinear } from "../../kernels/linear/quantize.ts";
import { type QLstm, quantizeLstm } from "../../kernels/lstm/quantize.ts";
import type { LstmParams } from "../../kernels/lstm/real.ts";
import { CURVES } from "../../pwl/curves.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { affineGrid, type Ranges, symmetricGrid } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import { tableFor } from "../../quant/tables.ts";
import { logitGrid } from "../logits.ts";
import type { G2pParams } from "./weights.ts";

/** The model in integers. */
export interface QG2p {
  readonly letters: QEmbedding;
  readonly phones: QEmbedding;
  readonly forward: QLstm;
  readonly backward: QLstm;
  readonly attention: QAttention;
  /** Of the two last encoder states; its results go through `bridgeTanh` to the decoder's first h. */
  readonly bridge: QLinear;
  readonly bridgeTanh: PwlTable;
  readonly decoder: QLstm;
  /** Of h and context, to logits. */
  readonly output: QLinear;
  /** Shared by both directions of the encoder, so that they concatenate. */
  readonly memory: Grid;
  readonly context: Grid;
}

export function quantizeG2p(p: G2pParams, ranges: Ranges, numerics: Numerics): QG2p {
  const { recipe } = numerics;
  const powers = powersOfTwo(numerics);
  const affine = (bits: number, ...sites: string[]) => affineGrid(ranges.union(...sites), bits, powers);
  const letters = affine(recipe.activation_bits, "letters");
  // The decoder's inputs are concatenated, so their weights share an accumulator: on one scale, as docs/method.md, section 1 has it,
  // neither takes resolution from the other's weights. Grids of their own cost 7 points of PER at 3-bit weights.
  const phones = affine(recipe.activation_bits, "phones", "attention.context");
  const table = (name: "letters" | "phones", output: Grid) =>
    quantizeEmbedding(p[name], affine(recipe.embedding_bits, name), output, numerics);
  const memory = affine(recipe.activation_bits, "encoder.forward.hidden", "encoder.backward.hidden");
  const hidden = affine(recipe.activation_bits, "decoder.hidden", "start");
  const context = affine(recipe.context_bits, "phones", "attention.context");
  const encoder = (name: "forward" | "backward") =>
    quantizeLstm(
      p.encoder[name],
      [{ weight: p.encoder[name].weightX, grid: letters }],
      ranges.below(`encoder.${name}`),
      memory,
      numerics,
    );
  return {
    letters: table("letters", letters),
    phones: table("phones", phones),
    forward: encoder("forward"),
    backward: encoder("backward"),
    ...quantizeBridge(p, ranges, memory, hidden, numerics),
    attention: quantizeAttention(p.attention, hidden, memory, context, attentionRanges(ranges), numerics),
    decoder: quantizeLstm(
      p.decoder,
      decoderInputs(p.decoder, phones, context),
      ranges.below("decoder"),
      hidden,
      numerics,
    ),
    output: quantizeOutput(p, ranges, hidden, context, numerics),
    memory,
    context,
  };
}

function attentionRanges(ranges: Ranges): Ranges {
  const own = ranges.below("attention");
  own.adopt("keys", ranges);
  return own;
}

function quantizeBridge(p: G2pParams, ranges: Ranges, memory: Grid, hidden: Grid, numerics: Numerics) {
  const { recipe } = numerics;
  const between = symmetricGrid(ranges.of("bridge"), recipe.activation_bits, powersOfTwo(numerics));
  const { columns } = p.bridge.weight;
  const halves = [
    columnsOf(p.bridge.weight, 0, columns / 2),
    columnsOf(p.bridge.weight, columns / 2, columns),
  ];
  const inputs = halves.map((weight) => ({ weight, grid: memory }));
  return {
    bridge: quantizeLinear(inputs, p.bridge.bias, between, recipe.weight_bits, numerics),
    bridgeTanh: tableFor("activation", CURVES.tanh, between, hidden, numerics, ranges.lookupsOf("bridge")),
  };
}

function decoderInputs({ weightX }: LstmParams, phones: Grid, context: Grid) {
  const embedding = weightX.columns - weightX.rows / 2; // [embedding ; context], context has 2 hidden = rows / 2
  return [
    { weight: columnsOf(weightX, 0, embedding), grid: phones },
    { weight: columnsOf(weightX, embedding, weightX.columns), grid: context },
  ];
}

function quantizeOutput(
  p: G2pParams,
  ranges: Ranges,
  hidden: Grid,
  context: Grid,
  numerics: Numerics,
): QLinear {
  const { weight, bias } = p.output;
  const n = p.decoder.hidden;
  const inputs = [
    { weight: columnsOf(weight, 0, n), grid: hidden },
    { weight: columnsOf(weight, n, weight.columns), grid: context },
  ];
  const logits = logitGrid(ranges, numerics);
  return quantizeLinear(inputs, bias, logits, numerics.recipe.output_weight_bits, numerics);
}
