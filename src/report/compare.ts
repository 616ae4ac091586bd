import { InputError } from "../base/errors.ts";
import { suggestion } from "../base/settings.ts";
import type { Column, ColumnFacts } from "./column.ts";
import { type CsvTable, parseCsv } from "./csv.ts";
import { type Decimal, isAbove, magnitude, minus, parseDecimal, signed, times } from "./decimal.ts";
import { renderTable } from "./table.ts";

/** How far a value may move and be what it was. */
export interface Tolerance {
  /** >= 0, in the column's unit or in percent of the value before. */
  readonly most: Decimal;
  readonly isPercent: boolean;
  /** As it was given. */
  readonly text: string;
}

/** `0.1` or `1%`; undefined of anything else. */
export function parseTolerance(text: string): Tolerance | undefined {
  const isPercent = text.endsWith("%");
  const most = parseDecimal(isPercent ? text.slice(0, -1) : text);
  return most === undefined || most.digits < 0n ? undefined : { most, isPercent, text };
}

/** What tells rows apart, and how they may move. */
export interface Rules {
  /** What is known of columns, by their names; of others nothing is. */
  readonly facts: ReadonlyMap<string, ColumnFacts>;
  /** By column; others may not move at all. */
  readonly tolerances: ReadonlyMap<string, Tolerance>;
  /** Columns that rows are matched by, in place of those whose role is identity. */
  readonly keys?: readonly string[] | undefined;
}

/** `moved` is neither better nor worse: words, and numbers of which nobody says what is better. */
const VERDICTS = ["worse", "moved", "better", "within"] as const;
type Verdict = (typeof VERDICTS)[number];

/** One value that is not what it was. */
interface Move {
  /** The column; its unit is in its name. */
  readonly column: string;
  readonly from: string;
  readonly to: string;
  /** `to` less `from`, signed, with as many decimals as they have; only of numbers. */
  readonly by?: string;
  readonly verdict: Verdict;
}

interface MovedRow {
  readonly row: string;
  /** The worst of its moves. */
  readonly verdict: Verdict;
  /** Those beyond tolerance. */
  readonly moves: readonly Move[];
}

/** What became of a column over all rows. */
interface ColumnSummary extends Readonly<Record<Verdict, number>> {
  readonly column: string;
  readonly tolerance: string;
  /** The largest move for the worse, and the row of it; empty where there is none. */
  readonly worst: string;
}

/** What became of the rows of one CSV in another. */
export interface Comparison {
  /** Not a character of a result differs, no row and no column is missing on either side. */
  readonly equal: boolean;
  /** A value is worse by more than its tolerance, or a row or a result of the first file is not in the second. */
  readonly worse: boolean;
  readonly same: number;
  /** Rows that differ, no value by more than its tolerance. */
  readonly within: number;
  /** The others, what got worse first. */
  readonly moved: readonly MovedRow[];
  readonly columns: readonly ColumnSummary[];
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
  readonly columnsOnlyInA: readonly string[];
  readonly columnsOnlyInB: readonly string[];
  /** All of this for a person; ends with a line end. */
  readonly text: string;
}

/**
 * Compares two CSVs row by row. Rows are the same where all key columns that both files have are equal, and the
 * n-th of several such rows is the n-th of the other file's. The order of rows plays no part. A value moves for the
 * better or worse as its column says; a column that says nothing is worse where it leaves a tolerance that was given for it, either
 * way. A result that is no number any more is worse.
 *
 * @throws InputError naming the file that is not a CSV, or that has no such column as is asked for
 */
