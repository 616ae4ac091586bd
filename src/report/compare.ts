import { type CsvTable, parseCsv } from "./csv.ts";

/** The columns that say what a row is about: rows equal in all of them are the same row. */
export const IDENTITY = [
  "experiment",
  "model",
  "arch",
  "arch_hash",
  "recipe",
  "split",
  "words",
  "seed",
] as const;
/** Columns that may differ without a result having moved: the order of points, and who computed them. */
const UNREMARKABLE = ["point", "version"];

/** One value that is not what it was. */
interface Move {
  /** The column; its unit is in its name. */
  readonly column: string;
  readonly from: string;
  readonly to: string;
  /** `to` less `from`, signed, with as many decimals as they have; only of numbers. */
  readonly by?: string;
}

/** What became of the rows of one CSV in another. */
export interface Comparison {
  /** No row moved, none is missing on either side, and both have the same columns. */
  readonly equal: boolean;
  readonly same: number;
  readonly moved: readonly { readonly row: string; readonly moves: readonly Move[] }[];
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
  readonly columnsOnlyInA: readonly string[];
  readonly columnsOnlyInB: readonly string[];
  /** All of this for a person; ends with a line end. */
  readonly text: string;
}

/**
 * Compares two CSVs row by row. Rows are the same where all columns of IDENTITY that both files have are equal, and the
 * n-th of several such rows is the n-th of the other file's. The order of rows plays no part.
 *
 * @throws InputError naming the file that is not a CSV
 */
export function compareCsv(aText: string, bText: string, aName: string, bName: string): Comparison {
  const a = parseCsv(aText, aName);
  const b = parseCsv(bText, bName);
  const shared = a.header.filter((column) => b.header.includes(column));
  const keys = IDENTITY.filter((column) => shared.includes(column));
  const values = shared.filter((column) => !UNREMARKABLE.includes(column));
  const rowsA = byIdentity(a, keys);
  const rowsB = byIdentity(b, keys);
  const pairs = [...rowsA].flatMap(([key, from]) => {
    const to = rowsB.get(key);
    return to === undefined ? [] : [{ row: titleOf(from), moves: movesOf(values, from, to) }];
  });
  const moved = pairs.filter(({ moves }) => moves.length > 0);
  const found = {
    same: pairs.length - moved.length,
    moved,
    onlyInA: missing(rowsA, rowsB),
    onlyInB: missing(rowsB, rowsA),
    columnsOnlyInA: a.header.filter((column) => !shared.includes(column)),
    columnsOnlyInB: b.header.filter((column) => !shared.includes(column)),
  };
  const { same: _, ...differences } = found;
  const equal = Object.values(differences).every((list) => list.length === 0);
  return { equal, ...found, text: textOf(found, aName, bName) };
}

type Cells = Readonly<Record<string, string>>;

function byIdentity({ header, rows }: CsvTable, keys: readonly string[]): Map<string, Cells> {
  const found = new Map<string, Cells>();
  const seen = new Map<string, number>();
  for (const row of rows) {
    const cells = Object.fromEntries(header.map((column, i) => [column, row[i]!]));
    const key = JSON.stringify(keys.map((column) => cells[column]));
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    found.set(`${before} ${key}`, cells);
  }
  return found;
}

const missing = (here: ReadonlyMap<string, Cells>, there: ReadonlyMap<string, Cells>): string[] =>
  [...here].filter(([key]) => !there.has(key)).map(([, cells]) => titleOf(cells));

/** A row in words: `point 3: edge16x16 weight_bits=4`. */
function titleOf({ point, arch, changes, ...others }: Cells): string {
  const words = [arch, changes].filter((word) => word !== undefined && word !== "").join(" ");
  const name = words === "" ? Object.values(others).slice(0, 3).join(" ") : words;
  return point === undefined ? name : `point ${point}: ${name}`;
}

function movesOf(columns: readonly string[], from: Cells, to: Cells): Move[] {
  return columns
    .filter((column) => from[column] !== to[column])
    .map((column) => moveOf(column, from[column]!, to[column]!));
}

function moveOf(column: string, from: string, to: string): Move {
  const [a, b] = [decimalsOf(from), decimalsOf(to)];
  if (a === undefined || b === undefined) return { column, from, to };
  const by = Number(to) - Number(from);
  return { column, from, to, by: `${by > 0 ? "+" : ""}${by.toFixed(Math.max(a, b))}` };
}

/** Decimals of a number as written; undefined of anything else. */
function decimalsOf(text: string): number | undefined {
  const match = /^-?\d+(?:\.(\d+))?$/.exec(text);
  return match === null ? undefined : (match[1] ?? "").length;
}

function textOf(found: Omit<Comparison, "equal" | "text">, aName: string, bName: string): string {
  const { same, moved, onlyInA, onlyInB, columnsOnlyInA, columnsOnlyInB } = found;
  const lines = [`${rowsOf(same)} equal, ${moved.length} moved`];
  for (const { row, moves } of moved) lines.push("", row, ...aligned(moves));
  const list = (title: string, items: readonly string[]) => {
    if (items.length > 0) lines.push("", title, ...items.map((item) => `  ${item}`));
  };
  list(`${rowsOf(onlyInA.length)} only in ${aName}`, onlyInA);
  list(`${rowsOf(onlyInB.length)} only in ${bName}`, onlyInB);
  list(`columns only in ${aName}`, columnsOnlyInA);
  list(`columns only in ${bName}`, columnsOnlyInB);
  return `${lines.join("\n")}\n`;
}

const rowsOf = (n: number): string => (n === 1 ? "1 row" : `${n} rows`);

function aligned(moves: readonly Move[]): string[] {
  const widest = (text: (move: Move) => string) => Math.max(...moves.map((move) => text(move).length));
  const widths = [
    widest(({ column }) => column),
    widest(({ from }) => from),
    widest(({ to }) => to),
  ] as const;
  return moves.map(({ column, from, to, by = "" }) =>
    `  ${column.padEnd(widths[0])}  ${from.padStart(widths[1])} -> ${to.padEnd(widths[2])}  ${by}`.trimEnd(),
  );
}
