import seedrandom from "seedrandom";
import type { Recipe } from "../../quant/recipe.ts";
import { activationGrid, type Bound, defineKernel, type SampleOf } from "../define.ts";
import { joined, partsOf, uniform, uniformMatrix, uniformVectors } from "../samples.ts";
import { exactGru } from "./exact.ts";
import { lowerGru } from "./lower.ts";
import { matricesOf, type QGru, quantizeGru } from "./quantize.ts";
import { type GruParams, gruSequence } from "./real.ts";
import { widenGru } from "./widen.ts";

/** A unit run over a sequence, in one direction; `widths` of the inputs that it reads as one. */
interface Params {
  readonly unit: GruParams;
  readonly widths: readonly number[];
  readonly reverse: boolean;
}

interface Integers {
  readonly q: QGru;
  readonly reverse: boolean;
}

interface Shape {
  readonly widths: readonly number[];
  readonly hidden: number;
  readonly steps: number;
  readonly resetAfter?: boolean;
  readonly bias?: boolean;
  readonly reverse?: boolean;
}

function sample(name: string, shape: Shape, recipe: Partial<Recipe> = {}, bound?: Bound): SampleOf<Params> {
  const { widths, hidden, steps, resetAfter = false, bias = false, reverse = false } = shape;
  const rng = seedrandom(`gru: ${name}`);
  const input = widths.reduce((sum, width) => sum + width);
  const unit: GruParams = {
    ...{ input, hidden, resetAfter },
    weightX: uniformMatrix(rng, 3 * hidden, input),
    weightH: uniformMatrix(rng, 3 * hidden, hidden),
    ...(bias && { bias: uniform(rng, 3 * hidden), candidateBias: uniform(rng, hidden) }),
  };
  const draw: SampleOf<Params>["draw"] = (random) =>
    widths.map((width, i) => uniformVectors(random, width, steps, 2 / (i + 1)));
  return { name, params: { unit, widths, reverse }, recipe, draw, ...(bound && { bound }) };
}

const FINE: Bound = {
  ...{ rms: 1.5, most: 10 },
  reason:
    "sums, curves and state have 16 bits: what is left is h rounded to 8 bits for its matrices, and 8-bit weights",
};
const WIDE = { gate_format: "q3.12", product_bits: 16 } as const;

export const gru = defineKernel<Params, Integers>({
  name: "gru",
  doc: "a gated recurrent unit over a sequence; its reset gate before the product or behind it",
  bound: {
    rms: 4,
    reason:
      "sums and gates have the resolution of 8 bits, or of 7 where scales are powers of two, and an LSB of them moves h by up to an LSB at every step",
  },
  samples: [
    sample("reset before, 5 to 4, 4 steps", { widths: [5], hidden: 4, steps: 4, bias: true }),
    sample("reset after, 5 to 4, 4 steps", {
      widths: [5],
      hidden: 4,
      steps: 4,
      bias: true,
      resetAfter: true,
    }),
    sample("reset before, reverse, two inputs", { widths: [3, 4], hidden: 6, steps: 3, reverse: true }),
    sample("reset after, reverse, no bias", {
      widths: [4],
      hidden: 8,
      steps: 5,
      resetAfter: true,
      reverse: true,
    }),
    sample("one step", { widths: [3], hidden: 2, steps: 1, resetAfter: true, bias: true }),
    sample("wider than the array", { widths: [9], hidden: 18, steps: 2, bias: true }),
    sample("q3.12", { widths: [5], hidden: 4, steps: 4, bias: true, resetAfter: true }, WIDE, {
      ...{ rms: 2 },
      reason: "sums of 16 bits, gates and their products of 8",
    }),
    sample(
      "gemmlowp",
      { widths: [5], hidden: 4, steps: 4, bias: true },
      { ...WIDE, gate_curve: "gemmlowp" },
      FINE,
    ),
    sample(
      "mirrored",
      { widths: [5], hidden: 4, steps: 4, resetAfter: true },
      { ...WIDE, gate_curve: "mirrored" },
      FINE,
    ),
  ],
  real: ({ unit, reverse }, inputs, tap) => gruSequence(unit, joined(inputs), reverse, tap),
  quantize: ({ unit, widths, reverse }, inputs, ranges, numerics) => {
    const hidden = activationGrid(ranges.of("hidden"), numerics);
    const parts = partsOf(unit.weightX, widths, inputs);
    return { q: quantizeGru(unit, parts, ranges, hidden, numerics), reverse };
  },
  widen: ({ q, reverse }, floats) => ({ q: widenGru(q, floats), reverse }),
  outputGrid: ({ q }) => q.hidden,
  matrices: ({ q }) => matricesOf(q),
  exact: ({ q, reverse }, inputs, arch) => exactGru(q, inputs, reverse, arch),
  lower: ({ q, reverse }, b, inputs) => lowerGru(b, q, inputs, reverse),
});
