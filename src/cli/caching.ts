import { join } from "node:path";
import { Cache } from "../sweep/cache.ts";
import type { Io } from "./command.ts";

/** The environment's say in where results are kept; empty: nowhere. */
const VARIABLE = "SHIFTLINE_CACHE";

export const cacheOption = {
  type: "string",
  requiresArg: true,
  describe: `the cache: what was computed, shared between runs; default $${VARIABLE} or .shiftline/cache; --no-cache: none`,
} as const;

/** A folder that an option moves or does without, or else the environment; undefined where none is wanted. */
export function folderOf(
  given: string | false | undefined,
  variable: string,
  usual: string,
): string | undefined {
  if (given === false) return undefined;
  const folder = given ?? process.env[variable] ?? usual;
  return folder === "" ? undefined : folder;
}

/** The cache; undefined where none is wanted. */
export const cacheFolder = (given: string | false | undefined): string | undefined =>
  folderOf(given, VARIABLE, join(".shiftline", "cache"));

/** @throws InputError where the folder cannot be written to */
export function cacheOf(given: string | false | undefined, io: Io): Cache | undefined {
  const folder = cacheFolder(given);
  return folder === undefined ? undefined : new Cache(folder, (problem) => io.err(`shiftline: ${problem}\n`));
}
