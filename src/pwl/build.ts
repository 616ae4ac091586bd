import { InputError } from "../base/errors.ts";
/**
 * The border: a real function comes in and an integer table leaves.
 */
import { type IntFormat, maxOf, minOf, saturate, signed, unsigned } from "../fixed/format.ts";
import { decode, encode, type Grid, roundReal } from "../fixed/real.ts";
import { ceilDiv, floorDiv, powerOfTwo, type Rounding } from "../fixed/round.ts";
import { CURVES } from "./curves.ts";
import { MANTISSAS, type MantissaCurve } from "./mantissa.ts";
import { type PiecewiseLine, type PwlMethod, place } from "./placement.ts";
import { type Objective, polish } from "./polish.ts";
import { MOST_FRACTION, MOST_SLOPE_BITS, mostFraction } from "./storage.ts";
import type { Mirror, PwlTable } from "./table.ts";
import { targets } from "./targets.ts";

/** Every representable input is visited, so their number is kept in bounds. */
const MAX_INPUT_BITS = 16;
/** The largest shift of a slope. */
const MAX_SHIFT = 31;
/** How far the shifts of a table's pieces are apart at most: what four bits tell, and finer slopes change no result. */
const SHIFT_RANGE = 15;

/** What a table is to be like. */
export interface TableOptions {
  /** Integer >= 1: pieces of the whole curve. The table has fewer where it has fewer inputs than that. */
  readonly pieces: number;
  readonly method: PwlMethod;
  /** 2 … 32, width of a slope with its sign. */
  readonly slopeBits: number;
  /** Most fraction bits of an offset, 0 … 16; 0 where not given. */
  readonly offsetFraction?: number;
  /** One shift for all pieces, which is where nothing is said, or one for each. */
  readonly shifts?: "shared" | "per-piece";
  /** s, of a curve with f(-x) = s - f(x) of which the upper half is stored; the whole one where not given. */
  readonly symmetry?: number | undefined;
  /**
   * `[inputs]` how often each code occurs, from the lowest up, for the methods that look at it and for the squares of
   * `polish`; all alike where not given.
   */
  readonly weights?: Float64Array | undefined;
  /** What the table's integers are then searched for; "none" where not given. */
  readonly polish?: Objective | "none";
  /** How the lookup rounds, which a polished table is made for; "half-away" where not given. */
  readonly rounding?: Rounding;
}

/**
 * The table of f on every code of `input`.
 *
 * Where f leaves the range of `output`, it is cut off at the ends of that range before knots are
 * placed; infinities likewise. Where f is not a number (a root of a negative one), the value at the
 * nearest input that has one is continued, the lower input on a tie.
 *
 * An offset is the placed line at the knot, half away from zero, with `offsetFraction` bits behind the point, or as
 * many as the smallest shift or a signed word of 32 bits has room for. Slopes are those of the placed line, scaled by
 * the largest shift up to 31 at which all of them fit (`per-piece`: each by its own, 15 above the least at most), half
 * away from zero; the last one ends on the code of the last input, which no offset stands for. Where the line leaves
 * the output's range, it is bent to its ends. So with a knot on every input the table equals the rounded lookup table.
 * `polish` then moves slopes and offsets, and with "free-knots" everything.
 *
 * With `symmetry`, ceil(pieces / 2) pieces are placed on the inputs from the zero point up. Where the lower half reaches
 * further out than the largest input, and that by more than one code, the table is stored whole.
 *
 * @param input  grid of up to 16 bits
 * @throws RangeError where an option is out of range or f is a number nowhere
 * @throws InputError where the steepest slope does not fit `slopeBits`
 */
export const buildTable = (
  f: (x: number) => number,
  input: Grid,
  output: Grid,
  options: TableOptions,
): PwlTable => buildPlaced(f, input, output, options).table;

/** A table, and the line in real numbers that it was made from. */
export interface PlacedTable {
  readonly table: PwlTable;
  /** The input code that `values` begin with. */
  readonly first: number;
  /** `[N]` the curve on the inputs that are stored. */
  readonly values: Float64Array;
  /** On the same inputs, its knots counted from `first`. */
  readonly line: PiecewiseLine;
}

