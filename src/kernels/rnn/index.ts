import seedrandom from "seedrandom";
import type { Recipe } from "../../quant/recipe.ts";
import { type Bound, defineKernel, type SampleOf } from "../define.ts";
import { joined, partsOf, uniform, uniformMatrix, uniformVectors } from "../samples.ts";
import { exactRnn } from "./exact.ts";
import { lowerRnn } from "./lower.ts";
import { hiddenGrid, matricesOf, type QRnn, quantizeRnn } from "./quantize.ts";
import { type RnnParams, rnnSequence } from "./real.ts";
import { widenRnn } from "./widen.ts";

/** A layer run over a sequence, in one direction; `widths` of the inputs that it reads as one. */
interface Params {
  readonly layer: RnnParams;
  readonly widths: readonly number[];
  readonly reverse: boolean;
}

interface Integers {
  readonly q: QRnn;
  readonly reverse: boolean;
}

interface Shape {
  readonly widths: readonly number[];
  readonly hidden: number;
  readonly steps: number;
  readonly activation?: RnnParams["activation"];
  readonly bias?: boolean;
  readonly reverse?: boolean;
}

function sample(name: string, shape: Shape, recipe: Partial<Recipe> = {}, bound?: Bound): SampleOf<Params> {
  const { widths, hidden, steps, activation = "tanh", bias = false, reverse = false } = shape;
  const rng = seedrandom(`rnn: ${name}`);
  const input = widths.reduce((sum, width) => sum + width);
  const layer: RnnParams = {
    ...{ input, hidden, activation },
    weightX: uniformMatrix(rng, hidden, input),
    // Such that h neither dies nor grows without bound.
    weightH: uniformMatrix(rng, hidden, hidden, 0.4),
    ...(bias && { bias: uniform(rng, hidden) }),
  };
  const draw: SampleOf<Params>["draw"] = (random) =>
    widths.map((width, i) => uniformVectors(random, width, steps, 2 / (i + 1)));
  return { name, params: { layer, widths, reverse }, recipe, draw, ...(bound && { bound }) };
}

const FINE: Bound = {
  ...{ rms: 0.7, most: 2.6 },
  reason: "sums and curve have 16 bits: what is left is h rounded to 8 bits, and 8-bit weights",
};
const WIDE = { gate_format: "q3.12", product_bits: 16 } as const;

export const rnn = defineKernel<Params, Integers>({
  name: "rnn",
  doc: "a recurrent layer without a cell over a sequence: tanh or relu of W x + U h + b",
  bound: {
    ...{ rms: 3.6, most: 18 },
    reason:
      "sums have the resolution of 8 bits, or of 7 where scales are powers of two, and what h is off at one step moves the next",
  },
  samples: [
    sample("tanh, 5 to 4, 4 steps", { widths: [5], hidden: 4, steps: 4, bias: true }),
    sample("relu, 5 to 4, 4 steps", { widths: [5], hidden: 4, steps: 4, bias: true, activation: "relu" }),
    sample("tanh, reverse, two inputs", { widths: [3, 4], hidden: 6, steps: 3, reverse: true }),
    sample("relu, reverse, no bias", { widths: [4], hidden: 8, steps: 5, reverse: true, activation: "relu" }),
    sample("one step", { widths: [3], hidden: 2, steps: 1, bias: true }),
    sample("wider than the array", { widths: [9], hidden: 18, steps: 2, bias: true }),
    sample(
      "relu in sums of 16 bits",
      { widths: [5], hidden: 4, steps: 4, bias: true, activation: "relu" },
      WIDE,
      FINE,
    ),
    sample(
      "gemmlowp",
      { widths: [5], hidden: 4, steps: 4, bias: true },
      { ...WIDE, gate_curve: "gemmlowp" },
      FINE,
    ),
    sample("mirrored", { widths: [5], hidden: 4, steps: 4 }, { ...WIDE, gate_curve: "mirrored" }, FINE),
  ],
  real: ({ layer, reverse }, inputs, tap) => rnnSequence(layer, joined(inputs), reverse, tap),
  quantize: ({ layer, widths, reverse }, inputs, ranges, numerics) => {
    const hidden = hiddenGrid(layer, ranges, numerics);
    const parts = partsOf(layer.weightX, widths, inputs);
    return { q: quantizeRnn(layer, parts, ranges, hidden, numerics), reverse };
  },
  widen: ({ q, reverse }, floats) => ({ q: widenRnn(q, floats), reverse }),
  outputGrid: ({ q }) => q.hidden,
  matrices: ({ q }) => matricesOf(q),
  exact: ({ q, reverse }, inputs, arch) => exactRnn(q, inputs, reverse, arch),
  lower: ({ q, reverse }, b, inputs) => lowerRnn(b, q, inputs, reverse),
});
