import seedrandom from "seedrandom";
import { affineGrid } from "../../quant/grid.ts";
import { powersOfTwo } from "../../quant/numerics.ts";
import type { Recipe } from "../../quant/recipe.ts";
import { defineKernel, type SampleOf } from "../define.ts";
import { uniform, uniformMatrix, uniformVectors } from "../samples.ts";
import { exactAttend, exactKey } from "./exact.ts";
import { lowerAttend, lowerKeys } from "./lower.ts";
import { type QAttention, quantizeAttention } from "./quantize.ts";
import { type AttentionParams, attend, keys } from "./real.ts";
import { widenAttention } from "./widen.ts";

/** Of one query, and of a memory of `entries` vectors. */
function sample(
  name: string,
  shape: {
    readonly hidden: number;
    readonly memory: number;
    readonly inner: number;
    readonly entries: number;
  },
  recipe: Partial<Recipe> = {},
): SampleOf<AttentionParams> {
  const rng = seedrandom(`attention: ${name}`);
  const { hidden, memory, inner, entries } = shape;
  return {
    name,
    params: {
      key: { weight: uniformMatrix(rng, inner, memory), bias: uniform(rng, inner) },
      query: uniformMatrix(rng, inner, hidden),
      v: uniform(rng, inner, 2),
    },
    recipe,
    draw: (random) => [uniformVectors(random, hidden, 1), uniformVectors(random, memory, entries)],
  };
}

export const attention = defineKernel<AttentionParams, QAttention>({
  name: "attention",
  doc: "additive attention of one query: keys, scores, softmax, context",
  bound: {
    ...{ rms: 2.7, most: 12 },
    reason: "the softmax's error weighs the memory, whose entries take up the context's whole range",
  },
  samples: [
    sample("one entry", { hidden: 3, memory: 5, inner: 4, entries: 1 }),
    sample("odd sizes", { hidden: 5, memory: 7, inner: 3, entries: 5 }),
    {
      ...sample("more entries than the array is deep", { hidden: 4, memory: 6, inner: 9, entries: 19 }),
      bound: {
        rms: 10,
        most: 45,
        reason: "scores far apart: most exponentials lie where the pieces are worst",
      },
    },
    {
      ...sample(
        "I-BERT's softmax",
        { hidden: 4, memory: 5, inner: 3, entries: 6 },
        { softmax_method: "polynomial" },
      ),
      bound: { rms: 1, most: 4, reason: "exponentials without pieces, so that roundings are what is left" },
    },
    {
      ...sample(
        "gemmlowp's softmax",
        { hidden: 4, memory: 5, inner: 3, entries: 6 },
        { softmax_method: "gemmlowp", score_bits: 15 },
      ),
      bound: { rms: 1, most: 4, reason: "exponentials without pieces, so that roundings are what is left" },
    },
    {
      ...sample(
        "12 bits",
        { hidden: 3, memory: 2, inner: 5, entries: 4 },
        { score_bits: 12, context_bits: 12 },
      ),
      bound: { rms: 18, most: 64, reason: "the same error, in LSBs sixteen times as fine" },
    },
  ],
  real: (p, [hidden, memory], tap) => {
    const made = memory!.map((entry) => keys(p, entry));
    for (const key of made) tap?.("keys", key);
    return [attend(p, hidden![0]!, made, memory!, tap).context];
  },
  quantize: (p, [hidden, memory], ranges, numerics) => {
    const context = affineGrid(ranges.of("context"), numerics.recipe.context_bits, powersOfTwo(numerics));
    return quantizeAttention(p, hidden!, memory!, context, ranges, numerics);
  },
  widen: widenAttention,
  outputGrid: ({ context }) => context.output,
  matrices: ({ query, score, key }) =>
    [query, score, key].flatMap(({ parts }) => parts.map((p) => p.weights)),
  exact: (q, [hidden, memory], arch) => {
    const made = memory!.map((entry) => exactKey(q, entry, arch));
    return [exactAttend(q, hidden![0]!, made, memory!, arch)];
  },
  lower: (q, b, [hidden, memory]) => {
    const made = b.map.tensor(q.key.output, q.key.rows, memory!.count);
    const context = b.map.tensor(q.context.output, memory!.length);
    lowerKeys(b, q, memory!, made);
    lowerAttend(b, q, hidden!, made, memory!, context);
    return context;
  },
});
