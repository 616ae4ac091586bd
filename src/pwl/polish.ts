import { maxOf, minOf, saturate, signed } from "../fixed/format.ts";
import { type Grid, roundReal } from "../fixed/real.ts";
import { powerOfTwo, type Rounding, roundShift } from "../fixed/round.ts";
import { lastOf, offsetOf, type PwlTable, shiftOf } from "./table.ts";
import { targets } from "./targets.ts";

/** What a polished table has least of: its largest error, or its root mean square. */
export const OBJECTIVES = ["max", "rms"] as const;
export type Objective = (typeof OBJECTIVES)[number];

/** A piece: what is looked for. */
interface Piece {
  readonly base: number;
  readonly slope: number;
}

/** Errors of a piece over its inputs, in output LSBs. */
interface Errors {
  readonly largest: number;
  readonly squares: number;
}

/** What is compared first, and what among equals. */
const ORDERS: Readonly<Record<Objective, readonly [keyof Errors, keyof Errors]>> = {
  max: ["largest", "squares"],
  rms: ["squares", "largest"],
};

/**
 * The table with offsets and slopes moved by whole steps of their own to where the error over all inputs, the final
 * rounding and saturation included, is less: of "max" the largest error and among equal ones the sum of squares, of
 * "rms" the other way round. Knots, shifts and widths stay, so each piece is searched for itself, and none gets worse.
 *
 * The search tries moves of offset and slope, alone and against each other, from 1 LSB down to single steps, and goes on
 * from each that is better: a local optimum.
 *
 * @param f, input, output  what the table was built for
 * @param rounding          of the lookup
 */
export function polish(
  table: PwlTable,
  f: (x: number) => number,
  input: Grid,
  output: Grid,
  rounding: Rounding,
  objective: Objective,
): PwlTable {
  const wanted = wantedOf(table, f, input, output);
  const [first, second] = ORDERS[objective];
  const isLess = (a: Errors, b: Errors): boolean =>
    a[first] < b[first] || (a[first] === b[first] && a[second] < b[second]);
  const pieces = Array.from(table.knots, (_, i) => polishPiece(table, i, wanted, rounding, isLess));
  return {
    ...table,
    bases: Int32Array.from(pieces, ({ base }) => base),
    slopes: Int32Array.from(pieces, ({ slope }) => slope),
  };
}

/** The real results in output LSBs, the zero point added, by stored input; NaN where no code is looked up there. */
interface Wanted {
  readonly upper: Float64Array;
  /** Of the inputs that are mirrored to a stored one. */
  readonly lower: Float64Array;
}

function wantedOf(table: PwlTable, f: (x: number) => number, input: Grid, output: Grid): Wanted {
  const { knots, mirror } = table;
  const first = knots[0]!;
  const [lo, hi] = [minOf(table.in), maxOf(table.in)];
  const least = mirror === undefined ? first : lo;
  const values = targets(f, input, least, hi, output).map((y) => y / output.scale + output.zero);
  const inputs = Array.from({ length: lastOf(table, knots.length - 1) - first + 1 }, (_, i) => first + i);
  const at = (x: number): number => values[x - least] ?? Number.NaN;
  return {
    upper: Float64Array.from(inputs, at),
    lower: Float64Array.from(inputs, (x) =>
      mirror !== undefined && 2 * x > mirror.inSum ? at(mirror.inSum - x) : Number.NaN,
    ),
  };
}

function polishPiece(
  table: PwlTable,
  i: number,
  wanted: Wanted,
  rounding: Rounding,
  isLess: (a: Errors, b: Errors) => boolean,
): Piece {
  const step = powerOfTwo(table.offsetFraction);
  const lsb = powerOfTwo(shiftOf(table, i)) / Math.max(1, lastOf(table, i) - table.knots[i]!);
  const slopes = signed(table.slopeBits);
  const [lo, hi] = [minOf(table.out) * step, maxOf(table.out) * step + step - 1];
  let best: Piece = { base: table.bases[i]!, slope: table.slopes[i]! };
  let least: Errors = { largest: Number.POSITIVE_INFINITY, squares: Number.POSITIVE_INFINITY };
  const attempt = (offset: number, tilt: number): boolean => {
    const base = best.base + offset;
    const slope = best.slope + tilt;
    if (base < lo || base > hi || slope !== saturate(slope, slopes)) return false;
    const errors = errorsOf(table, i, { base, slope }, wanted, rounding, (sofar) => isLess(sofar, least));
    if (errors === undefined) return false;
    [best, least] = [{ base, slope }, errors];
    return true;
  };
  attempt(0, 0);
  for (let reach = 1; ; reach /= 2) {
    const offset = Math.max(1, roundReal(reach * step, "half-away"));
    const tilt = Math.max(1, roundReal(reach * lsb, "half-away"));
    // What takes the offset's move back at the piece's end.
    const back = roundReal((offset * lsb) / step, "half-away");
    const moves = [
      ...[0, -back, -2 * back].flatMap((turn) => [[offset, turn] as const, [-offset, -turn] as const]),
      ...([
        [0, tilt],
        [0, -tilt],
      ] as const),
    ];
    while (moves.some(([o, t]) => attempt(o, t)));
    if (offset === 1 && tilt === 1) return best;
  }
}

/** How many inputs of a piece are gone over before it is asked again whether it can still be better. */
const STRIDE = 16;

/** The errors of a piece; undefined as soon as `isBetter` is not true of them, for more inputs only add to them. */
function errorsOf(
  table: PwlTable,
  i: number,
  { base, slope }: Piece,
  { upper, lower }: Wanted,
  rounding: Rounding,
  isBetter: (sofar: Errors) => boolean,
): Errors | undefined {
  const { mirror, out } = table;
  const shift = shiftOf(table, i);
  const { whole, addend } = offsetOf(base, table.offsetFraction, shift);
  const from = table.knots[i]! - table.knots[0]!;
  const runs = lastOf(table, i) - table.knots[i]!;
  let [largest, squares] = [0, 0];
  for (let run = 0; run <= runs; run++) {
    if (run % STRIDE === 0 && !isBetter({ largest, squares })) return undefined;
    const y = saturate(whole + roundShift(addend + slope * run, shift, rounding), out);
    const above = upper[from + run]!;
    if (!Number.isNaN(above)) {
      largest = Math.max(largest, Math.abs(y - above));
      squares += (y - above) ** 2;
    }
    const below = lower[from + run]!;
    if (mirror !== undefined && !Number.isNaN(below)) {
      const error = saturate(mirror.outSum - y, out) - below;
      largest = Math.max(largest, Math.abs(error));
      squares += error ** 2;
    }
  }
  const errors = { largest, squares };
  return isBetter(errors) ? errors : undefined;
}
