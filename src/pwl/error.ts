import { maxOf, minOf } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import type { Rounding } from "../fixed/round.ts";
import { rootMeanSquare } from "./placement.ts";
import { lookup, type PwlTable } from "./table.ts";
import { targets } from "./targets.ts";

/** How far a table is off its curve over every input, in output LSBs, the final rounding included. */
export interface TableError {
  readonly maxLsb: number;
  /** Signed: what the table adds on average. */
  readonly meanLsb: number;
  readonly rmsLsb: number;
  /** The largest error on a knot: half an LSB of rounding, unless the table was polished or its knots moved off the curve. */
  readonly knotMaxLsb: number;
  /** Steps from one input to the next that go down where the curve goes up, or up where it goes down. */
  readonly monotonicityViolations: number;
}

/**
 * The error of `lookup` against f on every input code, of a mantissa from the first knot up.
 *
 * f is cut off and continued as in `buildTable`: saturation is no error.
 *
 * @param input, output  the grids that the table was built for
 * @param rounding       what the lookup does with the bits below the output LSB
 */
export function tableError(
  table: PwlTable,
  f: (x: number) => number,
  input: Grid,
  output: Grid,
  rounding: Rounding,
): TableError {
  const first = table.mirror === undefined ? table.knots[0]! : minOf(input.format);
  const wanted = targets(f, input, first, maxOf(input.format), output);
  const got = wanted.map((_, i) => lookup(table, first + i, rounding));
  const errors = wanted.map((y, i) => got[i]! - output.zero - y / output.scale);

  let monotonicityViolations = 0;
  for (let i = 1; i < got.length; i++) {
    if ((got[i]! - got[i - 1]!) * (wanted[i]! - wanted[i - 1]!) < 0) monotonicityViolations++;
  }
  return {
    maxLsb: largestOf(errors),
    meanLsb: errors.reduce((sum, e) => sum + e, 0) / errors.length,
    rmsLsb: rootMeanSquare(errors),
    knotMaxLsb: largestOf(Float64Array.from(table.knots, (knot) => errors[knot - first]!)),
    monotonicityViolations,
  };
}

const largestOf = (errors: Float64Array): number =>
  errors.reduce((most, e) => Math.max(most, Math.abs(e)), 0);
