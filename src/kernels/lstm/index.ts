import seedrandom from "seedrandom";
import type { Recipe } from "../../quant/recipe.ts";
import { rowOf, strideOf } from "../builder.ts";
import { activationGrid, defineKernel, type SampleOf } from "../define.ts";
import { zeros } from "../elementwise.ts";
import { joined, partsOf, uniform, uniformMatrix, uniformNorm, uniformVectors } from "../samples.ts";
import { type CodeState, exactLstmCell } from "./exact.ts";
import { lowerSequence, lowerZero } from "./lower.ts";
import { type QLstm, quantizeLstm } from "./quantize.ts";
import { type LstmParams, lstmSequence } from "./real.ts";

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
  /** Sites that have a norm: any of x, h, c. */
  readonly norms?: string;
  readonly kind?: "layer" | "mad";
  readonly scope?: LstmParams["normScope"];
  readonly bias?: boolean;
  readonly reverse?: boolean;
}

function sample(name: string, shape: Shape, recipe: Partial<Recipe> = {}): SampleOf<Params> {
  const { widths, hidden, steps, norms = "", kind = "layer", scope = "gate", reverse = false } = shape;
  const rng = seedrandom(`lstm: ${name}`);
  const input = widths.reduce((sum, width) => sum + width);
  const gate = () => uniformNorm(rng, kind, 4 * hidden);
  const cell: LstmParams = {
    ...{ input, hidden, forgetBias: 1, normScope: scope },
    weightX: uniformMatrix(rng, 4 * hidden, input),
    weightH: uniformMatrix(rng, 4 * hidden, hidden),
    ...(shape.bias && { bias: uniform(rng, 4 * hidden) }),
    ...(norms.includes("x") && { normX: gate() }),
    ...(norms.includes("h") && { normH: gate() }),
    ...(norms.includes("c") && { normC: uniformNorm(rng, kind, hidden) }),
  };
  const draw: SampleOf<Params>["draw"] = (random) =>
    widths.map((width, i) => uniformVectors(random, width, steps, 2 / (i + 1)));
  return { name, params: { cell, widths, reverse }, recipe, draw };
}

/** A narrower cell than by default: its tanh has 16 times fewer inputs to place knots on. */
const NARROW = { cell_bits: 12 };
/** Every choice of the three sites. */
const NORMS = ["", "x", "h", "c", "xh", "xc", "hc", "xhc"];

const MAD = { widths: [7], norms: "xhc", kind: "mad" } as const;

export const lstm = defineKernel<Params, Integers>({
  name: "lstm",
  doc: "an LSTM over a sequence, with or without norms of the two products and of the cell",
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
  ],
  real: ({ cell, reverse }, inputs, tap) => lstmSequence(cell, joined(inputs), reverse, tap),
  quantize: ({ cell, widths, reverse }, inputs, ranges, numerics) => {
    const hidden = activationGrid(ranges.of("hidden"), numerics);
    return {
      q: quantizeLstm(cell, partsOf(cell.weightX, widths, inputs), ranges, hidden, numerics),
      reverse,
    };
  },
  outputGrid: ({ q }) => q.hidden,
  matrices: ({ q }) => [q.productH, q.productX].flatMap(({ parts }) => parts.map(({ weights }) => weights)),
  exact: ({ q, reverse }, inputs, arch) => {
    let state: CodeState = { h: zeros(q.hiddenSize, q.hidden), c: zeros(q.hiddenSize, q.cell) };
    const steps = inputs[0]!.map((_, t) => inputs.map((part) => part[t]!));
    const hs = (reverse ? steps.toReversed() : steps).map((x) => {
      state = exactLstmCell(q, x, state, arch);
      return state.h;
    });
    return reverse ? hs.reverse() : hs;
  },
  lower: ({ q, reverse }, b, inputs) => {
    const steps = inputs[0]!.count;
    const rows = b.map.tensor(q.hidden, q.hiddenSize, steps + 2);
    lowerZero(b, rowOf(rows, 0));
    lowerZero(b, rowOf(rows, steps + 1));
    lowerSequence(b, q, inputs, { first: rowOf(rows, 0), stride: strideOf(rows) }, reverse);
    return { ...rowOf(rows, 1), count: steps };
  },
});
