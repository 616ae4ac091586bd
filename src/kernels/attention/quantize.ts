import type { Grid } from "../../fixed/real.ts";
import { CURVES } from "../../pwl/curves.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { affineGrid, bipolarGrid, type Ranges, symmetricGrid } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import { tableFor } from "../../quant/tables.ts";
import { type QSum, quantizeSum } from "../elementwise.ts";
import { type QLaneProduct, quantizeLaneProduct } from "../lane-product.ts";
import { type QLinear, quantizeLinear } from "../linear/quantize.ts";
import { type QSoftmax, quantizeSoftmax } from "../softmax/quantize.ts";
import type { AttentionParams } from "./real.ts";

/** Additive attention in integers, docs/method.md, section 5. */
export interface QAttention {
  readonly key: QLinear;
  readonly query: QLinear;
  readonly sum: QSum;
  readonly tanh: PwlTable;
  readonly bent: Grid;
  /** v . tanh(sum): one row. */
  readonly score: QLinear;
  readonly softmax: QSoftmax;
  /** Sum of alpha times memory: the mean of its entries, each weighted by its share of the attention. */
  readonly context: QLaneProduct;
}

/** @param ranges  sites `keys`, `query`, `sum`, `score` of the float attention */
export function quantizeAttention(
  p: AttentionParams,
  hidden: Grid,
  memory: Grid,
  context: Grid,
  ranges: Ranges,
  numerics: Numerics,
): QAttention {
  const { recipe } = numerics;
  const powers = powersOfTwo(numerics);
  const affine = (site: string, bits: number) => affineGrid(ranges.of(site), bits, powers);
  const layer = (
    grid: Grid,
    weight: AttentionParams["query"],
    bias: Float64Array | undefined,
    output: Grid,
  ) => quantizeLinear([{ weight, grid }], bias, output, recipe.weight_bits, numerics);
  const [keys, queries] = [affine("keys", recipe.activation_bits), affine("query", recipe.activation_bits)];
  const sum = symmetricGrid(ranges.of("sum"), recipe.activation_bits, powers);
  const bent = bipolarGrid(recipe.activation_bits, powers);
  const scores = affine("score", recipe.score_bits);
  const softmax = quantizeSoftmax(scores, numerics, ranges.lookupsOf("softmax.below"));
  const v = { rows: 1, columns: p.v.length, data: p.v };
  return {
    key: layer(memory, p.key.weight, p.key.bias, keys),
    query: layer(hidden, p.query, undefined, queries),
    sum: quantizeSum(keys, queries, sum, numerics),
    tanh: tableFor("attention", CURVES.tanh, sum, bent, numerics, ranges.lookupsOf("sum")),
    bent,
    score: layer(bent, v, undefined, scores),
    softmax,
    context: quantizeLaneProduct(memory, softmax.output, context, numerics),
  };
}
