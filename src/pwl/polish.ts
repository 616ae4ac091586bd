import { maxOf, minOf, saturate, signed } from "../fixed/format.ts";
import { type Grid, roundReal } from "../fixed/real.ts";
import { powerOfTwo, type Rounding } from "../fixed/round.ts";
import { leastMaxTable, type TableRoom } from "./free-knots.ts";
import { carriesOf } from "./ramp.ts";
import { lastOf, type PwlTable, shiftOf } from "./table.ts";
import { type Errors, errorsOf, type Wanted, wantedOf } from "./wanted.ts";

/** A piece: what is looked for. */
interface Piece {
  readonly base: number;
  readonly slope: number;
}

/** A search, from a table on. */
type Polisher = (table: PwlTable, wanted: Wanted, rounding: Rounding, room: TableRoom) => PwlTable;

/** The least largest error, and among equal ones the least sum of squares. */
const polishMax: Polisher = (table, wanted, rounding) =>
  polishPieces(table, wanted, rounding, ["largest", "squares"]);

/** What a table can be polished for: a search is a line here. */
const POLISHERS = {
  max: polishMax,
  /** The least weighted sum of squares, and among equal ones the least largest error. */
  rms: (table, wanted, rounding) => polishPieces(table, wanted, rounding, ["squares", "largest"]),
  /** The least largest error of any table of that storage, knots and shifts searched too: proven, `leastMaxTable`. */
  "free-knots": (table, wanted, rounding, room) => {
    const kept = polishMax(table, wanted, rounding, room);
    const free = leastMaxTable(kept, wanted, rounding, room);
    return free === undefined ? kept : polishMax(free, wanted, rounding, room);
  },
} as const satisfies Readonly<Record<string, Polisher>>;

export type Objective = keyof typeof POLISHERS;
export const OBJECTIVES = Object.keys(POLISHERS) as readonly Objective[];

/**
 * The table with its integers moved to where the error over all inputs, the final rounding and saturation included, is
 * less: `POLISHERS` says of what. Widths, rounding and mirror stay. With knots and shifts kept, each piece is searched
 * for itself, and none gets worse.
 *
 * @param f, input, output  what the table was built for
 * @param rounding          of the lookup
 * @param room              what the table may grow to, where knots are free
 * @param weights           as `wantedOf` has them, of squares; a largest error is the same however rare its input
 */
export function polish(
  table: PwlTable,
  f: (x: number) => number,
  input: Grid,
  output: Grid,
  rounding: Rounding,
  objective: Objective,
  room: TableRoom,
  weights?: Float64Array,
): PwlTable {
  return POLISHERS[objective](table, wantedOf(table, f, input, output, weights), rounding, room);
}

/**
 * The table with offsets and slopes moved by whole steps of their own. The search tries moves of offset and slope, alone
 * and against each other, from the piece's largest error down to single steps, and goes on from each that is better: a
 * local optimum.
 *
 * @param order  what is compared, and what among equals
 */
function polishPieces(
  table: PwlTable,
  wanted: Wanted,
  rounding: Rounding,
  [first, second]: readonly [keyof Errors, keyof Errors],
): PwlTable {
  const isLess = (a: Errors, b: Errors): boolean =>
    a[first] < b[first] || (a[first] === b[first] && a[second] < b[second]);
  const pieces = Array.from(table.knots, (_, i) => polishPiece(table, i, wanted, rounding, isLess));
  return {
    ...table,
    bases: Int32Array.from(pieces, ({ base }) => base),
    slopes: Int32Array.from(pieces, ({ slope }) => slope),
  };
}

/** The largest power of two up to x, and 1 below it. */
const widest = (x: number): number => (x < 2 ? 1 : 2 * widest(x / 2));

function polishPiece(
  table: PwlTable,
  i: number,
  wanted: Wanted,
  rounding: Rounding,
  isLess: (a: Errors, b: Errors) => boolean,
): Piece {
  const step = powerOfTwo(table.offsetFraction);
  const lsb = powerOfTwo(shiftOf(table, i)) / Math.max(1, lastOf(table, i) - table.knots[i]!);
  const carries = carriesOf(shiftOf(table, i), rounding);
  const slopes = signed(table.slopeBits);
  const [lo, hi] = [minOf(table.out) * step, maxOf(table.out) * step + step - 1];
  let best: Piece = { base: table.bases[i]!, slope: table.slopes[i]! };
  let least: Errors = { largest: Number.POSITIVE_INFINITY, squares: Number.POSITIVE_INFINITY };
  const attempt = (offset: number, tilt: number): boolean => {
    const base = best.base + offset;
    const slope = best.slope + tilt;
    if (base < lo || base > hi || slope !== saturate(slope, slopes)) return false;
    const errors = errorsOf(table, i, { base, slope }, wanted, carries, (sofar) => isLess(sofar, least));
    if (errors === undefined) return false;
    [best, least] = [{ base, slope }, errors];
    return true;
  };
  attempt(0, 0);
  for (let reach = widest(least.largest); ; reach /= 2) {
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
