import { InputError } from "../base/errors.ts";
/**
 * The border: a real function comes in and an integer table leaves.
 */
import { type IntFormat, maxOf, minOf, saturate, signed, unsigned } from "../fixed/format.ts";
import { decode, encodeAll, type Grid, roundReal } from "../fixed/real.ts";
import type { Rounding } from "../fixed/round.ts";
import { CURVES } from "./curves.ts";
import { MANTISSAS, type MantissaCurve } from "./mantissa.ts";
import { type PwlMethod, place, rootMeanSquare } from "./placement.ts";
import { lookup, type PwlTable } from "./table.ts";

/** Every representable input is visited, so their number is kept in bounds. */
const MAX_INPUT_BITS = 16;

const MAX_SHIFT = 31;

/**
 * The table of f on every code of `input`.
 *
 * Where f leaves the range of `output`, it is cut off at the ends of that range before knots are
 * placed; infinities likewise. Where f is not a number (a root of a negative one), the value at the
 * nearest input that has one is continued, the lower input on a tie.
 *
 * A base is the code of f at the knot, half away from zero. Slopes are those of the straight
 * lines between the real values at the knots, scaled by the largest shift up to 31 at which all of
 * them fit, half away from zero; the last one ends on the code of the last input, which no base
 * stands for. So with a knot on every input the table equals the rounded lookup table.
 *
 * @param input      grid of up to 16 bits
 * @param pieces     integer >= 1; the table has fewer where it has fewer inputs than that
 * @param slopeBits  2 … 32, width of a slope with its sign
 * @throws RangeError where an argument is out of range or f is a number nowhere
 * @throws InputError where the steepest slope does not fit `slopeBits`
 */
export function buildTable(
  f: (x: number) => number,
  input: Grid,
  output: Grid,
  pieces: number,
  method: PwlMethod,
  slopeBits: number,
): PwlTable {
  if (input.format.bits > MAX_INPUT_BITS) {
    throw new RangeError(`a table takes inputs of up to ${MAX_INPUT_BITS} bits, not ${input.format.bits}`);
  }
  return buildFrom(f, input, minOf(input.format), output, pieces, method, slopeBits);
}

/** Mantissas and results have 16 bits; a result of 1 is 2^15. */
const MANTISSA_FORMAT: IntFormat = unsigned(16);
const MANTISSA_RESULT: Grid = { format: MANTISSA_FORMAT, scale: 2 ** -15, zero: 0 };

/**
 * The table of 1/sqrt or 1/x on a normalized mantissa, for `rsqrtOf` and `reciprocalOf`.
 *
 * | curve      | input code m      | stands for        | output code r               |
 * |------------|-------------------|-------------------|-----------------------------|
 * | rsqrt      | 2^14 <= m < 2^16  | m / 2^14 in [1,4) | 2^15 / sqrt(m / 2^14)       |
 * | reciprocal | 2^15 <= m < 2^16  | m / 2^15 in [1,2) | 2^15 / (m / 2^15)           |
 *
 * r is in 2^14 … 2^15. Codes are unsigned 16-bit numbers; m below the first mantissa does not occur.
 * A knot may stand on any mantissa. Relative error of 1/sqrt and 1/x of any integer, with 16 pieces
 * and 16-bit slopes: 0.0029 and 0.001 with uniform knots, 0.008 and 0.0017 with the slope rule, which
 * leaves the flat end to long pieces.
 * Pieces, method, slopeBits and errors as in `buildTable`.
 */
export function buildMantissaTable(
  curve: MantissaCurve,
  pieces: number,
  method: PwlMethod,
  slopeBits: number,
): PwlTable {
  const { pointBits } = MANTISSAS[curve];
  const input: Grid = { format: MANTISSA_FORMAT, scale: 2 ** -pointBits, zero: 0 };
  return buildFrom(CURVES[curve].f, input, 2 ** pointBits, MANTISSA_RESULT, pieces, method, slopeBits);
}

