import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { Source } from "./source.ts";
import type { Case, Suite, Support } from "./suite.ts";
import { skipped, type Verdict } from "./verdict.ts";

/** What is known of a reference's operator, and how one of its cases is held against the machine. */
export interface Operator extends Omit<Support, "suite"> {
  run(source: Source): Verdict;
}

/** An operator that is held bit for bit. */
export const exact = (operation: string, format: string, run: Operator["run"]): Operator => ({
  ...{ operation, format, agreement: "bit-exact" },
  run,
});

/** An operator that is known and not simulated: why. */
interface Unsupported {
  readonly unsupported: string;
}

export type Operators = Readonly<Record<string, Operator | Unsupported>>;

const isSupported = (entry: Operator | Unsupported): entry is Operator => "run" in entry;

/** The files of a folder, by name; none where it is missing. */
export const filesOf = (folder: string, ending: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith(ending))
        .sort()
        .map((file) => join(folder, file))
    : [];

export const foldersOf = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort();

export const stemOf = (file: string): string => basename(file).replace(/\.[^.]*$/, "");

/** A suite of which the operator's name decides what is done; an operator that nobody knows is skipped by name. */
export function operatorSuite(
  folder: string,
  operator: string,
  operators: Operators,
  sources: () => readonly { readonly name: string; readonly source: Source }[],
): Suite {
  const entry = operators[operator];
  const name = `${folder}/${operator}`;
  return {
    name,
    cases: (): readonly Case[] =>
      sources().map(({ name, source }) => ({
        name,
        run: () => {
          if (entry === undefined) return skipped(`no operator of this name is known: ${operator}`);
          return isSupported(entry) ? entry.run(source) : skipped(entry.unsupported);
        },
      })),
  };
}

/** The rows that a table of operators adds to the support matrix. */
export const supportOf = (folder: string, operators: Operators): readonly Support[] =>
  Object.entries(operators).flatMap(([operator, entry]) =>
    isSupported(entry)
      ? [
          {
            operation: entry.operation,
            format: entry.format,
            suite: `${folder}/${operator}`,
            agreement: entry.agreement,
          },
        ]
      : [],
  );

/** The cases of a file that holds many: `{ "cases": [ … ] }`, numbered from 0. */
export function casesOf(file: string) {
  const cases = Source.open(file).at("cases");
  const items = cases.items();
  if (items.length === 0) cases.refuse("an empty list has no cases");
  return items.map((source, i) => ({ name: String(i), source }));
}
