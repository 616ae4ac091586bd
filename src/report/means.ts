import { InputError } from "../base/errors.ts";
import type { CsvTable } from "./csv.ts";
import { parseDecimal } from "./decimal.ts";

/** Mean of a figure over repetitions, and their sample standard deviation (n - 1), which a single one has not. */
export interface Spread {
  readonly mean: number;
  readonly deviation?: number;
}

/** Points that are alike but for what is averaged over. */
export interface Repeated {
  /** Machine, recipe and changes, without what is averaged over. */
  readonly name: string;
  readonly count: number;
  /** By column. */
  readonly figures: ReadonlyMap<string, Spread>;
}

/**
 * Averages figures over rows that are about the same thing but for what is averaged over, in the order of the rows.
 *
 * @param about    columns that say what a row is about
 * @param over     parameters of `changes`, or such columns: `tuning_seed`, `seed`
 * @param figures  columns of numbers
 * @throws InputError naming the file and a column that is not there, or a cell that is no number
 */
export function meansOf(
  { header, rows }: CsvTable,
  where: string,
  about: readonly string[],
  over: readonly string[],
  figures: readonly string[],
): Repeated[] {
  const column = (name: string): number => {
    const index = header.indexOf(name);
    if (index < 0) throw new InputError(where, `no column ${name}`);
    return index;
  };
  const changes = column("changes");
  const alike = about.filter((name) => header.includes(name) && name !== "changes" && !over.includes(name));
  const named = alike.filter(
    (name) => name === "arch" || rows.some((row) => row[column(name)] !== rows[0]![column(name)]),
  );
  const called = (row: readonly string[], name: string): string => {
    const text = row[column(name)]!;
    return /^\d+$/.test(text) ? `${name}=${text}` : text;
  };
  const groups = new Map<string, { name: string; rows: (readonly string[])[] }>();
  for (const row of rows) {
    const kept = row[changes]!.split(" ").filter((word) => !over.includes(word.split("=")[0]!));
    const key = JSON.stringify([...alike.map((name) => row[column(name)]), kept]);
    const name = [...named.map((each) => called(row, each)), ...kept].join(" ").trim();
    const group = groups.get(key) ?? { name, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  const numberAt = (row: readonly string[], name: string): number => {
    const text = row[column(name)]!;
    if (parseDecimal(text) === undefined) throw new InputError(where, `${name}: ${text} is no number`);
    return Number(text);
  };
  return [...groups.values()].map(({ name, rows: some }) => ({
    name,
    count: some.length,
    figures: new Map(figures.map((figure) => [figure, spreadOf(some.map((row) => numberAt(row, figure)))])),
  }));
}

function spreadOf(values: readonly number[]): Spread {
  const n = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  if (n === 1) return { mean };
  return { mean, deviation: (values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1)) ** 0.5 };
}
