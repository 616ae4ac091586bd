import type { Column } from "./column.ts";

/** Columns of a terminal. */
const WIDTH = 120;
const GAP = "  ";
/** A column of words gives way to the others, but not below this. */
const LEAST_WORDS = 40;

/** A column as printed: a heading of one or more lines, then a cell for each row. */
interface Printed {
  readonly name: string;
  readonly heading: readonly string[];
  readonly cells: readonly string[];
  readonly isNumeric: boolean;
  readonly mayGo: boolean;
}

/**
 * A table for a terminal of 120 characters: the columns that are always shown, and of the others that may be those in
 * which the rows differ; what is the same in every row is said once below. Numbers are grouped by thousands.
 * Where it is too wide, the widest column of words is cut short, then columns that need not be shown are left out.
 *
 * @returns lines, each with its line end; one sentence where there are no rows
 */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  if (rows.length === 0) return "no rows\n";
  const visible = columns.filter(({ show }) => show !== "csv").map((column) => printed(column, rows));
  const differs = ({ mayGo, cells }: Printed) => !mayGo || cells.some((cell) => cell !== cells[0]);
  const { shown, dropped } = fit(visible.filter(differs));
  const widths = shown.map(widthOf);
  const depth = Math.max(...shown.map(({ heading }) => heading.length));
  const heading = Array.from({ length: depth }, (_, line) =>
    shown.map((column) => column.heading[line - depth + column.heading.length] ?? ""),
  );
  const body = rows.map((_, row) => shown.map(({ cells }) => cells[row]!));
  const lines = [...heading, widths.map((width) => "-".repeat(width)), ...body].map((cells) =>
    cells
      .map((cell, c) => (shown[c]!.isNumeric ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!)))
      .join(GAP),
  );
  const same = visible.filter((column) => !differs(column)).map(({ name, cells }) => `${name} ${cells[0]}`);
  return [
    ...lines.map((line) => line.trimEnd()),
    ...note("in every row: ", same),
    ...note("left out for want of room: ", dropped),
    "",
  ].join("\n");
}

function printed<Row>({ name, show, of }: Column<Row>, rows: readonly Row[]): Printed {
  const values = rows.map((row) => String(of(row)));
  const isNumeric = values.every((value) => NUMBER.test(value));
  return {
    name,
    // Units and nouns on lines of their own keep columns of numbers narrow.
    heading: name.split("_"),
    cells: isNumeric ? values.map(groupDigits) : values.map((value) => (value === "" ? "-" : value)),
    isNumeric,
    mayGo: show === "varying",
  };
}

const NUMBER = /^-?\d+(\.\d+)?$/;

/** 1234567.5 -> 1,234,567.5 */
export function groupDigits(value: string): string {
  const [whole = "", decimals] = value.split(".");
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return decimals === undefined ? groups : `${groups}.${decimals}`;
}

const widthOf = ({ heading, cells }: Printed): number =>
  Math.max(...[...heading, ...cells].map(({ length }) => length));

const totalOf = (columns: readonly Printed[]): number =>
  columns.reduce((sum, column) => sum + widthOf(column), GAP.length * (columns.length - 1));

/** The columns that have room, and the names of those that have not. */
function fit(columns: readonly Printed[]): {
  readonly shown: readonly Printed[];
  readonly dropped: readonly string[];
} {
  const shown = [...columns];
  const dropped: string[] = [];
  while (totalOf(shortened(shown)) > WIDTH) {
    const last = shown.findLastIndex(({ mayGo }) => mayGo);
    if (last === -1) break;
    dropped.unshift(shown[last]!.name);
    shown.splice(last, 1);
  }
  return { shown: shortened(shown), dropped };
}

/** The widest column of words, cut so that the whole fits, as far as it may be. */
function shortened(columns: readonly Printed[]): readonly Printed[] {
  const excess = totalOf(columns) - WIDTH;
  const words = columns.filter(({ isNumeric }) => !isNumeric);
  const widest = words.reduce<Printed | undefined>(
    (best, column) => (best === undefined || widthOf(column) > widthOf(best) ? column : best),
    undefined,
  );
  if (excess <= 0 || widest === undefined) return columns;
  const room = Math.max(widthOf(widest) - excess, LEAST_WORDS);
  const cut = (cell: string) => (cell.length > room ? `${cell.slice(0, room - 1)}…` : cell);
  return columns.map((column) => (column === widest ? { ...column, cells: column.cells.map(cut) } : column));
}

/** Words after a title, wrapped and indented; nothing where there are none. */
function note(title: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  const lines = [title];
  for (const [i, item] of items.entries()) {
    const piece = i < items.length - 1 ? `${item}, ` : item;
    if (lines.at(-1)!.length + piece.length > WIDTH) lines.push("  ");
    lines[lines.length - 1] += piece;
  }
  return ["", ...lines.map((line) => line.trimEnd())];
}
