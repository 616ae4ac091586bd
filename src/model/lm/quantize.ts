import { signed } from "../../fixed/format.ts";
import type { Grid } from "../../fixed/real.ts";
import { factorOf } from "../../fixed/scale.ts";
import { type QEmbedding, quantizeEmbedding } from "../../kernels/embedding/quantize.ts";
import { type QLinear, quantizeLinear } from "../../kernels/linear/quantize.ts";
import { type QLstm, quantizeLstm } from "../../kernels/lstm/quantize.ts";
import { type QMogrifier, quantizeMogrifier } from "../../kernels/mogrifier/quantize.ts";
import type { Mogrified } from "../../kernels/mogrifier/real.ts";
import { affineGrid, type Ranges } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import { logitGrid } from "../logits.ts";
import type { LmLayer, LmParams } from "./weights.ts";

interface QLayer {
  readonly name: string;
  readonly mogrifier: QMogrifier;
  readonly cell: QLstm;
}

/** The model in integers. */
export interface QLm {
  readonly embedding: QEmbedding;
  readonly layers: readonly QLayer[];
  /** Of the last h, to logits. */
  readonly output: QLinear;
}

/**
 * Embedding and last layer stay one array of codes, which needs one scale for the whole of it, whatever the recipe says of
 * others; they are two where the recipe gives them different widths. A row is used as it is stored.
 */
export function quantizeLm(p: LmParams, ranges: Ranges, numerics: Numerics): QLm {
  const { recipe } = numerics;
  const powers = powersOfTwo(numerics);
  const hiddens = p.layers.map(({ name }) =>
    affineGrid(ranges.of(`${name}.hidden`), recipe.activation_bits, powers),
  );
  const logits = logitGrid(ranges, numerics);
  const isTied = recipe.embedding_bits === recipe.output_weight_bits;
  const output = quantizeLinear(
    [{ weight: p.embedding, grid: hiddens.at(-1)! }],
    p.bias,
    logits,
    recipe.output_weight_bits,
    isTied ? { ...numerics, recipe: { ...recipe, weight_scale: "per-tensor" } } : numerics,
  );
  const embedding = isTied ? tiedTo(output) : embeddingOf(p, numerics);
  const layers = p.layers.map((layer, i) =>
    quantizeLayer(
      layer,
      { x: hiddens[i - 1] ?? embedding.output, h: hiddens[i]! },
      ranges.below(layer.name),
      numerics,
    ),
  );
  return { embedding, layers, output };
}

function quantizeLayer(
  { name, rounds, cell }: LmLayer,
  { x, h }: Mogrified<Grid>,
  ranges: Ranges,
  numerics: Numerics,
): QLayer {
  const mogrifier = quantizeMogrifier(rounds, { x, h }, ranges.below("mogrifier"), numerics);
  const read = mogrifier.output;
  const inputs = [{ weight: cell.weightX, grid: read.x }];
  return { name, mogrifier, cell: quantizeLstm(cell, inputs, ranges, h, numerics, read.h) };
}

/** The last layer's weights as an embedding. */
function tiedTo({ rows, parts, scales, output }: QLinear): QEmbedding {
  const [{ weights, input }] = parts as [QLinear["parts"][number]];
  const scale = (factorOf(scales[0]!) * output.scale) / input.scale;
  const stored: Grid = { format: signed(weights.bits), scale, zero: 0 };
  return { rows, columns: weights.columns, codes: weights.codes, stored, output: stored };
}

function embeddingOf({ embedding }: LmParams, numerics: Numerics): QEmbedding {
  const { lo, hi } = rangeOf(embedding.data);
  const stored = affineGrid({ lo, hi }, numerics.recipe.embedding_bits, powersOfTwo(numerics));
  return quantizeEmbedding(embedding, stored, stored, numerics);
}

const rangeOf = (values: Float32Array | Float64Array) => {
  let [lo, hi] = [0, 0];
  for (const value of values) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  return { lo, hi };
};
