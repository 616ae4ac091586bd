import { type IntFormat, maxOf, minOf, saturate, signed } from "../fixed/format.ts";
import { roundReal } from "../fixed/real.ts";
import type { Rounding } from "../fixed/round.ts";
import { carriesOf } from "./ramp.ts";
import { exactSpace, farthest, type PieceSpace, type Reach, relaxedSpace, type Tube } from "./reach.ts";
import type { PwlTable } from "./table.ts";
import { tableErrors, type Wanted } from "./wanted.ts";

/** What a table has room for. */
export interface TableRoom {
  /** Pieces stored. */
  readonly pieces: number;
  /** Most fraction bits of an offset. */
  readonly fraction: number;
  /** The shifts that the pieces of one table may have: the least, and how far the largest is above it. */
  readonly shiftRange: number;
  /** The largest shift. */
  readonly maxShift: number;
}

/**
 * A table whose largest error is the least that any table of the room has, over every input, after rounding and
 * saturation; undefined where `table` has that already. Knots, offsets, slopes and shifts are all searched, and pieces
 * need not meet. Widths, rounding and mirror are those of `table`.
 *
 * Whether pieces keep below an error is decided exactly (`cover`). Errors that occur are finitely many, the distances of
 * codes from the curve, so bisection ends.
 *
 * Tens of milliseconds for inputs of 8 bits, a second for 12; 16 bits take minutes.
 */
export function leastMaxTable(
  table: PwlTable,
  wanted: Wanted,
  rounding: Rounding,
  room: TableRoom,
): PwlTable | undefined {
  let best: PwlTable | undefined;
  let most = tableErrors(table, wanted, rounding).largest;
  let tube = tubeOf(table, wanted, most);
  for (const spaces of spacesOf(table, wanted.upper.length, rounding, room)) {
    // No table of these spaces errs by less than `least`. As long as a code can, by less than `most`:
    let [least, limit] = [0, most];
    while (least < most && tube.widest >= least) {
      const within = limit === most ? tube : tubeOf(table, wanted, limit);
      const reaches = cover(within, spaces, room.pieces);
      if (reaches === undefined) least = limit;
      else {
        best = tableFrom(table, reaches, room);
        most = tableErrors(best, wanted, rounding).largest;
        tube = tubeOf(table, wanted, most);
      }
      const middle = (least + most) / 2;
      limit = middle > least ? middle : most;
    }
  }
  return best;
}

/** Pieces that may stand in one table, and what is left of them. */
interface Space {
  readonly exact: PieceSpace;
  readonly relaxed: PieceSpace;
}

/** For each least shift that a table may have its pieces, those about the table's own shift first. */
function spacesOf(
  table: PwlTable,
  count: number,
  rounding: Rounding,
  room: TableRoom,
): readonly (readonly Space[])[] {
  const { maxShift, shiftRange } = room;
  const own = table.shifts.reduce((a, b) => Math.min(a, b));
  return Array.from({ length: maxShift - shiftRange + 1 }, (_, shift) => shift)
    .sort((a, b) => Math.abs(a - own) - Math.abs(b - own))
    .map((shift) => spacesFrom(shift, table, count, rounding, room));
}

/**
 * The pieces of a table whose least shift is given. A slope that fits the next shift doubled gives the same results
 * there, so all slopes are looked for at the largest shift only, and at others those that do not.
 */
function spacesFrom(
  least: number,
  { out, slopeBits }: PwlTable,
  count: number,
  rounding: Rounding,
  { fraction, shiftRange }: TableRoom,
): readonly Space[] {
  const slopes = signed(slopeBits);
  const [lo, hi] = [minOf(slopes), maxOf(slopes)];
  const all = [[lo, hi]] as const;
  const steep = [[(hi + 1) / 2, hi] as const, [lo, lo / 2 - 1] as const].filter(([a, b]) => a <= b);
  return Array.from({ length: shiftRange + 1 }, (_, i) => least + shiftRange - i).flatMap((shift) => {
    const carries = carriesOf(shift, rounding);
    return (shift === least + shiftRange ? all : steep).map((range) => {
      const exact = exactSpace(shift, Math.min(fraction, least), range, out, carries);
      return { exact, relaxed: relaxedSpace(exact, count) };
    });
  });
}

