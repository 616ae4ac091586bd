import type { Column, ColumnFacts } from "../report/column.ts";
import { parseDecimal } from "../report/decimal.ts";
import { groupDigits } from "../report/table.ts";

/** Text for a terminal: columns apart by two spaces, the last one wrapped at the width. */

const WIDTH = 110;
const GAP = "  ";
/** A last column narrower than this is not wrapped: it would be a word a line. */
const NARROWEST = 30;

interface Layout {
  /** Columns whose cells stand at the right, as numbers do. */
  readonly right?: readonly number[];
  /** Before every line. */
  readonly indent?: string;
}

/** Rows of cells as lines, each ended; columns as wide as their widest cell, nothing at the end of a line. */
export function layOut(
  rows: readonly (readonly string[])[],
  { right = [], indent = "" }: Layout = {},
): string {
  // One by one: there may be more rows than a call takes arguments.
  const most = (of: (row: readonly string[]) => number) =>
    rows.reduce((largest, row) => Math.max(largest, of(row)), 0);
  const last = most((row) => row.length) - 1;
  const widths = Array.from({ length: last + 1 }, (_, i) => most((row) => (row[i] ?? "").length));
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, indent.length);
  const isWrapped = !right.includes(last) && WIDTH - before >= NARROWEST;
  const lines: string[] = [];
  for (const row of rows) {
    const cells = widths.map((width, i) => {
      const cell = row[i] ?? "";
      return right.includes(i) ? cell.padStart(width) : cell.padEnd(width);
    });
    const tail = cells[last]?.trimEnd() ?? "";
    const [first = "", ...rest] = isWrapped ? wrap(tail, WIDTH - before) : [tail];
    lines.push((indent + [...cells.slice(0, last), first].join(GAP)).trimEnd());
    for (const line of rest) lines.push(" ".repeat(before) + line);
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Lines of whole words, none longer than `room` unless a word is. */
function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** `12,345`, whatever the locale. */
export const grouped = (value: number): string => groupDigits(String(value));

/** One JSON document, ended. */
export const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A row by its columns' names: numbers where the column has a unit, whatever decimals its text has. */
export const recordOf = <Row>(columns: readonly Column<Row>[], row: Row): Record<string, number | string> =>
  Object.fromEntries(columns.map((column) => [column.name, cellOf(column, column.of(row))]));

/** What has no unit is a word, unless it may be a number and is one. */
function cellOf({ unit, mayBeNumber }: ColumnFacts, value: number | string): number | string {
  const isNumber = unit !== "" || (mayBeNumber === true && parseDecimal(String(value)) !== undefined);
  return isNumber ? Number(value) : value;
}
