import seedrandom from "seedrandom";
import type { Recipe } from "../../quant/recipe.ts";
import { activationGrid, type Bound, defineKernel, type SampleOf } from "../define.ts";
import { joined, partsOf, uniform, uniformMatrix, uniformNorm, uniformVectors } from "../samples.ts";
import { exactLstm } from "./exact.ts";
import { lowerLstm } from "./lower.ts";
import { matricesOf, type QLstm, quantizeLstm } from "./quantize.ts";
import { gateCount, type LstmParams, lstmSequence, peepholeBlocks } from "./real.ts";
import { widenLstm } from "./widen.ts";

/** A cell run over a sequence, in one direction; `widths` of the inputs that it reads as one. */
interface Params {
  readonly cell: LstmParams;
  readonly widths: readonly number[];
  readonly reverse: boolean;
}

interface Integers {
  readonly q: QLstm;
  readonly reverse: boolean;
}

interface Shape {
  readonly widths: readonly number[];
  readonly hidden: number;
  readonly steps: number;
  /** Sites that have a norm: any of x, h, c, and s for the sum of both products. */
  readonly norms?: string;
  readonly kind?: "layer" | "mad";
  readonly scope?: LstmParams["normScope"];
  readonly bias?: boolean;
  readonly reverse?: boolean;
  readonly coupled?: boolean;
  readonly capped?: boolean;
  readonly peepholes?: boolean;
  readonly clip?: number;
  /** Rows of a projection. */
  readonly projected?: number;
}

function sample(name: string, shape: Shape, recipe: Partial<Recipe> = {}, bound?: Bound): SampleOf<Params> {
  const { widths, hidden, norms = "", kind = "layer", scope = "gate", reverse = false } = shape;
  const { steps, coupled = false, capped = false, projected, clip } = shape;
  const rng = seedrandom(`lstm: ${name}`);
  const input = widths.reduce((sum, width) => sum + width);
  const rows = gateCount(coupled) * hidden;
  const gate = () => uniformNorm(rng, kind, rows);
  const cell: LstmParams = {
    ...{ input, hidden, forgetBias: 1, normScope: scope, coupled, capped },
    weightX: uniformMatrix(rng, rows, input),
    weightH: uniformMatrix(rng, rows, projected ?? hidden),
    ...(shape.bias && { bias: uniform(rng, rows) }),
    ...(norms.includes("x") && { normX: gate() }),
    ...(norms.includes("h") && { normH: gate() }),
    ...(norms.includes("s") && { normGates: gate() }),
    ...(norms.includes("c") && { normC: uniformNorm(rng, kind, hidden) }),
    ...(shape.peepholes && { peepholes: uniform(rng, peepholeBlocks(coupled).length * hidden) }),
    ...(clip !== undefined && { clip }),
    ...(projected !== undefined && {
      projection: { weight: uniformMatrix(rng, projected, hidden), bias: uniform(rng, projected, 0.1) },
    }),
  };
  const draw: SampleOf<Params>["draw"] = (random) =>
    widths.map((width, i) => uniformVectors(random, width, steps, 2 / (i + 1)));
  return { name, params: { cell, widths, reverse }, recipe, draw, ...(bound && { bound }) };
}

/** A narrower cell than by default: its tanh has 16 times fewer inputs to place knots on. */
const NARROW = { cell_bits: 12 };
/** Every choice of the three sites. */
const NORMS = ["", "x", "h", "c", "xh", "xc", "hc", "xhc"];

/** Sums and curves of 16 bits; h and the weights keep 8. */
const Q3_12 = { gate_format: "q3.12", product_bits: 16 } as const;
const GEMMLOWP = { ...Q3_12, gate_curve: "gemmlowp" } as const;
const MIRRORED = { ...Q3_12, gate_curve: "mirrored" } as const;
const WIDE_NORMS = { norm_bits: 16, gain_bits: 16, normalized_bits: 16 } as const;

const FINE: Bound = {
  ...{ rms: 1, most: 8 },
  reason: "sums, curves and cell have 16 bits: what is left is h rounded to 8 bits, and 8-bit weights",
};
const HALF_FINE: Bound = {
  rms: 1.5,
  reason: "sums or curves and cell have 16 bits, and only the others the resolution of 8 bits",
};
/** In LSBs of 16 bits. */
const OF_WEIGHTS: Bound = { rms: 80, reason: "8-bit weights, told by an h of 16 bits" };

