import { InputError } from "../base/errors.ts";
import { readText } from "../base/yaml.ts";
import { type IntFormat, maxOf, minOf } from "../fixed/format.ts";
import { parseCsv } from "../report/csv.ts";
import { Source } from "./source.ts";

/**
 * A CSV as a list for each column: numbers, null where a cell is empty, otherwise the text. Lines that begin with #
 * are comments.
 *
 * @throws InputError for a file that is not a CSV, or has no rows
 */
export function columnsOf(file: string): Source {
  const lines = readText(file)
    .split("\n")
    .filter((line) => !line.startsWith("#"));
  const { header, rows } = parseCsv(lines.join("\n"), file);
  if (rows.length === 0) throw new InputError(file, "a header without rows");
  const columns = header.map((name, i) => [name, rows.map((row) => cellOf(row[i]!))] as const);
  return new Source(file, "", Object.fromEntries(columns));
}

function cellOf(text: string): number | string | null {
  if (text === "") return null;
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

/** A column of codes of a format. @throws InputError for a cell that is none */
export function columnOf(source: Source, key: string, format: IntFormat): readonly number[] {
  return columnWithin(source, key, minOf(format), maxOf(format));
}

export function columnWithin(source: Source, key: string, lo: number, hi: number): readonly number[] {
  const codes = source.codes(key);
  const odd = codes.findIndex((code) => code < lo || code > hi);
  if (odd >= 0) source.at(key).refuse(`element ${odd} is ${codes[odd]}, which is not within ${lo} … ${hi}`);
  return codes;
}
