import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { factorOf } from "../../src/fixed/scale.ts";
import { quantizeGru } from "../../src/kernels/gru/quantize.ts";
import { candidateRows, gateRows, gruSequence } from "../../src/kernels/gru/real.ts";
import type { QLinear } from "../../src/kernels/linear/quantize.ts";
import { quantizeLstm } from "../../src/kernels/lstm/quantize.ts";
import { lstmSequence } from "../../src/kernels/lstm/real.ts";
import { quantizeRnn } from "../../src/kernels/rnn/quantize.ts";
import { rnnSequence } from "../../src/kernels/rnn/real.ts";
import { uniform, uniformMatrix, uniformVectors } from "../../src/kernels/samples.ts";
import type { Matrix, Tap } from "../../src/kernels/tensors.ts";
import { affineGrid, Ranges } from "../../src/quant/grid.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";

/** Every matrix of a recurrent layer keeps the means of its products where the recipe corrects biases. */

const [INPUT, HIDDEN] = [5, 6];
const rng = seedrandom("corrected");
const xs = uniformVectors(rng, INPUT, 40).map((x) => x.map((value) => value + 0.5));
const grid = affineGrid({ lo: -0.5, hi: 1.5 }, 8, false);
const hidden = affineGrid({ lo: -1, hi: 1 }, 8, false);
const arch = makeArch().settings;

/** A product in integers, what it is of, and the site of what it multiplies. */
interface Product {
  readonly q: QLinear;
  readonly weight: Matrix;
  readonly bias?: Float64Array | undefined;
  readonly site: string;
}
interface Layer {
  observe(tap: Tap): unknown;
  products(ranges: Ranges, correction: "no" | "yes"): readonly Product[];
}

const numericsOf = (bias_correction: string) => ({
  ...{ recipe: makeRecipe({ weight_bits: 3, bias_correction }), arch },
});
const sizes = { input: INPUT, hidden: HIDDEN };
const matrices = (blocks: number) => ({
  weightX: uniformMatrix(rng, blocks * HIDDEN, INPUT),
  weightH: uniformMatrix(rng, blocks * HIDDEN, HIDDEN),
  bias: uniform(rng, blocks * HIDDEN),
});

const lstm = { ...sizes, ...matrices(4), forgetBias: 0, normScope: "all" } as const;
const projection = { weight: uniformMatrix(rng, HIDDEN, HIDDEN), bias: uniform(rng, HIDDEN) };
const gru = { ...sizes, ...matrices(3), resetAfter: false, candidateBias: uniform(rng, HIDDEN) };
const rnn = { ...sizes, ...matrices(1), activation: "tanh" } as const;

const LAYERS: Readonly<Record<string, Layer>> = {
  lstm: {
    observe: (tap) => lstmSequence({ ...lstm, projection }, xs, false, tap),
    products(ranges, correction) {
      const p = { ...lstm, projection };
      const q = quantizeLstm(p, [{ weight: p.weightX, grid }], ranges, hidden, numericsOf(correction));
      return [
        { q: q.productX, weight: p.weightX, bias: p.bias, site: "input.x" },
        { q: q.productH, weight: p.weightH, site: "input.h" },
        { q: q.projection!, ...projection, site: "input.projection" },
      ];
    },
  },
  gru: {
    observe: (tap) => gruSequence(gru, xs, false, tap),
    products(ranges, correction) {
      const q = quantizeGru(gru, [{ weight: gru.weightX, grid }], ranges, hidden, numericsOf(correction));
      return [
        { q: q.productX, weight: gru.weightX, bias: gru.bias, site: "input.x" },
        { q: q.productH, weight: gateRows(gru), site: "input.h" },
        { q: q.productN!, weight: candidateRows(gru), bias: gru.candidateBias, site: "input.n" },
      ];
    },
  },
  rnn: {
    observe: (tap) => rnnSequence(rnn, xs, false, tap),
    products(ranges, correction) {
      const q = quantizeRnn(rnn, [{ weight: rnn.weightX, grid }], ranges, hidden, numericsOf(correction));
      return [
        { q: q.productX, weight: rnn.weightX, bias: rnn.bias, site: "input.x" },
        { q: q.productH, weight: rnn.weightH, site: "input.h" },
      ];
    },
  },
};

/** How far the mean of each result is off, in LSBs of its accumulator. */
function meanErrors({ q, weight, bias, site }: Product, ranges: Ranges): number[] {
  const mean = ranges.meanOf(site)!;
  const [{ weights, input }] = q.parts as [QLinear["parts"][number]];
  return Array.from({ length: q.rows }, (_, r) => {
    const step = factorOf(q.scales[r]!) * q.output.scale;
    let [got, wanted] = [q.bias[r]!, bias?.[r] ?? 0];
    for (const [c, m] of mean.entries()) {
      got += weights.codes[r * weights.columns + c]! * (m / input.scale + input.zero);
      wanted += weight.data[r * weight.columns + c]! * m;
    }
    return Math.abs(got - wanted / step);
  });
}

test.each(Object.entries(LAYERS))("%s", (_, { observe, products }) => {
  const ranges = new Ranges();
  observe((...shown) => ranges.observe(...shown));
  for (const [i, corrected] of products(ranges, "yes").entries()) {
    const plain = products(ranges, "no")[i]!;
    expect(Math.max(...meanErrors(corrected, ranges)), corrected.site).toBeLessThan(0.51);
    expect(Math.max(...meanErrors(plain, ranges)), plain.site).toBeGreaterThan(0.6);
  }
});
