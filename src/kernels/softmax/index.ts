import { activationGrid, defineKernel, type SampleOf } from "../define.ts";
import { uniformVectors } from "../samples.ts";
import { exactSoftmax } from "./exact.ts";
import { lowerSoftmax } from "./lower.ts";
import { type QSoftmax, quantizeSoftmax } from "./quantize.ts";
import { softmax as realSoftmax } from "./real.ts";

const sample = (n: number, limit: number): SampleOf<undefined> => ({
  name: `${n} scores in ± ${limit}`,
  params: undefined,
  draw: (rng) => [uniformVectors(rng, n, 1, limit)],
});

export const softmax = defineKernel<undefined, QSoftmax>({
  name: "softmax",
  doc: "exp(x - max x) over its sum: exponentials by the PWL unit, then a division",
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
  ],
  real: (_, [scores]) => scores!.map((x) => realSoftmax(x)),
  inputGrid: (_, range, numerics) => activationGrid(range, numerics, numerics.recipe.score_bits),
  quantize: (_, [input], _ranges, numerics) => quantizeSoftmax(input!, numerics),
  outputGrid: ({ output }) => output,
  exact: (q, [scores], arch) => scores!.map((x) => exactSoftmax(q, x, arch)),
  lower: (q, b, [scores]) => {
    const output = b.map.tensor(q.output, scores!.length);
    lowerSoftmax(b, q, scores!, output);
    return output;
  },
});
