import { decodeAll, encodeAll } from "../../fixed/real.ts";
import { rowOf } from "../../kernels/builder.ts";
import { lowerInput, lowerRecurrence } from "../../kernels/lstm/lower.ts";
import { matricesOf, quantizeLstm } from "../../kernels/lstm/quantize.ts";
import { type LstmParams, type LstmState, lstmCell } from "../../kernels/lstm/real.ts";
import { affineGrid, Ranges } from "../../quant/grid.ts";
import { execute } from "../bench.ts";
import { FINE, FINE_RECIPE, numericsOf, rangeOf } from "./bounded.ts";

/** What one inference of an LSTM reads: vectors in the order in which they are read, and the state before them. */
interface Sequence {
  readonly xs: readonly Float64Array[];
  readonly start: LstmState;
}

/** What it leaves: h after every vector, and the last cell. */
export interface Run {
  readonly hs: readonly Float64Array[];
  readonly c: Float64Array;
}

/** An LSTM without norms over sequences of one length, a lane of the machine each. */
export function lstm(params: LstmParams, sequences: readonly Sequence[]): Run[] {
  const steps = sequences[0]!.xs.length;
  const bits = FINE_RECIPE.activation_bits;
  const input = affineGrid(rangeOf(sequences.flatMap(({ xs }) => xs.flatMap((x) => [...x]))), bits, false);
  const ranges = new Ranges();
  // What is added to the cell is on its grid too, and can be larger than a cell that it cancels.
  ranges.observe("cell", [-1, 1]);
  for (const { xs, start } of sequences) {
    ranges.observe("hidden", start.h);
    ranges.observe("cell", start.c);
    let state = start;
    for (const x of xs) state = lstmCell(params, x, state, (...shown) => ranges.observe(...shown));
  }
  const hidden = affineGrid(ranges.of("hidden"), bits, false);
  const q = quantizeLstm(params, [{ weight: params.weightX, grid: input }], ranges, hidden, numericsOf());
  const results = execute(
    FINE,
    {
      inputs: [
        { grid: input, length: params.input, count: steps },
        { grid: hidden, length: params.hidden, count: 1 },
        { grid: q.cell, length: params.hidden, count: 1 },
      ],
      matrices: matricesOf(q),
      lower(b, [x, h0, c]) {
        const hs = b.map.tensor(hidden, params.hidden, steps);
        const fromX = lowerInput(b, q, [x!], steps);
        for (let t = 0; t < steps; t++) {
          const h = t === 0 ? h0! : rowOf(hs, t - 1);
          lowerRecurrence(b, q, rowOf(fromX, t), h, c!, rowOf(hs, t));
        }
        return [hs, c!];
      },
    },
    sequences.map(({ xs, start }) => [
      encodeAll(
        xs.flatMap((x) => [...x]),
        input,
      ),
      encodeAll(start.h, hidden),
      encodeAll(start.c, q.cell),
    ]),
  );
  return results.map(([hs, c]) => ({
    hs: Array.from({ length: steps }, (_, t) =>
      decodeAll(hs!.slice(t * params.hidden, (t + 1) * params.hidden), hidden),
    ),
    c: decodeAll(c!, q.cell),
  }));
}

/**
 * What `lstm` keeps to after so many steps. In steps of 2^-15, the finest of [-1, 1]: tables of 512 pieces miss sigmoid
 * and tanh on ± 8 by 1 and 4, the two products and their sum are rounded to 1.5, the gates' sums to 1.5 more at slopes
 * of at most 1. That is 8 for a step, which a forget gate below 1 does not enlarge on the way to the next, and 8 for
 * the way from the last cell to h.
 */
export const lstmBound = (steps: number): number => (steps + 1) * 2 ** -12;
