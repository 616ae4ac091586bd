import type { IntFormat } from "../fixed/format.ts";
import type { PwlTable } from "./table.ts";

/** What of a table decides how much memory it takes. */
export interface TableShape {
  /** Stored: of a table that is mirrored, those of its half. */
  readonly pieces: number;
  readonly inBits: number;
  readonly bits: number;
  readonly slopeBits: number;
  /** Fraction bits of an offset. */
  readonly fraction: number;
  /** 1 where only the upper half is stored. */
  readonly mirrored: number;
}

export const shapeOf = ({
  knots,
  in: input,
  out,
  slopeBits,
  offsetFraction,
  mirror,
}: PwlTable): TableShape => ({
  ...{ pieces: knots.length, inBits: input.bits, bits: out.bits },
  ...{ slopeBits, fraction: offsetFraction, mirrored: mirror === undefined ? 0 : 1 },
});

/** The widest slope: times a distance of 17 bits, and a fraction beside it, a double still has it exactly. */
export const MOST_SLOPE_BITS = 32;
/** The widest offset, a sign among its bits, and the most fraction bits of one. */
const OFFSET_BITS = 32;
export const MOST_FRACTION = 16;

/** The most fraction bits of offsets of this format. */
export const mostFraction = ({ bits, signed }: IntFormat): number =>
  Math.min(MOST_FRACTION, (signed ? OFFSET_BITS : OFFSET_BITS - 1) - bits);

/** Width of a stored shift, of slopes and of requantizers alike: 0 … 62 for a right shift, negative for a left shift. */
export const SHIFT_BITS = 8;
/** Width of the sums of a mirrored table. */
const SUM_BITS = 32;

/**
 * What is stored of a table, as arrays of `count` codes of `bits` bits: knots, offsets, slopes, a shift for each piece
 * or for all, and the sums that a mirrored one has.
 *
 * @param shifts  that are stored: one, or one for each piece
 */
export const storedArrays = (
  { pieces, inBits, bits, slopeBits, fraction, mirrored }: TableShape,
  shifts: number,
) =>
  [
    ["knot", inBits, pieces],
    ["base", bits + fraction, pieces],
    ["slope", slopeBits, pieces],
    ["shift", SHIFT_BITS, shifts],
    ["sum", SUM_BITS, 2 * mirrored],
  ] as const satisfies readonly (readonly [name: string, bits: number, count: number])[];
