import { lowerRnnInput, lowerRnnStep } from "../../kernels/rnn/lower.ts";
import { matricesOf, quantizeRnn } from "../../kernels/rnn/quantize.ts";
import { type RnnParams, rnnSequence } from "../../kernels/rnn/real.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { affineGrid, Ranges } from "../../quant/grid.ts";
import { FINE_RECIPE, numericsOf } from "./bounded.ts";
import { hiddenOf, inputGridOf, type Sequence } from "./bounded-recurrent.ts";

/** What a layer gives, and how far it may be off. */
interface Bounded {
  readonly hs: readonly Float64Array[][];
  readonly bound: number;
}

/** h after every vector, of a layer without a cell over sequences of one length, a lane of the machine each. */
export function rnn(params: RnnParams, sequences: readonly Sequence[]): Bounded {
  const input = inputGridOf(sequences);
  const ranges = new Ranges();
  // All that a tanh can give: its table is bent where its results are cut off.
  if (params.activation === "tanh") ranges.observe("hidden", [-1, 1]);
  for (const { xs, start } of sequences) {
    ranges.observe("hidden", start);
    rnnSequence(params, xs, false, (site, values) => ranges.observe(site, values), start);
  }
  const hidden = affineGrid(ranges.of("hidden"), FINE_RECIPE.activation_bits, false);
  const q = quantizeRnn(params, [{ weight: params.weightX, grid: input }], ranges, hidden, numericsOf());
  const hs = hiddenOf(
    {
      ...{ input, hidden, matrices: matricesOf(q), states: [] },
      prepare: (b, xs) => lowerRnnInput(b, q, [xs]),
      step: (b, fromX, h, next) => lowerRnnStep(b, q, fromX, h, next),
    },
    sequences,
  );
  return { hs, bound: boundOf(params, sequences, ranges) };
}

/**
 * Of a product of weights up to w and n inputs up to x in magnitude, M = n w x, and of W x the bias on top: rounding weights, inputs
 * and result to 16 bits moves it by M 2^-16 each. Both come rounded to the grid of their sum, which for tanh ends at 8, so that each
 * is off by 2^-13, as its table of 512 pieces is; for relu the grid ends at both M, each is off by both M 2^-16, and h by half of
 * that. What h was off comes back times the largest sum of a row of U, as neither curve is steeper than 1.
 */
function boundOf(
  { weightX, weightH, bias = new Float64Array(), activation }: RnnParams,
  sequences: readonly Sequence[],
  ranges: Ranges,
): number {
  const largest = (values: Iterable<number>) => {
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    return most;
  };
  const { lo, hi } = ranges.of("hidden");
  const x = largest(sequences.flatMap(({ xs }) => xs.flatMap((vector) => [...vector])));
  const fromX = weightX.columns * largest(weightX.data) * x + largest(bias);
  const fromH = weightH.columns * largest(weightH.data) * largest([lo, hi]);
  const products = (fromX + fromH) * 2 ** -16;
  const step = 3 * products + (activation === "tanh" ? 3 * 2 ** -13 : 3 * products);
  const growth = largestRow(weightH);
  let bound = 0;
  for (let t = 0; t < sequences[0]!.xs.length; t++) bound = step + growth * bound;
  return bound;
}

/** The largest sum of magnitudes of a row. */
function largestRow({ rows, columns, data }: Matrix): number {
  let most = 0;
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += Math.abs(data[r * columns + c]!);
    most = Math.max(most, sum);
  }
  return most;
}
