import { removeKnots } from "./greedy.ts";

/**
 * The greedy with the change of slope weighed by the spacing, |a2 - a1| h1 h2 / (h1 + h2): how far the line
 * moves from the knot that goes, which is the error made there.
 */
export const placeByGap = (values: Float64Array, pieces: number): Int32Array =>
  removeKnots(
    values,
    pieces,
    (slopeBefore, slopeAfter, before, after) =>
      (Math.abs(slopeAfter - slopeBefore) * before * after) / (before + after),
  );