/** What is added to the plain cell, by itself and with other arithmetic of the gates. */
const OPTIONS: readonly SampleOf<Params>[] = [
  sample("coupled", { widths: [5], hidden: 4, coupled: true, bias: true, steps: 4 }, NARROW),
  sample("coupled, norms", { widths: [5], hidden: 6, norms: "xhc", coupled: true, steps: 3 }, NARROW),
  sample("capped", { widths: [5], hidden: 6, capped: true, bias: true, steps: 4 }, NARROW),
  sample("capped, peepholes", { widths: [5], hidden: 4, capped: true, peepholes: true, steps: 3 }, NARROW),
  sample("clipped", { widths: [5], hidden: 4, clip: 0.75, steps: 4 }, NARROW),
  sample("projected", { widths: [5], hidden: 6, projected: 4, steps: 4, reverse: true }, NARROW),
  sample("norms of the gates' sums", { widths: [5], hidden: 8, norms: "s", bias: true, steps: 3 }, NARROW),
  sample("peepholes", { widths: [5], hidden: 4, peepholes: true, bias: true, steps: 4 }, NARROW),
  sample(
    "coupled, peepholes, norms of the gates' sums",
    { widths: [5], hidden: 8, norms: "s", coupled: true, peepholes: true, steps: 3 },
    NARROW,
  ),
  sample("q3.12", { widths: [4, 3], hidden: 5, steps: 3, bias: true }, { ...Q3_12, ...NARROW }, HALF_FINE),
  sample(
    "q3.12, peepholes",
    { widths: [5], hidden: 4, peepholes: true, steps: 3 },
    { ...Q3_12, ...NARROW },
    HALF_FINE,
  ),
  sample("gemmlowp", { widths: [5], hidden: 4, bias: true, steps: 4 }, GEMMLOWP, FINE),
  sample(
    "gemmlowp, norms",
    { widths: [5], hidden: 8, norms: "xhc", steps: 3 },
    { ...GEMMLOWP, ...WIDE_NORMS },
    FINE,
  ),
  sample("gemmlowp, capped", { widths: [5], hidden: 4, capped: true, steps: 4 }, GEMMLOWP, FINE),
  sample("gemmlowp, peepholes", { widths: [5], hidden: 4, peepholes: true, steps: 3 }, GEMMLOWP, FINE),
  sample(
    "TensorFlow Lite's, all options",
    { widths: [7], hidden: 8, norms: "s", coupled: true, clip: 0.5, projected: 6, bias: true, steps: 4 },
    { ...GEMMLOWP, ...WIDE_NORMS, norm_inverse: "newton" },
    FINE,
  ),
  sample("mirrored", { widths: [5], hidden: 4, bias: true, steps: 4 }, MIRRORED, FINE),
  sample(
    "mirrored, 16-bit activations",
    { widths: [5], hidden: 4, steps: 4 },
    { ...MIRRORED, activation_bits: 16 },
    OF_WEIGHTS,
  ),
  sample(
    "mirrored, gates of 8 bits",
    { widths: [5], hidden: 4, steps: 4 },
    { gate_curve: "mirrored" },
    HALF_FINE,
  ),
];

const MAD = { widths: [7], norms: "xhc", kind: "mad" } as const;

export const lstm = defineKernel<Params, Integers>({
  name: "lstm",
  doc: "an LSTM over a sequence: norms of products, sums and cell, coupled or capped gates, peepholes, clip and projection as given",
  bound: {
    rms: 8,
    reason:
      "every tensor of a step is rounded to 8 bits, curves have 16 pieces, a norm over three elements enlarges the " +
      "error of such as are almost equal, and a step passes all of it on to the next",
  },
  samples: [
    ...NORMS.map((norms, i) =>
      sample(
        `norms at ${norms || "no site"}`,
        { widths: [5], hidden: 3, norms, steps: 1 + (i % 4), bias: i % 2 === 1, reverse: i % 3 === 1 },
        { ...NARROW, norm_inverse: i % 2 === 0 ? "rsqrt" : "division" },
      ),
    ),
    sample("norms over all gates", { widths: [7], hidden: 6, norms: "xhc", scope: "all", steps: 3 }),
    sample("two inputs", {
      ...{ widths: [4, 3], hidden: 5, norms: "xhc", steps: 3 },
      bias: true,
      reverse: true,
    }),
    sample(
      "more steps than are normalized at once",
      { widths: [2], hidden: 3, norms: "x", steps: 9 },
      NARROW,
    ),
    sample("wider than the array", { widths: [18], hidden: 17, norms: "xhc", steps: 2, bias: true }, NARROW),
    {
      ...sample("mad norms", { ...MAD, hidden: 5, steps: 3, bias: true }, NARROW),
      needsMultiplier: true, // for the mean of five
    },
    sample("mad norms over all gates", { ...MAD, hidden: 4, steps: 2, scope: "all" }),
    ...OPTIONS,
  ],
  real: ({ cell, reverse }, inputs, tap) => lstmSequence(cell, joined(inputs), reverse, tap),
  quantize: ({ cell, widths, reverse }, inputs, ranges, numerics) => {
    const hidden = activationGrid(ranges.of("hidden"), numerics);
    return {
      q: quantizeLstm(cell, partsOf(cell.weightX, widths, inputs), ranges, hidden, numerics),
      reverse,
    };
  },
  widen: ({ q, reverse }, floats) => ({ q: widenLstm(q, floats), reverse }),
  outputGrid: ({ q }) => q.hidden,
  matrices: ({ q }) => matricesOf(q),
  exact: ({ q, reverse }, inputs, arch) => exactLstm(q, inputs, reverse, arch),
  lower: ({ q, reverse }, b, inputs) => lowerLstm(b, q, inputs, reverse),
});