export function compareCsv(
  aText: string,
  bText: string,
  aName: string,
  bName: string,
  rules: Rules,
): Comparison {
  const a = parseCsv(aText, aName);
  const b = parseCsv(bText, bName);
  for (const column of [...rules.tolerances.keys(), ...(rules.keys ?? [])]) {
    requireColumn(a, column, aName);
    requireColumn(b, column, bName);
  }
  const shared = a.header.filter((column) => b.header.includes(column));
  const roleOf = (column: string) => rules.facts.get(column)?.role;
  const keys = rules.keys ?? shared.filter((column) => roleOf(column) === "identity");
  const values = shared.filter((column) => roleOf(column) !== "incidental");
  const rowsA = byIdentity(a, keys);
  const rowsB = byIdentity(b, keys);
  const pairs = [...rowsA].flatMap(([key, from]) => {
    const to = rowsB.get(key);
    return to === undefined ? [] : [{ row: titleOf(from), all: movesOf(values, from, to, rules) }];
  });
  const found = {
    same: pairs.filter(({ all }) => all.length === 0).length,
    within: pairs.filter(({ all }) => all.length > 0 && !all.some(isBeyond)).length,
    moved: movedRows(pairs),
    columns: summariesOf(values, pairs, rules),
    onlyInA: missing(rowsA, rowsB),
    onlyInB: missing(rowsB, rowsA),
    columnsOnlyInA: a.header.filter((column) => !shared.includes(column)),
    columnsOnlyInB: b.header.filter((column) => !shared.includes(column)),
  };
  const { onlyInA, onlyInB, columnsOnlyInA, columnsOnlyInB } = found;
  const isWhole = [onlyInA, onlyInB, columnsOnlyInA, columnsOnlyInB].every((list) => list.length === 0);
  const lostResults = columnsOnlyInA.filter((column) => rules.facts.get(column)?.better !== undefined);
  return {
    equal: isWhole && found.same === pairs.length,
    worse:
      found.moved.some(({ verdict }) => verdict === "worse") || onlyInA.length > 0 || lostResults.length > 0,
    ...found,
    text: textOf(found, aName, bName),
  };
}

