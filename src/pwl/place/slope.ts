import { removeKnots } from "./greedy.ts";

/**
 * The paper's recursive greedy: the knot goes whose two pieces differ least in slope.
 *
 * The rule weighs a change of slope the same however long the pieces are. So flat tails keep no
 * knots, and where pieces are few the long first and last one make the largest errors.
 */
export const placeBySlope = (values: Float64Array, pieces: number): Int32Array =>
  removeKnots(values, pieces, (slopeBefore, slopeAfter) => Math.abs(slopeAfter - slopeBefore));
