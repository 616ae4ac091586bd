import { type IntFormat, saturate } from "../fixed/format.ts";
import { type Rounding, roundShift } from "../fixed/round.ts";

/**
 * A piecewise-linear function from input codes to output codes, integers only: what the hardware stores.
 *
 * Codes are whole codes: zero points are part of the knots and of the bases, so nothing is added or
 * taken off around a lookup. Piece i covers knots[i] <= x < knots[i + 1] and the last piece everything
 * above; a code below knots[0] is taken by piece 0.
 */
export interface PwlTable {
  readonly in: IntFormat;
  readonly out: IntFormat;
  /** `[pieces]` first input code of each piece, ascending; knots[0] is the smallest input there is. */
  readonly knots: Int32Array;
  /** `[pieces]` output code at the knot. */
  readonly bases: Int32Array;
  /** `[pieces]` output LSBs per input LSB, times 2^shift. */
  readonly slopes: Int32Array;
  /** Shared by all pieces, 0 … 31. */
  readonly shift: number;
  /** Width of a stored slope, sign included. */
  readonly slopeBits: number;
}

/**
 * bases[i] + slopes[i] · (x - knots[i]) / 2^shift, rounded once and saturated once.
 *
 * Exact: a slope of 32 bits times a distance of 16 stays below 2^53.
 *
 * @param x  a code of `table.in`
 */
export function lookup(table: PwlTable, x: number, rounding: Rounding): number {
  const i = pieceOf(table.knots, x);
  const run = x - table.knots[i]!;
  const rise = roundShift(table.slopes[i]! * run, table.shift, rounding);
  return saturate(table.bases[i]! + rise, table.out);
}

/** The piece that x falls in: the last knot <= x, or 0 where there is none. */
export function pieceOf(knots: Int32Array, x: number): number {
  let i = 0;
  while (i + 1 < knots.length && knots[i + 1]! <= x) i++;
  return i;
}

/** The shift is kept as wide as a requantizer's, 0 … 62, so that the two can share a shifter. */
const SHIFT_BITS = 6;

/** Bits of storage: a knot, a base and a slope for every piece, and the shift once. */
export function tableBits(table: PwlTable): number {
  return table.knots.length * (table.in.bits + table.out.bits + table.slopeBits) + SHIFT_BITS;
}
