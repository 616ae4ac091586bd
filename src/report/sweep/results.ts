import { InputError } from "../../base/errors.ts";
import type { ColumnFacts } from "../column.ts";
import type { CsvTable } from "../csv.ts";
import { parseDecimal } from "../decimal.ts";

/** A column of a CSV, as charts read it. */
export interface Field extends ColumnFacts {
  /** `[points]` as the file has them. */
  readonly texts: readonly string[];
  /** `[points]` where all of them are numbers. */
  readonly numbers?: readonly number[];
}

/** The points of a sweep. */
export interface Results {
  /** For titles: the file's name. */
  readonly title: string;
  readonly fields: readonly Field[];
  readonly count: number;
  /** `[points]` what a person calls each. */
  readonly names: readonly string[];
  /** `[points]` the command line that gives the point again. */
  readonly commands: readonly string[];
}

/** Columns without which a point has no name. */
const REQUIRED = ["experiment", "point", "model", "arch", "changes"];

/**
 * The points of a sweep's CSV. Parameters that only `changes` tells of become fields of their own, empty where a point
 * leaves them as its files have them. A column that nothing is known of is a result without a direction.
 *
 * @param facts      of columns, by name
 * @param commandOf  the command line that gives a row again
 * @throws InputError naming the file where it is no sweep's, or has no points
 */
export function resultsOf(
  { header, rows }: CsvTable,
  where: string,
  facts: ReadonlyMap<string, ColumnFacts>,
  commandOf: (cells: Readonly<Record<string, string>>) => string,
): Results {
  const lacking = REQUIRED.filter((name) => !header.includes(name));
  if (lacking.length > 0)
    throw new InputError(where, `not a CSV that sweep wrote: no column ${lacking.join(", ")}`);
  if (rows.length === 0) throw new InputError(where, "a header, and no points");
  const fields = header.map((name, c) =>
    fieldOf(
      facts.get(name) ?? { name, unit: "", doc: "", show: "csv" },
      rows.map((row) => row[c]!),
      !facts.has(name),
    ),
  );
  const all = [...fields, ...changedParameters(fields)];
  const named = namesOf(all, rows.length);
  return {
    title: where.split(/[\\/]/).at(-1)!,
    fields: all,
    count: rows.length,
    names: named,
    commands: rows.map((row) => commandOf(Object.fromEntries(header.map((name, c) => [name, row[c]!])))),
  };
}

/** Words and identities have no unit, and are no numbers even where they look like some. */
function fieldOf(facts: ColumnFacts, texts: readonly string[], isUnknown = false): Field {
  const known = { ...factsOf(facts), texts };
  if (!isUnknown && facts.unit === "") return known;
  const numbers = texts.map((text) => (parseDecimal(text) === undefined ? Number.NaN : Number(text)));
  return numbers.every(Number.isFinite) ? { ...known, numbers } : known;
}

/** Facts alone, of what may be a column with a getter. */
const factsOf = ({ of: _, ...facts }: ColumnFacts & { readonly of?: unknown }): ColumnFacts => facts;

/** `weight_bits=4 mac.rows=32`, as pairs. */
export const changesOf = (text: string): readonly (readonly [parameter: string, value: string])[] =>
  text
    .split(" ")
    .filter((word) => word.includes("="))
    .map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]);

/** A field for each parameter of `changes` that no column shows. */
function changedParameters(fields: readonly Field[]): Field[] {
  const shown = new Set(fields.map(({ name, parameter }) => parameter ?? name));
  const changes = fieldNamed(fields, "changes").texts.map((text) => new Map(changesOf(text)));
  const names = new Set(changes.flatMap((pairs) => [...pairs.keys()]).filter((name) => !shown.has(name)));
  return [...names].map((name) =>
    fieldOf(
      {
        name,
        unit: "",
        doc: "where it departs from the files of machine and recipe",
        show: "csv",
        role: "setting",
      },
      changes.map((pairs) => pairs.get(name) ?? ""),
      true,
    ),
  );
}

/** A field that is known to be there. */
export const fieldNamed = (fields: readonly Field[], name: string): Field => {
  const field = fields.find((one) => one.name === name);
  if (field === undefined) throw new RangeError(`no field ${name}`);
  return field;
};

/** What is run, and where: files by their names, samples by numbers that need theirs beside them. */
const ORIGINS = /^(model|arch|recipe|mapper|seed|calibration_.*)$/;

/** What is run and where, as far as that differs between points, and what departs from the files. */
function namesOf(fields: readonly Field[], count: number): string[] {
  const origins = fields.filter((field) => ORIGINS.test(field.name) && varies(field));
  const parts = [...origins, fieldNamed(fields, "changes")];
  return Array.from({ length: count }, (_, row) => {
    const words = parts
      .map(({ name, texts }) => (/^\d+$/.test(texts[row]!) ? `${name}=${texts[row]}` : texts[row]!))
      .filter((word) => word !== "");
    return words.length === 0 ? "as its files" : words.join(" ");
  });
}

export function varies(field: Field): boolean {
  const values: readonly unknown[] = field.numbers ?? field.texts;
  return values.some((value) => value !== values[0]);
}

/** What points differ in by choice: axes of charts, in the order of the columns. */
export const axesOf = ({ fields }: Results): Field[] =>
  fields.filter((field) => (field.role === "setting" || ORIGINS.test(field.name)) && varies(field));

/** Numbers that points differ in: what a chart may show. */
export const figuresOf = ({ fields }: Results): Field[] =>
  fields.filter(
    (field) =>
      field.numbers !== undefined && (field.role === undefined || field.role === "setting") && varies(field),
  );

/**
 * The figure of merit: the first column that has a direction, which is the model's own metric; where all points share that, the
 * first that they differ in of those that are always shown, time aside, for that is what merit is held against.
 */
export const meritOf = ({ fields }: Results): Field | undefined => {
  const all = fields.filter(({ better, numbers }) => better !== undefined && numbers !== undefined);
  const [first] = all;
  if (first === undefined || varies(first)) return first;
  return all.find((field) => field.show === "always" && field.unit !== "cycle" && varies(field)) ?? first;
};

/** Cycles as people read them. */
export const cyclesOf = ({ fields }: Results): Field | undefined => {
  const all = fields.filter(
    ({ unit, better, numbers }) => unit === "cycle" && better !== undefined && numbers !== undefined,
  );
  return all.find(({ show }) => show === "always") ?? all[0];
};

/** Figures that parts of them are known of, each with its parts. */
export const wholesOf = ({
  fields,
}: Results): { readonly whole: Field; readonly parts: readonly Field[] }[] =>
  fields.flatMap((whole) => {
    const parts = fields.filter(({ partOf, numbers }) => partOf === whole.name && numbers !== undefined);
    return parts.length > 0 && whole.numbers !== undefined ? [{ whole, parts }] : [];
  });

/** The float model's value of a figure, where all points share it. */
export function floatOf({ fields }: Results, { floatColumn }: Field): number | undefined {
  const field = fields.find(({ name }) => name === floatColumn);
  return field === undefined || varies(field) ? undefined : field.numbers?.[0];
}

/** `cycles per word`. */
export const labelOf = ({ name }: Field): string => name.replaceAll("_", " ");

/** Whether a is better than b, of a figure; where it does not say, the lower. */
export const isBetter = ({ better }: Field, a: number, b: number): boolean =>
  better === "higher" ? a > b : a < b;