function requireColumn({ header }: CsvTable, column: string, where: string): void {
  if (!header.includes(column))
    throw new InputError(where, `no column ${column}${suggestion(column, header)}`);
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

function movesOf(columns: readonly string[], from: Cells, to: Cells, rules: Rules): Move[] {
  return columns
    .filter((column) => from[column] !== to[column])
    .map((column) => moveOf(column, from[column]!, to[column]!, rules));
}

function moveOf(column: string, from: string, to: string, { facts, tolerances }: Rules): Move {
  const better = facts.get(column)?.better;
  const tolerance = tolerances.get(column);
  const [a, b] = [parseDecimal(from), parseDecimal(to)];
  const isJudged = better !== undefined || tolerance !== undefined;
  if (a === undefined || b === undefined)
    return { column, from, to, verdict: isJudged && a !== undefined ? "worse" : "moved" };
  const by = minus(b, a);
  return { column, from, to, by: signed(by), verdict: verdictOf(by, a, better, tolerance) };
}

function verdictOf(
  by: Decimal,
  from: Decimal,
  better: ColumnFacts["better"],
  tolerance: Tolerance | undefined,
): Verdict {
  if (isTolerated(by, from, tolerance)) return "within";
  if (better === undefined) return tolerance === undefined ? "moved" : "worse";
  return by.digits < 0n === (better === "lower") ? "better" : "worse";
}

const HUNDRED: Decimal = { digits: 100n, decimals: 0 };

/** Exact in decimals, so that what stands on the border is within it. */
function isTolerated(by: Decimal, from: Decimal, tolerance: Tolerance | undefined): boolean {
  if (tolerance === undefined) return by.digits === 0n;
  const { most, isPercent } = tolerance;
  const distance = magnitude(by);
  return isPercent
    ? !isAbove(times(distance, HUNDRED), times(most, magnitude(from)))
    : !isAbove(distance, most);
}

const isBeyond = ({ verdict }: Move): boolean => verdict !== "within";

interface Pair {
  readonly row: string;
  readonly all: readonly Move[];
}

function movedRows(pairs: readonly Pair[]): MovedRow[] {
  const rank = ({ verdict }: { readonly verdict: Verdict }) => VERDICTS.indexOf(verdict);
  return pairs
    .map(({ row, all }) => ({ row, moves: all.filter(isBeyond) }))
    .filter(({ moves }) => moves.length > 0)
    .map(({ row, moves }) => ({ row, verdict: VERDICTS[Math.min(...moves.map(rank))]!, moves }))
    .sort((a, b) => rank(a) - rank(b));
}

function summariesOf(columns: readonly string[], pairs: readonly Pair[], rules: Rules): ColumnSummary[] {
  return columns.flatMap((column): ColumnSummary[] => {
    const moves = pairs.flatMap(({ row, all }) =>
      all.filter((move) => move.column === column).map((move) => ({ row, ...move })),
    );
    if (moves.length === 0) return [];
    const count = (verdict: Verdict) => moves.filter((move) => move.verdict === verdict).length;
    const sizeOf = ({ by }: Move) => Math.abs(Number(by ?? Number.POSITIVE_INFINITY));
    const worst = moves
      .filter(({ verdict }) => verdict === "worse")
      .reduce<(typeof moves)[number] | undefined>(
        (most, move) => (most === undefined || sizeOf(move) > sizeOf(most) ? move : most),
        undefined,
      );
    return [
      {
        column,
        tolerance: rules.tolerances.get(column)?.text ?? "0",
        worse: count("worse"),
        moved: count("moved"),
        better: count("better"),
        within: count("within"),
        worst: worst === undefined ? "" : `${worst.by ?? worst.to} ${worst.row}`,
      },
    ];
  });
}

const SUMMARY: readonly Column<ColumnSummary>[] = [
  ["column", "of the files", ({ column }: ColumnSummary) => column],
  ["tolerance", "how far it may move", ({ tolerance }: ColumnSummary) => tolerance],
  ...VERDICTS.map((verdict) => [verdict, "rows", (one: ColumnSummary) => one[verdict]] as const),
  ["worst", "the largest move for the worse", ({ worst }: ColumnSummary) => worst],
].map(([name, doc, of]) => ({ name, unit: "", doc, show: "always", of }) as Column<ColumnSummary>);

function textOf(found: Omit<Comparison, "equal" | "worse" | "text">, aName: string, bName: string): string {
  const { moved, columns, onlyInA, onlyInB, columnsOnlyInA, columnsOnlyInB } = found;
  const lines = [headlineOf(found)];
  if (moved.length > 1) lines.push("", renderTable(SUMMARY, columns).trimEnd());
  for (const { row, moves } of moved) lines.push("", row, ...alignedMoves(moves));
  const list = (title: string, items: readonly string[]) => {
    if (items.length > 0) lines.push("", title, ...items.map((item) => `  ${item}`));
  };
  list(`${rowsOf(onlyInA.length)} only in ${aName}`, onlyInA);
  list(`${rowsOf(onlyInB.length)} only in ${bName}`, onlyInB);
  list(`columns only in ${aName}`, columnsOnlyInA);
  list(`columns only in ${bName}`, columnsOnlyInB);
  return `${lines.join("\n")}\n`;
}

/** `26 rows equal, 1 within tolerance, 3 moved: 2 worse, 1 better`. */
function headlineOf({ same, within, moved }: Pick<Comparison, "same" | "within" | "moved">): string {
  const kinds = (["worse", "better"] as const)
    .map((verdict) => [moved.filter((row) => row.verdict === verdict).length, verdict] as const)
    .filter(([count]) => count > 0)
    .map(([count, verdict]) => `${count} ${verdict}`);
  return [
    `${rowsOf(same)} equal, `,
    within > 0 ? `${within} within tolerance, ` : "",
    `${moved.length} moved`,
    kinds.length > 0 ? `: ${kinds.join(", ")}` : "",
  ].join("");
}

const rowsOf = (n: number): string => (n === 1 ? "1 row" : `${n} rows`);

/** One move a line, columns of figures under each other. */
function alignedMoves(moves: readonly Move[]): string[] {
  const cells = moves.map(({ column, from, to, by = "", verdict }) => [
    column,
    from,
    to,
    by,
    shareOf(from, by),
    verdict === "moved" ? "" : verdict,
  ]);
  const widths = cells[0]!.map((_, c) => Math.max(...cells.map((row) => row[c]!.length)));
  const right = (row: readonly string[], c: number) => row[c]!.padStart(widths[c]!);
  const left = (row: readonly string[], c: number) => row[c]!.padEnd(widths[c]!);
  return cells.map((row) =>
    `  ${left(row, 0)}  ${right(row, 1)} -> ${left(row, 2)}  ${right(row, 3)}  ${right(row, 4)}  ${row[5]}`.trimEnd(),
  );
}

/** By how many percent; empty where there is nothing to measure by. */
function shareOf(from: string, by: string): string {
  if (by === "" || Number(from) === 0) return "";
  const percent = (100 * Number(by)) / Math.abs(Number(from));
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)}%`;
}
