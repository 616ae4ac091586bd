import { decodeAll, encodeAll } from "../../fixed/real.ts";
import { rowOf } from "../../kernels/builder.ts";
import { lowerGruInput, lowerGruStep } from "../../kernels/gru/lower.ts";
import { matricesOf, quantizeGru } from "../../kernels/gru/quantize.ts";
import { type GruParams, gruSequence } from "../../kernels/gru/real.ts";
import { affineGrid, Ranges } from "../../quant/grid.ts";
import { execute } from "../bench.ts";
import { FINE, FINE_RECIPE, numericsOf, rangeOf } from "./bounded.ts";

/** What one inference of a GRU reads: vectors in the order in which they are read, and h before them. */
interface Sequence {
  readonly xs: readonly Float64Array[];
  readonly start: Float64Array;
}

/** h after every vector, of a GRU over sequences of one length, a lane of the machine each. */
export function gru(params: GruParams, sequences: readonly Sequence[]): Float64Array[][] {
  const steps = sequences[0]!.xs.length;
  const bits = FINE_RECIPE.activation_bits;
  const input = affineGrid(rangeOf(sequences.flatMap(({ xs }) => xs.flatMap((x) => [...x]))), bits, false);
  const ranges = new Ranges();
  // What is added to the state is on its grid too, and can be larger than a state that it cancels.
  ranges.observe("hidden", [-1, 1]);
  for (const { xs, start } of sequences) {
    ranges.observe("hidden", start);
    gruSequence(params, xs, false, (...shown) => ranges.observe(...shown), start);
  }
  const hidden = affineGrid(ranges.of("hidden"), bits, false);
  const q = quantizeGru(params, [{ weight: params.weightX, grid: input }], ranges, hidden, numericsOf());
  const n = params.hidden;
  const results = execute(
    FINE,
    {
      inputs: [
        { grid: input, length: params.input, count: steps },
        { grid: hidden, length: n, count: 1 },
        { grid: q.state, length: n, count: 1 },
      ],
      matrices: matricesOf(q),
      lower(b, [x, h0, state]) {
        const hs = b.map.tensor(hidden, n, steps);
        const fromX = lowerGruInput(b, q, [x!]);
        for (let t = 0; t < steps; t++)
          lowerGruStep(b, q, rowOf(fromX, t), t === 0 ? h0! : rowOf(hs, t - 1), state!, rowOf(hs, t));
        return [hs];
      },
    },
    sequences.map(({ xs, start }) => [
      encodeAll(
        xs.flatMap((x) => [...x]),
        input,
      ),
      encodeAll(start, hidden),
      encodeAll(start, q.state),
    ]),
  );
  return results.map(([hs]) =>
    Array.from({ length: steps }, (_, t) => decodeAll(hs!.slice(t * n, (t + 1) * n), hidden)),
  );
}

/**
 * What `gru` keeps to after so many steps. In steps of 2^-15, the finest of [-1, 1]: tables of 512 pieces miss sigmoid and tanh on
 * ± 8 by 1 and 4, and the products, sums and the state are rounded to 3 together. That is 8 for a step; what z keeps of the step before
 * is no more than that was off, but r and U h are off too, and are bent again: twice that.
 */
export const gruBound = (steps: number): number => (steps + 1) * 2 ** -11;
