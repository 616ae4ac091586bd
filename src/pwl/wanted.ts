import { maxOf, minOf, saturate } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import { floorDiv, powerOfTwo, type Rounding } from "../fixed/round.ts";
import { type Carries, carriesOf, classOf } from "./ramp.ts";
import { lastOf, offsetOf, type PwlTable, shiftOf } from "./table.ts";
import { targets } from "./targets.ts";

/** The real results in output LSBs, the zero point added, by stored input; NaN where no code is looked up there. */
export interface Wanted {
  readonly upper: Float64Array;
  /** Of the inputs that are mirrored to a stored one. */
  readonly lower: Float64Array;
  /** How much the square of an error counts at each of them. */
  readonly weights: { readonly upper: Float64Array; readonly lower: Float64Array };
}

/**
 * What the table is to give, `[lastOf(last piece) - knots[0] + 1]`.
 *
 * @param weights  `[inputs]` of each code from the lowest that is looked up; 1 each where absent
 */
export function wantedOf(
  table: PwlTable,
  f: (x: number) => number,
  input: Grid,
  output: Grid,
  weights?: Float64Array,
): Wanted {
  const { knots, mirror } = table;
  const first = knots[0]!;
  const [lo, hi] = [minOf(table.in), maxOf(table.in)];
  const least = mirror === undefined ? first : lo;
  const values = targets(f, input, least, hi, output).map((y) => y / output.scale + output.zero);
  const inputs = Array.from({ length: lastOf(table, knots.length - 1) - first + 1 }, (_, i) => first + i);
  const at = (x: number): number => values[x - least] ?? Number.NaN;
  const weightAt = (x: number): number => (weights === undefined ? 1 : (weights[x - least] ?? 0));
  const imageOf = (x: number): number => (mirror === undefined ? Number.NaN : mirror.inSum - x);
  return {
    upper: Float64Array.from(inputs, at),
    lower: Float64Array.from(inputs, (x) => (x > imageOf(x) ? at(imageOf(x)) : Number.NaN)),
    weights: {
      upper: Float64Array.from(inputs, weightAt),
      lower: Float64Array.from(inputs, (x) => weightAt(imageOf(x))),
    },
  };
}

/** Errors over inputs, in output LSBs. */
export interface Errors {
  readonly largest: number;
  /** The weighted sum of their squares. */
  readonly squares: number;
}

/** How many inputs of a piece are gone over before it is asked again whether it can still be better. */
const STRIDE = 64;

/**
 * The errors of piece i with another offset and slope; undefined as soon as `isBetter` is not true of them, for more
 * inputs only add to them.
 *
 * @param carries  of the piece's shift and the lookup's rounding
 */
export function errorsOf(
  table: PwlTable,
  i: number,
  { base, slope }: { readonly base: number; readonly slope: number },
  { upper, lower, weights }: Wanted,
  carries: Carries,
  isBetter: (sofar: Errors) => boolean,
): Errors | undefined {
  const { mirror, out } = table;
  const shift = shiftOf(table, i);
  const step = powerOfTwo(shift);
  const { whole, addend } = offsetOf(base, table.offsetFraction, shift);
  const rise = floorDiv(slope, step);
  const restRise = slope - rise * step;
  const from = table.knots[i]! - table.knots[0]!;
  const end = from + lastOf(table, i) - table.knots[i]! + 1;
  // Fraction and product, addend + slope · run = quotient · step + rest.
  let [quotient, rest] = [0, addend];
  let [largest, squares] = [0, 0];
  for (let x = from; x < end; ) {
    if (!isBetter({ largest, squares })) return undefined;
    for (const stop = Math.min(end, x + STRIDE); x < stop; x++) {
      const rounded = rest >= carries[classOf(quotient + 1)]! ? quotient + 1 : quotient;
      const y = saturate(whole + rounded, out);
      const above = Math.abs(y - upper[x]!);
      if (above >= 0) {
        if (above > largest) largest = above;
        squares += weights.upper[x]! * above * above;
      }
      const below =
        mirror === undefined ? Number.NaN : Math.abs(saturate(mirror.outSum - y, out) - lower[x]!);
      if (below >= 0) {
        if (below > largest) largest = below;
        squares += weights.lower[x]! * below * below;
      }
      quotient += rise;
      rest += restRise;
      if (rest >= step) {
        rest -= step;
        quotient++;
      }
    }
  }
  const errors = { largest, squares };
  return isBetter(errors) ? errors : undefined;
}

/** The errors of a whole table. */
export function tableErrors(table: PwlTable, wanted: Wanted, rounding: Rounding): Errors {
  let [largest, squares] = [0, 0];
  for (const i of table.knots.keys()) {
    const piece = { base: table.bases[i]!, slope: table.slopes[i]! };
    const errors = errorsOf(table, i, piece, wanted, carriesOf(shiftOf(table, i), rounding), () => true)!;
    largest = Math.max(largest, errors.largest);
    squares += errors.squares;
  }
  return { largest, squares };
}
