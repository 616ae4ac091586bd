import type { Options } from "yargs";
import { InputError } from "../base/errors.ts";
import { UsageError } from "./command.ts";

/** Options that several verbs share, so that they read alike everywhere. */
export const json = {
  type: "boolean",
  default: false,
  describe: "print one JSON document on stdout",
} as const satisfies Options;

export const set = {
  type: "string",
  array: true,
  nargs: 1,
  requiresArg: true,
  describe: "change an architecture parameter, as in mac.rows=32; may be repeated",
} as const satisfies Options;

const NUMBER = /^-?\d+(\.\d+)?$/;

/**
 * `key=value` pairs, as typed.
 * @param option  the option's name, `--set`, for the errors
 * @throws UsageError where a pair is none, InputError where a key comes twice
 */
export function pairsOf(
  pairs: readonly string[] | undefined,
  option: string,
): readonly (readonly [key: string, value: string])[] {
  const known = new Map<string, string>();
  for (const pair of pairs ?? []) {
    const [, key, value] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) {
      throw new UsageError(`${option} takes KEY=VALUE, not "${pair}"`);
    }
    if (known.has(key)) throw new InputError(option, `${key} is given twice`);
    known.set(key, value);
  }
  return [...known];
}

/** `pairsOf`, numbers parsed and words kept. */
export const settingsOf = (
  pairs: readonly string[] | undefined,
  option: string,
): Readonly<Record<string, number | string>> =>
  Object.fromEntries(
    pairsOf(pairs, option).map(([key, value]) => [key, NUMBER.test(value) ? Number(value) : value]),
  );

/**
 * What `--recipe` says, however often: the name of a recipe file at most once, and changed parameters.
 * @throws UsageError where two files are named, and as `settingsOf`
 */
export function recipeOf(words: readonly string[] | undefined) {
  const names = (words ?? []).filter((word) => !word.includes("="));
  if (names.length > 1) throw new UsageError(`--recipe names ${names.length} recipes: ${names.join(", ")}`);
  const changes = settingsOf(
    words?.filter((word) => word.includes("=")),
    "--recipe",
  );
  return { name: names[0], changes };
}

/** A whole number as it is typed. @throws UsageError for anything else */
export function wholeNumber(text: string, option: string, min: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || !Number.isSafeInteger(value)) {
    throw new UsageError(`${option} takes a whole number from ${min} on, not "${text}"`);
  }
  return value;
}