/** `buildTable`, with the line. */
export function buildPlaced(
  f: (x: number) => number,
  input: Grid,
  output: Grid,
  options: TableOptions,
): PlacedTable {
  if (input.format.bits > MAX_INPUT_BITS) {
    throw new RangeError(`a table takes inputs of up to ${MAX_INPUT_BITS} bits, not ${input.format.bits}`);
  }
  const mirror = mirrorOf(options.symmetry, input, output);
  const [lo, hi] = [minOf(input.format), maxOf(input.format)];
  if (mirror === undefined) return buildFrom(f, input, [lo, hi], output, options);
  // A zero point between two codes leaves the point to neither half.
  const upper = [ceilDiv(mirror.inSum, 2), Math.max(hi, mirror.inSum - lo)] as const;
  const half = { ...options, pieces: floorDiv(options.pieces + 1, 2) };
  return buildFrom(f, input, upper, output, half, mirror);
}

/**
 * What a code and its mirror image about the zero point add up to; undefined where the upper half of a curve does not
 * stand for the whole one: where the lower half reaches further out by more than a code, or no code mirrors to another.
 */
export function mirrorSumOf({ format, zero }: Grid): number | undefined {
  const sum = 2 * zero;
  return Number.isInteger(sum) && sum - minOf(format) <= maxOf(format) + 1 ? sum : undefined;
}

/** The point that the table is mirrored in; undefined where it is stored whole. */
function mirrorOf(symmetry: number | undefined, input: Grid, output: Grid): Mirror | undefined {
  const inSum = mirrorSumOf(input);
  if (symmetry === undefined || inSum === undefined) return undefined;
  return { inSum, outSum: roundReal(symmetry / output.scale, "half-away") + 2 * output.zero };
}

