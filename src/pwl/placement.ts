import { placeByGap } from "./place/gap.ts";
import { placeGenetically } from "./place/genetic.ts";
import { type PiecewiseLine, throughValues } from "./place/line.ts";
import { fitMinimax } from "./place/minimax.ts";
import { placeForLeastMax } from "./place/optimal-max.ts";
import { placeForLeastSquares } from "./place/optimal-rms.ts";
import { placeBySlope } from "./place/slope.ts";
import { placeUniformly } from "./place/uniform.ts";

export { interpolate, interpolationError, type PiecewiseLine, rootMeanSquare } from "./place/line.ts";

/**
 * Chooses knots among the inputs 0 … N - 1, given the value at every one of them, and the ordinates there.
 *
 * @param values   `[N]` finite values of the curve at the representable inputs, in order
 * @param pieces   1 … N - 2: the case of a knot on every input is settled before
 * @param weights  `[N]` how often each input occurs, >= 0; a method says whether it looks at them
 */
type Placement = (values: Float64Array, pieces: number, weights?: Float64Array) => PiecewiseLine;

/** Where a method only chooses knots: the line goes through the curve on them. */
const onCurve =
  (knotsOf: (values: Float64Array, pieces: number, weights?: Float64Array) => Int32Array): Placement =>
  (values, pieces, weights) =>
    throughValues(values, knotsOf(values, pieces, weights));

/** How the knots of a table are chosen: a method is a line here. */
export const PLACEMENTS = {
  slope: {
    doc: "the paper's greedy: the knot where the slope changes least goes, again and again",
    place: onCurve(placeBySlope),
  },
  gap: { doc: "greedy too: the knot goes whose loss moves the line least", place: onCurve(placeByGap) },
  uniform: { doc: "equal spacing: no search, here or in hardware", place: onCurve(placeUniformly) },
  "optimal-max": { doc: "least maximum error of lines through the curve", place: onCurve(placeForLeastMax) },
  "optimal-rms": {
    doc: "least weighted mean square of lines through the curve",
    place: onCurve(placeForLeastSquares),
  },
  genetic: { doc: "a genetic search for what optimal-rms finds", place: onCurve(placeGenetically) },
  minimax: { doc: "least maximum error of any continuous line", place: fitMinimax },
} as const satisfies Readonly<Record<string, { readonly doc: string; readonly place: Placement }>>;

export type PwlMethod = keyof typeof PLACEMENTS;
export const PWL_METHODS = Object.keys(PLACEMENTS) as readonly PwlMethod[];

/**
 * A continuous piecewise-linear function near `values` with `pieces` pieces, or with N - 1 pieces
 * where `pieces` asks for more: then every input is a knot and the line is the lookup table.
 *
 * @param values   `[N]`, N >= 2, finite, equally spaced inputs
 * @param weights  `[N]` how often each input occurs, >= 0, for the methods that look at them; all alike where absent
 * @returns        min(pieces, N - 1) + 1 knots, indices into `values`, ascending, both ends among them
 * @throws RangeError where `pieces` is not an integer >= 1, there are fewer than two values, or weights are
 *   fewer or more than values, negative, not finite, or all 0
 */
export function place(
  values: Float64Array,
  pieces: number,
  method: PwlMethod,
  weights?: Float64Array,
): PiecewiseLine {
  if (!Number.isInteger(pieces) || pieces < 1) {
    throw new RangeError(`a table has 1 piece or more, not ${pieces}`);
  }
  if (values.length < 2) throw new RangeError(`a piece needs two inputs, got ${values.length}`);
  if (weights) checkWeights(weights, values.length);
  if (pieces >= values.length - 1) return throughValues(values, Int32Array.from(values.keys()));
  return PLACEMENTS[method].place(values, pieces, weights);
}

function checkWeights(weights: Float64Array, count: number): void {
  if (weights.length !== count) throw new RangeError(`${weights.length} weights for ${count} inputs`);
  const wrong = weights.find((w) => !(w >= 0 && w < Number.POSITIVE_INFINITY));
  if (wrong !== undefined) throw new RangeError(`a weight is finite and not negative, got ${wrong}`);
  if (!weights.some((w) => w > 0)) throw new RangeError("all weights are 0");
}
