import { lowerGruInput, lowerGruStep } from "../../kernels/gru/lower.ts";
import { matricesOf, quantizeGru } from "../../kernels/gru/quantize.ts";
import { type GruParams, gruSequence } from "../../kernels/gru/real.ts";
import { affineGrid, Ranges } from "../../quant/grid.ts";
import { FINE_RECIPE, numericsOf } from "./bounded.ts";
import { hiddenOf, inputGridOf, type Sequence } from "./bounded-recurrent.ts";

/** h after every vector, of a GRU over sequences of one length, a lane of the machine each. */
export function gru(params: GruParams, sequences: readonly Sequence[]): Float64Array[][] {
  const input = inputGridOf(sequences);
  const ranges = new Ranges();
  // What is added to the state is on its grid too, and can be larger than a state that it cancels.
  ranges.observe("hidden", [-1, 1]);
  for (const { xs, start } of sequences) {
    ranges.observe("hidden", start);
    gruSequence(params, xs, false, (...shown) => ranges.observe(...shown), start);
  }
  const hidden = affineGrid(ranges.of("hidden"), FINE_RECIPE.activation_bits, false);
  const q = quantizeGru(params, [{ weight: params.weightX, grid: input }], ranges, hidden, numericsOf());
  return hiddenOf(
    {
      ...{ input, hidden, matrices: matricesOf(q), states: [q.state] },
      prepare: (b, xs) => lowerGruInput(b, q, [xs]),
      step: (b, fromX, h, next, [state]) => lowerGruStep(b, q, fromX, h, state!, next),
    },
    sequences,
  );
}

/**
 * What `gru` keeps to after so many steps. In steps of 2^-15, the finest of [-1, 1]: tables of 512 pieces miss sigmoid and tanh on
 * ± 8 by 1 and 4, and the products, sums and the state are rounded to 3 together. That is 8 for a step; what z keeps of the step before
 * is no more than that was off, but r and U h are off too, and are bent again: twice that.
 */
export const gruBound = (steps: number): number => (steps + 1) * 2 ** -11;