function tableFrom(table: PwlTable, reaches: readonly Reach[], { shiftRange }: TableRoom): PwlTable {
  const shifts = Int32Array.from(reaches, ({ space }) => space.shift);
  return {
    ...table,
    knots: Int32Array.from(reaches, ({ start }) => table.knots[0]! + start),
    bases: Int32Array.from(reaches, ({ base }) => base),
    offsetFraction: reaches[0]!.space.fraction,
    slopes: Int32Array.from(reaches, ({ slope }) => slope),
    shifts: shiftRange === 0 ? shifts.slice(0, 1) : shifts,
  };
}

/**
 * At most so many pieces that keep to the tube from its first input to its last, or undefined where there are none.
 *
 * A piece ends anywhere up to where it can end, so what k pieces reach is everything up to the farthest end of a piece
 * from where k - 1 reach. That end is not that of the latest start: another knot has other offsets. Earlier starts are
 * looked at for as long as the latest end can be passed from them at all, `relaxedSpace`.
 */
function cover(tube: Tube, spaces: readonly Space[], pieces: number): readonly Reach[] | undefined {
  if (tube.lo.some((lo, x) => lo > tube.hi[x]!)) return undefined;
  const reaches: Reach[] = [];
  let [before, reached] = [-1, 0];
  while (reached < tube.lo.length) {
    if (reaches.length === pieces) return undefined;
    const best = farthestPiece(tube, spaces, before, reached);
    reaches.push(best);
    [before, reached] = [reached, best.end];
  }
  return reaches;
}

/** The piece that leads farthest of those that start after `before` and no later than `reached`. */
function farthestPiece(tube: Tube, spaces: readonly Space[], before: number, reached: number): Reach {
  let best: Reach | undefined;
  let end = reached;
  let open = spaces;
  for (let start = reached; start > before && open.length > 0; start--) {
    for (const { exact } of open) {
      best = farthest(tube, exact, start, end) ?? best;
      end = best?.end ?? end;
    }
    if (end === tube.lo.length) break;
    open = open.filter(({ relaxed }) => farthest(tube, relaxed, start, end, true) !== undefined);
  }
  // Any input of a tube that is nowhere empty is a piece.
  return best!;
}

/** How many inputs a search remembers. */
const TIGHT = 16;

/** The codes whose errors are below the limit, and the largest of those errors. */
function tubeOf(
  { out, mirror }: PwlTable,
  { upper, lower }: Wanted,
  limit: number,
): Tube & { readonly widest: number } {
  const [min, max] = [minOf(out), maxOf(out)];
  const lo = new Float64Array(upper.length);
  const hi = new Float64Array(upper.length);
  let widest = 0;
  const codesAt = (v: number): readonly [lo: number, hi: number] => {
    if (Number.isNaN(v)) return [min, max];
    const [a, b] = codesWithin(v, limit, out);
    widest = Math.max(widest, v - a, b - v);
    return [a, b];
  };
  for (const [x, v] of upper.entries()) {
    let [a, b] = codesAt(v);
    if (mirror !== undefined) {
      const [c, d] = codesAt(lower[x]!);
      // Where the image saturates, it is as good as the last code that does not.
      if (d < max) a = Math.max(a, mirror.outSum - d);
      if (c > min) b = Math.min(b, mirror.outSum - c);
    }
    lo[x] = a <= min ? Number.NEGATIVE_INFINITY : a;
    hi[x] = b >= max ? Number.POSITIVE_INFINITY : b;
    if (a > max || b < min) [lo[x], hi[x]] = [1, 0];
  }
  return { lo, hi, widest, every: Int32Array.from(lo.keys()), tight: new Int32Array(TIGHT) };
}

/** The first and last code less than `limit` away from v; the first is above the last where there is none. */
function codesWithin(v: number, limit: number, out: IntFormat): readonly [lo: number, hi: number] {
  let lo = saturate(roundReal(v - limit, "ceiling"), out);
  let hi = saturate(roundReal(v + limit, "floor"), out);
  // v - limit is rounded, and the distance of a code is as errors are computed.
  if (lo > minOf(out) && v - (lo - 1) < limit) lo--;
  if (v - lo >= limit) lo++;
  if (hi < maxOf(out) && hi + 1 - v < limit) hi++;
  if (hi - v >= limit) hi--;
  return [lo, hi];
}
