import type { Recipe } from "../../quant/recipe.ts";
import { activationGrid, defineKernel, type SampleOf } from "../define.ts";
import { uniformVectors } from "../samples.ts";
import { exactSoftmax } from "./exact.ts";
import { lowerSoftmax } from "./lower.ts";
import { type QSoftmax, quantizeSoftmax } from "./quantize.ts";
import { softmax as realSoftmax } from "./real.ts";
import { widenSoftmax } from "./widen.ts";

const sample = (n: number, limit: number, count = 1): SampleOf<undefined> => ({
  name: `${n} scores in ± ${limit}`,
  params: undefined,
  draw: (rng) => [uniformVectors(rng, n, count, limit)],
});

/** 13 bits, whose steps a scale to Q5.26 reaches with a multiplier of 16 bits. */
const GEMMLOWP: Partial<Recipe> = { softmax_method: "gemmlowp", score_bits: 13 };
const POLYNOMIAL: Partial<Recipe> = { softmax_method: "polynomial" };

export const softmax = defineKernel<undefined, QSoftmax>({
  name: "softmax",
  doc: "exp(x - max x) over its sum: by the PWL unit and a division, by gemmlowp's functions, by I-BERT's polynomial",
  bound: {
    ...{ rms: 1, most: 4 },
    reason:
      "one rounding, a share of the exponentials' error, and 1 as the largest code where scales are powers of two",
  },
  samples: [
    sample(1, 3),
    sample(2, 1),
    sample(19, 2),
    {
      ...sample(7, 4),
      bound: {
        rms: 8,
        most: 45,
        reason: "16 pieces placed by slope miss exponentials by up to 0.025, all the same way",
      },
    },
    {
      ...sample(5, 4),
      name: "5 scores of 16 bits",
      recipe: { score_bits: 16, alpha_bits: 12, exp_bits: 12, pwl_method: "uniform" },
      bound: { rms: 11, most: 34, reason: "the exponentials' error, in LSBs sixteen times as fine" },
    },
    { ...sample(3, 1, 4), name: "4 rows" },
    {
      ...sample(9, 2, 3),
      ...{ name: "gemmlowp, 3 rows", recipe: GEMMLOWP },
      bound: { rms: 0.4, most: 1.1, reason: "one rounding, and 1 as the largest code" },
    },
    {
      ...sample(5, 2),
      ...{ name: "gemmlowp, 16 bits of results", recipe: { ...GEMMLOWP, alpha_bits: 16 } },
      bound: { rms: 0.4, most: 1.1, reason: "the same: everything between is finer" },
    },
    {
      ...sample(6, 3, 3),
      ...{ name: "polynomial, 3 rows", recipe: POLYNOMIAL },
      bound: { rms: 1, most: 2.5, reason: "a floor, and the polynomial's 0.003" },
    },
    {
      ...sample(7, 8),
      ...{ name: "polynomial, 12 bits", recipe: { ...POLYNOMIAL, score_bits: 12, alpha_bits: 12 } },
      bound: { rms: 2, most: 8, reason: "the polynomial's 0.003, in finer LSBs" },
    },
  ],
  real: (_, [scores], tap) => scores!.map((x) => realSoftmax(x, tap)),
  inputGrid: (_, range, numerics) => activationGrid(range, numerics, numerics.recipe.score_bits),
  quantize: (_, [input], ranges, numerics) => quantizeSoftmax(input!, numerics, ranges.lookupsOf("below")),
  widen: widenSoftmax,
  outputGrid: ({ output }) => output,
  exact: (q, [scores], arch) => scores!.map((x) => exactSoftmax(q, x, arch)),
  lower: (q, b, [scores]) => {
    const output = b.map.tensor(q.output, scores!.length, scores!.count);
    lowerSoftmax(b, q, scores!, output);
    return output;
  },
});
