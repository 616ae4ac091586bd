import type { Grid } from "../../fixed/real.ts";
import type { Rounding } from "../../fixed/round.ts";
import { lastOf, type PwlTable, shiftOf } from "../../pwl/table.ts";

/** An integer table, and what its user must know of it. */
export interface DescribedTable {
  readonly table: PwlTable;
  /** The curve's name, which what is emitted is named after. */
  readonly curve: string;
  /** Real numbers that the smallest and the largest input code stand for. */
  readonly lo: number;
  readonly hi: number;
  readonly input: Grid;
  readonly output: Grid;
  /** Pieces asked for: those of the whole curve. */
  readonly pieces: number;
  readonly method: string;
  /** What its integers were searched for then; "none" where they were not. */
  readonly polish: string;
  /** What the lookup does with the bits below the output's LSB. */
  readonly rounding: Rounding;
}

/** A name for other languages: letters, digits and underscores, no digit in front. */
export function identifierOf(name: string): string {
  const word = name.replaceAll(/\W/g, "_");
  return /^\d/.test(word) ? `_${word}` : word;
}

/** What is emitted, in lines for the head of a file. */
export function headOf(described: DescribedTable): string[] {
  const { curve, lo, hi, input, output, table, method, polish, rounding } = described;
  const half = table.mirror === undefined ? "" : " of the upper half, the lower one mirrored";
  return [
    `${curve} on [${lo}, ${hi}]: ${table.knots.length} pieces${half}, placed by ${method}${polish === "none" ? "" : `, polished: ${polish}`}`,
    `input:  real = ${realOf(input)}, ${formatOf(input)}`,
    `output: real = ${realOf(output)}, ${formatOf(output)}`,
    `slope * (code - knot) is rounded ${rounding}, results saturate`,
  ];
}

const realOf = ({ scale, zero }: Grid): string =>
  `${scale} * ${zero === 0 ? "code" : `(code ${zero < 0 ? "+" : "-"} ${Math.abs(zero)})`}`;
const formatOf = ({ format }: Grid): string => `${format.bits} bits ${format.signed ? "signed" : "unsigned"}`;

/** Width of the sum of an offset's fraction and a product of slope and distance that holds it for every input, its sign included. */
export function sumBitsOf(table: PwlTable): number {
  let most = 1;
  for (const [i, slope] of table.slopes.entries()) {
    const addend = table.offsetFraction === 0 ? 0 : 2 ** shiftOf(table, i);
    const product = slope * (lastOf(table, i) - table.knots[i]!);
    most = Math.max(most, addend, Math.abs(product), Math.abs(product + addend));
  }
  let bits = 1;
  while (2 ** (bits - 1) <= most) bits++;
  return bits;
}

/**
 * When the magnitude `down + rest / step` of a number is rounded away from zero, in the syntax that C and SystemVerilog share.
 * `negative` and `odd` are conditions: the number's sign, and whether `down` is odd. Twice `rest` may not fit its word.
 */
export const ROUNDS_AWAY: Readonly<Record<Rounding, string>> = {
  "half-away": "rest >= step - rest",
  "half-up": "negative ? rest > step - rest : rest >= step - rest",
  "half-even": "rest > step - rest || (rest == step - rest && odd)",
  "half-zero": "rest > step - rest",
  "half-down": "negative ? rest >= step - rest : rest > step - rest",
  floor: "negative && rest > 0",
  ceiling: "!negative && rest > 0",
  truncate: "0",
};
