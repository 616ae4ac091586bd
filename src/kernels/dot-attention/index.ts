import type { Recipe } from "../../quant/recipe.ts";
import { activationGrid, type Bound, defineKernel, type SampleOf } from "../define.ts";
import { uniformVectors } from "../samples.ts";
import { exactDotAttention } from "./exact.ts";
import { lowerDotAttention } from "./lower.ts";
import { type QDotAttention, quantizeDotAttention } from "./quantize.ts";
import { attendByDots, type DotAttentionParams, usualScale } from "./real.ts";
import { widenDotAttention } from "./widen.ts";

interface Shape {
  readonly queries: number;
  readonly keys: number;
  readonly inner: number;
  readonly value: number;
}

function sample(
  name: string,
  { queries, keys, inner, value }: Shape,
  recipe: Partial<Recipe> = {},
  bound?: Bound,
): SampleOf<DotAttentionParams> {
  return {
    ...{ name, params: { scale: usualScale(inner) }, recipe },
    draw: (rng) => [
      uniformVectors(rng, inner, queries, 2),
      uniformVectors(rng, inner, keys, 2),
      uniformVectors(rng, value, keys),
    ],
    ...(bound && { bound }),
  };
}

const WITHOUT_PIECES: Bound = {
  ...{ rms: 1.3, most: 5 },
  reason: "exponentials without pieces, so that roundings are what is left",
};

export const dotAttention = defineKernel<DotAttentionParams, QDotAttention>({
  name: "dot-attention",
  doc: "softmax(scale Q K') V of one head: scores and contexts as products of activations, keys transposed once",
  bound: {
    ...{ rms: 3.2, most: 18 },
    reason:
      "the exponentials' error weighs the values: scores are up to 4 apart, where pieces placed by slope miss by 0.025",
  },
  samples: [
    sample("one of everything", { queries: 1, keys: 1, inner: 1, value: 1 }),
    sample("one key", { queries: 3, keys: 1, inner: 4, value: 5 }),
    sample("odd sizes", { queries: 5, keys: 7, inner: 3, value: 9 }),
    sample("one query, keys deeper than the array", {
      queries: 1,
      keys: 19,
      inner: 21,
      value: 6,
    }),
    sample("whole bytes of 4 bits", { queries: 4, keys: 6, inner: 8, value: 2 }),
    sample(
      "I-BERT's softmax",
      { queries: 4, keys: 6, inner: 5, value: 3 },
      { softmax_method: "polynomial" },
      WITHOUT_PIECES,
    ),
    sample(
      "gemmlowp's softmax",
      { queries: 2, keys: 5, inner: 4, value: 7 },
      { softmax_method: "gemmlowp", score_bits: 14 },
      WITHOUT_PIECES,
    ),
    sample(
      "12 bits",
      { queries: 2, keys: 4, inner: 6, value: 2 },
      { activation_bits: 12, score_bits: 12, alpha_bits: 12, context_bits: 12 },
      { rms: 48, most: 180, reason: "the same error, in LSBs sixteen times as fine" },
    ),
  ],
  real: (p, [queries, keys, values], tap) => attendByDots(p, queries!, keys!, values!, tap),
  quantize(p, [query, key, value], ranges, numerics) {
    const context = activationGrid(ranges.of("context"), numerics, numerics.recipe.context_bits);
    const grids = { query: query!, key: key!, value: value! };
    return quantizeDotAttention(p, grids, context, ranges, numerics);
  },
  widen: widenDotAttention,
  outputGrid: ({ context }) => context.output,
  exact: (q, [queries, keys, values], arch) => exactDotAttention(q, queries!, keys!, values!, arch),
  lower(q, b, [queries, keys, values]) {
    const contexts = b.map.tensor(q.context.output, values!.length, queries!.count);
    lowerDotAttention(b, q, { queries: queries!, keys: keys!, values: values! }, contexts);
    return contexts;
  },
});
