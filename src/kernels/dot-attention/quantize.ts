import type { Grid } from "../../fixed/real.ts";
import { affineGrid, mapRange, type Ranges } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../../quant/numerics.ts";
import { type QLaneProduct, quantizeLaneProduct } from "../lane-product.ts";
import { type QSoftmax, quantizeSoftmax } from "../softmax/quantize.ts";
import type { DotAttentionParams } from "./real.ts";

/** Scaled dot-product attention in integers, docs/method.md, section 5. */
export interface QDotAttention {
  /** A query times the transposed keys; its output's steps are those of the scaled products. */
  readonly score: QLaneProduct;
  readonly softmax: QSoftmax;
  /** A query's weights times the values. */
  readonly context: QLaneProduct;
}

/** Grids of what one head reads. */
interface HeadGrids {
  readonly query: Grid;
  readonly key: Grid;
  readonly value: Grid;
}

/** @param ranges  sites `score` and `softmax.below` of the float attention */
export function quantizeDotAttention(
  { scale }: DotAttentionParams,
  { query, key, value }: HeadGrids,
  context: Grid,
  ranges: Ranges,
  numerics: Numerics,
): QDotAttention {
  // The grid of scores takes up what they are scaled by, so that a shift is enough where scales are powers of two.
  const range = mapRange(ranges.of("score"), ({ lo, hi }) => ({ lo: lo / scale, hi: hi / scale }));
  const products = affineGrid(range, numerics.recipe.score_bits, powersOfTwo(numerics));
  const scores = { ...products, scale: scale * products.scale };
  const softmax = quantizeSoftmax(scores, numerics, ranges.lookupsOf("softmax.below"));
  return {
    score: { ...quantizeLaneProduct(key, query, products, numerics), output: scores },
    softmax,
    context: quantizeLaneProduct(value, softmax.output, context, numerics),
  };
}
