import { type IntFormat, maxOf, minOf, saturate } from "../fixed/format.ts";
import { floorDiv, powerOfTwo, type Rounding, roundShift } from "../fixed/round.ts";
import { shapeOf, storedArrays } from "./storage.ts";

/**
 * A piecewise-linear function from input codes to output codes, integers only: what the hardware stores.
 *
 * Codes are whole codes: zero points are part of the knots and of the offsets, so nothing is added or
 * taken off around a lookup. Piece i covers knots[i] <= x < knots[i + 1] and the last piece everything
 * above; a code below knots[0] is taken by piece 0.
 */
export interface PwlTable {
  readonly in: IntFormat;
  readonly out: IntFormat;
  /** `[pieces]` first input code of each piece, ascending; knots[0] is the smallest input that is looked up. */
  readonly knots: Int32Array;
  /** `[pieces]` offsets: what a piece is at its knot, in output codes times 2^offsetFraction. */
  readonly bases: Int32Array;
  /** Fraction bits of an offset, 0 … 16 and no more than the smallest shift. */
  readonly offsetFraction: number;
  /** `[pieces]` output LSBs per input LSB, times 2^shift of the piece. */
  readonly slopes: Int32Array;
  /** `[1]`, shared by all pieces, or `[pieces]`; 0 … 31. */
  readonly shifts: Int32Array;
  /** Width of a stored slope, sign included. */
  readonly slopeBits: number;
  /** Of a table of which only the upper half is stored. */
  readonly mirror?: Mirror;
}

/**
 * The point that a curve is mirrored in, in doubled codes: f(x) and f(inSum - x) add up to outSum. Inputs below the
 * point, 2 x < inSum, are mirrored on the way in, and their results on the way out.
 */
export interface Mirror {
  /** Twice the input's zero point. */
  readonly inSum: number;
  /** Twice the output's zero point, and what the two halves of the real curve add up to, in output LSBs. */
  readonly outSum: number;
}

/**
 * The offset and slope · (x - knot) / 2^shift, rounded once and saturated.
 *
 * With the offset I + fr / 2^F, I its floor: saturate(I + roundShift(fr · 2^(shift - F) + slope · run, shift)). Below
 * the point of a mirrored table saturate(outSum - y(inSum - x)): a result of the lower half is rounded as its
 * mirror image is, so an odd function stays odd to the last bit, ties and saturation included.
 *
 * Exact: a slope of 32 bits times a distance of 17, and an offset's fraction beside it, stay below 2^53.
 *
 * @param x  a code of `table.in`
 */
export function lookup(table: PwlTable, x: number, rounding: Rounding): number {
  const { mirror } = table;
  if (mirror === undefined || 2 * x >= mirror.inSum) return evaluate(table, x, rounding);
  return saturate(mirror.outSum - evaluate(table, mirror.inSum - x, rounding), table.out);
}

function evaluate(table: PwlTable, x: number, rounding: Rounding): number {
  const i = pieceOf(table.knots, x);
  const shift = shiftOf(table, i);
  const { whole, addend } = offsetOf(table.bases[i]!, table.offsetFraction, shift);
  const product = table.slopes[i]! * (x - table.knots[i]!);
  return saturate(whole + roundShift(addend + product, shift, rounding), table.out);
}

/** An offset's floor, and its fraction as it is added to the product of slope and distance. */
export function offsetOf(
  base: number,
  fractionBits: number,
  shift: number,
): { readonly whole: number; readonly addend: number } {
  if (fractionBits === 0) return { whole: base, addend: 0 };
  const step = powerOfTwo(fractionBits);
  const whole = floorDiv(base, step);
  return { whole, addend: (base - whole * step) * powerOfTwo(shift - fractionBits) };
}

/** The shift of piece i. */
export const shiftOf = ({ shifts }: PwlTable, i: number): number => shifts[shifts.length === 1 ? 0 : i]!;

/** The piece that x falls in: the last knot <= x, or 0 where there is none. */
export function pieceOf(knots: Int32Array, x: number): number {
  let i = 0;
  while (i + 1 < knots.length && knots[i + 1]! <= x) i++;
  return i;
}

/** The largest input that piece i is evaluated at. */
export function lastOf({ knots, mirror, in: format }: PwlTable, i: number): number {
  if (i + 1 < knots.length) return knots[i + 1]! - 1;
  return mirror === undefined ? maxOf(format) : Math.max(maxOf(format), mirror.inSum - minOf(format));
}

/** What a unit for a table is made of, as widths: what it costs depends on the library of gates. */
export interface TableCost {
  /** Bits of what a machine stores, `storedArrays`; not what aligns one array behind another. */
  readonly bits: number;
  /** Pieces stored. */
  readonly pieces: number;
  /** Comparators of the input's width that find the piece in one cycle. */
  readonly comparators: number;
  /** Widths of the multiplier's operands: a slope, and a distance without sign. */
  readonly multiplier: readonly [slope: number, distance: number];
  /** Width of the sum of fraction and product. */
  readonly adderBits: number;
  /** Ways of the shifter: 1 is wires. */
  readonly shifts: number;
}

/** The cost of a table, of which the first piece needs no comparator. */
export function tableCost(table: PwlTable): TableCost {
  const { knots, offsetFraction, slopeBits } = table;
  const longest = knots.reduce((most, knot, i) => Math.max(most, lastOf(table, i) - knot), 1);
  let distance = 1;
  while (powerOfTwo(distance) <= longest) distance++;
  // The fraction of an offset is as wide as the shift that it is added below.
  const addend = offsetFraction === 0 ? 0 : table.shifts.reduce((most, shift) => Math.max(most, shift)) + 1;
  return {
    bits: storedArrays(shapeOf(table), table.shifts.length).reduce((sum, [, bits, n]) => sum + bits * n, 0),
    pieces: knots.length,
    comparators: knots.length - 1,
    multiplier: [slopeBits, distance],
    adderBits: Math.max(slopeBits + distance, addend) + 1,
    shifts: new Set(table.shifts).size,
  };
}
