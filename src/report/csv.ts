import { stringify } from "csv-stringify/sync";
import { csvRecords } from "../base/csv.ts";
import { InputError } from "../base/errors.ts";
import type { Column } from "./column.ts";

/** Columns in the table's order. Equal rows give equal bytes. */
export const toCsv = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string =>
  csvOf(tableOf(columns, rows));

/** Rows by their columns, as a CSV of them is read back. */
export const tableOf = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): CsvTable => ({
  header: columns.map(({ name }) => name),
  rows: rows.map((row) => columns.map((column) => String(column.of(row)))),
});

/** RFC 4180 but for its line ends, which are LF: always a header. */
export const csvOf = ({ header, rows }: CsvTable): string =>
  stringify([header, ...rows] as string[][], {
    record_delimiter: "\n",
    // RFC 4180 quotes a lone CR too.
    quoted_match: /\r/,
  });

/** A CSV as read: every value is text. */
export interface CsvTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * Reads RFC 4180 with LF or CRLF line ends; the first record is the header.
 * @throws InputError naming `where` and the record that is not CSV, or not of the header's length
 */
export function parseCsv(text: string, where: string): CsvTable {
  const [header, ...rows] = csvRecords(text, where);
  if (header === undefined) throw new InputError(where, "an empty file, without a header");
  for (const [i, row] of rows.entries()) {
    if (row.length !== header.length) {
      throw new InputError(where, `record ${i + 2} has ${row.length} fields, the header ${header.length}`);
    }
  }
  return { header, rows };
}
