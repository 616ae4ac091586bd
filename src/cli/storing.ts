import { join } from "node:path";
import { InputError } from "../base/errors.ts";
import type { ColumnFacts } from "../report/column.ts";
import type { CsvTable } from "../report/csv.ts";
import { keep } from "../store/store.ts";
import { folderOf } from "./caching.ts";
import { instant } from "./clock.ts";
import type { Io } from "./command.ts";

/** The environment's say in where rows are kept; empty: nowhere. */
const VARIABLE = "SHIFTLINE_STORE";

export const storeOption = {
  type: "string",
  requiresArg: true,
  describe: `folder of all runs' rows, for query; default $${VARIABLE} or .shiftline/results; --no-store: none`,
} as const;

/** The folder of all runs' rows; undefined where none is wanted. */
export const storeFolder = (given: string | false | undefined): string | undefined =>
  folderOf(given, VARIABLE, join(".shiftline", "results"));

/**
 * Keeps the rows of a run that is done. Its CSV is what it was for: where they cannot be kept, that is told, and no more.
 *
 * @param codes  `[rows]` digest of the code that computed each
 */
export function keepRows(
  given: string | false | undefined,
  table: CsvTable,
  columns: Iterable<ColumnFacts>,
  codes: readonly string[],
  io: Io,
): void {
  const folder = storeFolder(given);
  if (folder === undefined || table.rows.length === 0) return;
  const facts = new Map([...columns].map((column) => [column.name, column]));
  try {
    keep(folder, { table, facts, codes, at: instant() });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    io.err(`shiftline: ${error.message}; these rows are not kept for query\n`);
  }
}
