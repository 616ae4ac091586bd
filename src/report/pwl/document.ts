import { decode, type Grid } from "../../fixed/real.ts";
import { powerOfTwo } from "../../fixed/round.ts";
import { lastOf, shiftOf } from "../../pwl/table.ts";
import type { Column } from "../column.ts";
import { toCsv } from "../csv.ts";
import type { DescribedTable } from "./described.ts";

/** Every field of the table, its grids and its rounding, as one JSON document. */
export function toJsonDocument(described: DescribedTable): string {
  const { table, curve, lo, hi, pieces, method, polish, rounding, input, output } = described;
  const document = {
    ...{ curve, lo, hi, method, pieces, polish, rounding },
    input: gridOf(input),
    output: gridOf(output),
    slope_bits: table.slopeBits,
    offset_fraction: table.offsetFraction,
    mirror: table.mirror === undefined ? null : { in_sum: table.mirror.inSum, out_sum: table.mirror.outSum },
    knots: [...table.knots],
    offsets: [...table.bases],
    slopes: [...table.slopes],
    shifts: [...table.shifts],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const gridOf = ({ format, scale, zero }: Grid) => ({ ...format, scale, zero });

interface PieceRow {
  readonly described: DescribedTable;
  readonly i: number;
}

const column = (name: string, doc: string, of: (row: PieceRow) => number): Column<PieceRow> => ({
  ...{ name, doc, of },
  ...{ unit: "", show: "always" },
});

const PIECE_COLUMNS: readonly Column<PieceRow>[] = [
  column("piece", "from 0", ({ i }) => i),
  column("knot", "first input code", ({ described: { table }, i }) => table.knots[i]!),
  column("last", "last input code", ({ described: { table }, i }) => lastOf(table, i)),
  column(
    "offset",
    "at the knot, in output codes times 2^fraction",
    ({ described: { table }, i }) => table.bases[i]!,
  ),
  column("fraction", "fraction bits of an offset", ({ described: { table } }) => table.offsetFraction),
  column(
    "slope",
    "output LSBs per input LSB, times 2^shift",
    ({ described: { table }, i }) => table.slopes[i]!,
  ),
  column("shift", "of the slope", ({ described: { table }, i }) => shiftOf(table, i)),
  column("x", "real input at the knot", ({ described: { table, input }, i }) =>
    decode(table.knots[i]!, input),
  ),
  column("y", "real result at the knot", ({ described: { table, output }, i }) =>
    decode(table.bases[i]! / powerOfTwo(table.offsetFraction), output),
  ),
  column(
    "dy_dx",
    "real slope",
    ({ described: { table, input, output }, i }) =>
      (table.slopes[i]! / powerOfTwo(shiftOf(table, i))) * (output.scale / input.scale),
  ),
];

/** A row for each piece stored: its integers, and what they stand for. */
export const toPiecesCsv = (described: DescribedTable): string =>
  toCsv(
    PIECE_COLUMNS,
    Array.from(described.table.knots, (_, i) => ({ described, i })),
  );
