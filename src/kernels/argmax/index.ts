import { symmetricGrid } from "../../quant/grid.ts";
import { powersOfTwo } from "../../quant/numerics.ts";
import { defineKernel, INDEX_GRID, type SampleOf } from "../define.ts";
import { uniformVectors } from "../samples.ts";
import { exactArgmax } from "./exact.ts";
import { lowerArgmax } from "./lower.ts";
import { argmax as realArgmax } from "./real.ts";

interface Params {
  readonly bits: number;
}

/** Of `n` codes; few bits make ties, of which the first counts. */
const sample = (n: number, bits: number): SampleOf<Params> => ({
  name: `${n} codes of ${bits} bits`,
  params: { bits },
  draw: (rng) => [uniformVectors(rng, n, 1)],
});

export const argmax = defineKernel<Params, unknown>({
  name: "argmax",
  doc: "the index of the first largest code",
  bound: { rms: 0, most: 0, reason: "codes are in the order of what they stand for" },
  samples: [sample(1, 8), sample(9, 2), sample(41, 4), sample(42, 32)],
  real: (_, [xs]) => xs!.map((x) => Float64Array.of(realArgmax(x))),
  inputGrid: ({ bits }, range, numerics) => symmetricGrid(range, bits, powersOfTwo(numerics)),
  quantize: () => undefined,
  widen: () => undefined,
  outputGrid: () => INDEX_GRID,
  exact: (_, [xs]) => xs!.map((x) => Int32Array.of(exactArgmax(x))),
  lower: (_, b, [input]) => {
    const output = b.map.tensor(INDEX_GRID, 1);
    lowerArgmax(b, input!, output.at);
    return output;
  },
});