/** How often each stored input is looked up: for its own code, and for the one that is mirrored to it. */
function folded(
  weights: Float64Array,
  lo: number,
  [first, last]: readonly [first: number, last: number],
  inSum: number,
): Float64Array {
  const of = (x: number) => weights[x - lo] ?? 0;
  return Float64Array.from({ length: last - first + 1 }, (_, i) =>
    2 * (first + i) === inSum ? of(first + i) : of(first + i) + of(inSum - first - i),
  );
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
 * Options and errors as in `buildTable`; neither curve has a symmetry.
 */
export function buildMantissaTable(curve: MantissaCurve, options: Omit<TableOptions, "symmetry">): PwlTable {
  const { pointBits } = MANTISSAS[curve];
  const input: Grid = { format: MANTISSA_FORMAT, scale: 2 ** -pointBits, zero: 0 };
  const codes = [2 ** pointBits, maxOf(MANTISSA_FORMAT)] as const;
  return buildFrom(CURVES[curve].f, input, codes, MANTISSA_RESULT, options).table;
}

/** `buildPlaced` over the input codes from `first` to `last`. */
function buildFrom(
  f: (x: number) => number,
  input: Grid,
  [first, last]: readonly [first: number, last: number],
  output: Grid,
  options: TableOptions,
  mirror?: Mirror,
): PlacedTable {
  const values = targets(f, input, first, last, output);
  const { weights } = options;
  const stored =
    weights && mirror ? folded(weights, minOf(input.format), [first, last], mirror.inSum) : weights;
  const line = place(values, options.pieces, options.method, stored);
  const draft = (fraction: number) => linesOf(line, output, options, fraction);
  const fraction = Math.min(fractionOf(options), mostFraction(output.format));
  let lines = draft(fraction);
  // A sum has no place for fraction bits below its shift.
  const shortest = lines.shifts.reduce((least, shift) => Math.min(least, shift));
  if (lines.offsetFraction > shortest) lines = draft(shortest);
  const table: PwlTable = {
    in: input.format,
    out: output.format,
    knots: line.knots.slice(0, -1).map((i) => first + i),
    ...lines,
    slopeBits: options.slopeBits,
    ...(mirror && { mirror }),
  };
  const { polish: objective = "none", rounding = "half-away" } = options;
  const isPolished = objective !== "none";
  const shiftRange = options.shifts === "per-piece" ? SHIFT_RANGE : 0;
  const room = { pieces: options.pieces, fraction, shiftRange, maxShift: MAX_SHIFT };
  return {
    table: isPolished ? polish(table, f, input, output, rounding, objective, room, weights) : table,
    ...{ first, values, line },
  };
}

/** Offsets, with that many fraction bits, and slopes of a placed line. Where it leaves the output's range, it is bent to its ends. */
function linesOf(
  { knots, ordinates }: PiecewiseLine,
  output: Grid,
  options: TableOptions,
  fraction: number,
): Pick<PwlTable, "bases" | "offsetFraction" | "slopes" | "shifts"> {
  const count = knots.length - 1;
  const step = powerOfTwo(fraction);
  const [lo, hi] = [minOf(output.format), maxOf(output.format)].map((code) => decode(code, output));
  const ends = ordinates.map((y) => Math.min(hi!, Math.max(lo!, y)));
  const offsets = Int32Array.from(ends, (y) => encodeFine(y, output, step));
  const rises = Float64Array.from({ length: count }, (_, i) => {
    const isLast = i === count - 1;
    const rise = isLast ? (offsets[i + 1]! - offsets[i]!) / step : (ends[i + 1]! - ends[i]!) / output.scale;
    return rise / (knots[i + 1]! - knots[i]!);
  });
  return { bases: offsets.slice(0, count), ...scaleSlopes(rises, options), offsetFraction: fraction };
}

function fractionOf({ offsetFraction = 0 }: TableOptions): number {
  if (Number.isInteger(offsetFraction) && offsetFraction >= 0 && offsetFraction <= MOST_FRACTION)
    return offsetFraction;
  throw new RangeError(`an offset has 0 … ${MOST_FRACTION} fraction bits, not ${offsetFraction}`);
}

/** The code of y in parts of `step`, within what an offset of that many fraction bits holds. */
function encodeFine(y: number, output: Grid, step: number): number {
  if (step === 1) return encode(y, output);
  const [lo, hi] = [minOf(output.format) * step, maxOf(output.format) * step + step - 1];
  const code = roundReal((y / output.scale) * step, "half-away") + output.zero * step;
  return Math.min(hi, Math.max(lo, code));
}

/** The slopes as integers at the finest scale that their width has room for. */
function scaleSlopes(
  rises: Float64Array,
  { slopeBits, shifts: sharing = "shared" }: TableOptions,
): Pick<PwlTable, "slopes" | "shifts"> {
  if (!Number.isInteger(slopeBits) || slopeBits < 2 || slopeBits > MOST_SLOPE_BITS) {
    throw new RangeError(`a slope has 2 … ${MOST_SLOPE_BITS} bits, not ${slopeBits}`);
  }
  // The steepest first, for it is the one that an error is to name.
  shiftFor(
    rises.reduce((most, rise) => (Math.abs(rise) > Math.abs(most) ? rise : most)),
    slopeBits,
  );
  const own = Int32Array.from(rises, (rise) => shiftFor(rise, slopeBits));
  const least = own.reduce((a, b) => Math.min(a, b));
  const shifts =
    sharing === "shared" ? Int32Array.of(least) : own.map((shift) => Math.min(shift, least + SHIFT_RANGE));
  const slopes = Int32Array.from(rises, (rise, i) =>
    roundReal(rise * 2 ** shifts[shifts.length === 1 ? 0 : i]!, "half-away"),
  );
  return { slopes, shifts };
}

/** The largest shift at which a slope fits its width. */
function shiftFor(rise: number, slopeBits: number): number {
  const format = signed(slopeBits);
  for (let shift = MAX_SHIFT; shift >= 0; shift--) {
    const slope = roundReal(rise * 2 ** shift, "half-away");
    if (slope === saturate(slope, format)) return shift;
  }
  throw new InputError(
    `pwl.slopeBits: ${slopeBits}`,
    `a slope of ${Math.abs(rise)} output LSBs per input LSB does not fit ${slopeBits} bits`,
  );
}