/** `buildTable` over the input codes from `first` up. */
function buildFrom(
  f: (x: number) => number,
  input: Grid,
  first: number,
  output: Grid,
  pieces: number,
  method: PwlMethod,
  slopeBits: number,
): PwlTable {
  const values = targets(f, input, first, output);
  const at = place(values, pieces, method);
  const reals = Float64Array.from(at, (i) => values[i]!);
  const codes = encodeAll(reals, output);

  const count = at.length - 1;
  const rises = Float64Array.from({ length: count }, (_, i) => {
    const isLast = i === count - 1;
    const rise = isLast ? codes[i + 1]! - codes[i]! : (reals[i + 1]! - reals[i]!) / output.scale;
    return rise / (at[i + 1]! - at[i]!);
  });
  return {
    in: input.format,
    out: output.format,
    knots: at.subarray(0, count).map((i) => first + i),
    bases: codes.slice(0, count),
    ...scaleSlopes(rises, slopeBits),
    slopeBits,
  };
}

/** f on the codes from `first` to the largest, cut off at the ends of the output's range. */
function targets(f: (x: number) => number, input: Grid, first: number, output: Grid): Float64Array {
  const lo = decode(minOf(output.format), output);
  const hi = decode(maxOf(output.format), output);
  const values = Float64Array.from({ length: maxOf(input.format) - first + 1 }, (_, i) =>
    Math.min(hi, Math.max(lo, f(decode(first + i, input)))),
  );
  return continueNumbers(values);
}

/** Each NaN becomes the number nearest in position, the earlier one on a tie. */
function continueNumbers(values: Float64Array): Float64Array {
  if (!values.some(Number.isNaN)) return values;
  const known = [...values.keys()].filter((i) => !Number.isNaN(values[i]));
  if (known.length === 0) throw new RangeError("the function is not a number on any input");
  let nearest = 0;
  return values.map((_, i) => {
    while (nearest + 1 < known.length && known[nearest + 1]! - i < i - known[nearest]!) nearest++;
    return values[known[nearest]!]!;
  });
}

/** The slopes as integers at the finest scale that `slopeBits` has room for. */
function scaleSlopes(rises: Float64Array, slopeBits: number): Pick<PwlTable, "slopes" | "shift"> {
  if (!Number.isInteger(slopeBits) || slopeBits < 2 || slopeBits > 32) {
    throw new RangeError(`a slope has 2 … 32 bits, not ${slopeBits}`);
  }
  const format = signed(slopeBits);
  for (let shift = MAX_SHIFT; shift >= 0; shift--) {
    const slopes = Array.from(rises, (rise) => roundReal(rise * 2 ** shift, "half-away"));
    if (slopes.every((slope) => slope === saturate(slope, format))) {
      return { slopes: Int32Array.from(slopes), shift };
    }
  }
  const steepest = rises.reduce((max, rise) => Math.max(max, Math.abs(rise)), 0);
  throw new InputError(
    `pwl.slopeBits: ${slopeBits}`,
    `a slope of ${steepest} output LSBs per input LSB does not fit ${slopeBits} bits`,
  );
}

/** How far a table is off its curve over every input, in output LSBs, the final rounding included. */
export interface TableError {
  readonly maxLsb: number;
  /** Signed: what the table adds on average. */
  readonly meanLsb: number;
  readonly rmsLsb: number;
  /** Steps from one input to the next that go down where the curve goes up, or up where it goes down. */
  readonly monotonicityViolations: number;
}

/**
 * The error of `lookup` against f on every input code from the first knot up.
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
  const first = table.knots[0]!;
  const wanted = targets(f, input, first, output);
  const got = wanted.map((_, i) => lookup(table, first + i, rounding));
  const errors = wanted.map((y, i) => got[i]! - output.zero - y / output.scale);

  let monotonicityViolations = 0;
  for (let i = 1; i < got.length; i++) {
    if ((got[i]! - got[i - 1]!) * (wanted[i]! - wanted[i - 1]!) < 0) monotonicityViolations++;
  }
  return {
    maxLsb: errors.reduce((max, e) => Math.max(max, Math.abs(e)), 0),
    meanLsb: errors.reduce((sum, e) => sum + e, 0) / errors.length,
    rmsLsb: rootMeanSquare(errors),
    monotonicityViolations,
  };
}
