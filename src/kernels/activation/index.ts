import { CURVES, type CurveName } from "../../pwl/curves.ts";
import { activationGrid, type Bound, defineKernel, type Kernel, type SampleOf } from "../define.ts";
import { uniformVectors } from "../samples.ts";
import { exactActivation } from "./exact.ts";
import { lowerActivation } from "./lower.ts";
import { inputGridOf, type QActivation, quantizeActivation } from "./quantize.ts";
import { widenActivation } from "./widen.ts";

type Sample = SampleOf<CurveName>;

const sample = (
  curve: CurveName,
  limit: number,
  recipe: NonNullable<Sample["recipe"]> = {},
  bound?: Bound,
): Sample => ({
  name: `${curve}, ${recipe.gate_curve ?? recipe.softmax_method ?? "pwl"}, in ± ${limit}`,
  params: curve,
  recipe,
  ...(bound && { bound }),
  draw: (rng) => uniformInputs(rng, limit),
});

const uniformInputs = (rng: () => number, limit: number) => [uniformVectors(rng, 7, 3, limit)];

/** gemmlowp's errors over all 65536 codes, and those of the interpolated table, in codes of 15 fraction bits. */
const ELEMENTARY: Bound = { rms: 6, most: 12, reason: "gemmlowp's 16-bit arithmetic, up to 11.8 codes" };
const MIRRORED: Bound = { rms: 0.7, most: 2.5, reason: "the table's error, and a factor of 15 bits" };

export const activation: Kernel = defineKernel<CurveName, QActivation>({
  name: "activation",
  doc: "a curve of every element: PWL, gemmlowp's int16 functions, an interpolated table, I-BERT's GELU",
  bound: { rms: 2.2, most: 8, reason: "16 pieces placed by slope" },
  samples: [
    sample("sigmoid", 6),
    sample("tanh", 3),
    sample("exp", 2),
    sample("gelu", 4),
    sample("sigmoid", 7, { gate_curve: "gemmlowp" }, ELEMENTARY),
    sample("tanh", 3, { gate_curve: "gemmlowp" }, ELEMENTARY),
    sample("sigmoid", 9, { gate_curve: "mirrored" }, MIRRORED),
    sample("tanh", 5, { gate_curve: "mirrored" }, MIRRORED),
    {
      ...sample("gelu", 3, { softmax_method: "polynomial" }),
      bound: { rms: 1.2, most: 3, reason: "the polynomial misses the error function by up to 0.02" },
      needsMultiplier: true,
    },
  ],
  real: (curve, [xs], tap) =>
    xs!.map((x) => {
      tap?.("input", x, "lookedUp");
      const y = x.map(CURVES[curve].f);
      tap?.("output", y);
      return y;
    }),
  inputGrid: (curve, range, numerics) =>
    inputGridOf(curve, range, numerics) ?? activationGrid(range, numerics),
  quantize: (curve, [input], ranges, numerics) => quantizeActivation(curve, input!, ranges, numerics),
  widen: widenActivation,
  outputGrid: ({ output }) => output,
  exact: (q, [xs], arch) => xs!.map((x) => exactActivation(q, x, arch)),
  lower: (q, b, [input]) => {
    const output = b.map.tensor(q.output, input!.length, input!.count);
    lowerActivation(b, q, input!, output);
    return output;
  },
});
