import { FIELDS, type Settings } from "../arch/fields.ts";
import { InputError } from "../base/errors.ts";
import { type ParameterTable, settle } from "../base/settings.ts";
import { isMapping, stemOf, YamlFile } from "../base/yaml.ts";
import { type Recipe, settleRecipe } from "./recipe.ts";

/** A recipe as it is kept in a file: what it departs from the defaults in, and the machine that its arithmetic asks for. */
export interface RecipeSpec {
  /** The file's name without ending. */
  readonly name: string;
  /** One line. */
  readonly about: string;
  /** The values given; everything else is at its default. */
  readonly values: Partial<Recipe>;
  /** Parameters of the machine, as `overrideArch` takes them. */
  readonly machine: Partial<Settings>;
}

/** Keys of the file that are no parameters of the recipe. */
const ABOUT = "about";
const MACHINE = "machine";

/**
 * Reads and checks a recipe file: recipe keys, `about` (one line, required) and `machine`, a mapping of architecture
 * keys in their dotted form (`requant.rounding: half-up`).
 *
 * @throws InputError with every fault: file, line, key, and the rule that is broken
 */
export function loadRecipe(path: string): RecipeSpec {
  const file = new YamlFile(path);
  if (!isMapping(file.value)) throw new InputError(path, "not a mapping of recipe parameters");
  const { [ABOUT]: about, [MACHINE]: machine = {}, ...given } = file.value;
  const values = keepGiven(given, settleRecipe, file, []);
  if (typeof about !== "string" || about.trim() === "" || about.includes("\n")) {
    file.complain([ABOUT], "a recipe says in one line what it is about");
  }
  if (!isMapping(machine)) file.complain([MACHINE], "not a mapping of architecture parameters");
  const settings = keepGiven(
    isMapping(machine) ? machine : {},
    (values, complain) => settle(FIELDS as ParameterTable, values, complain),
    file,
    [MACHINE],
  );
  file.refuse();
  return Object.freeze({ name: stemOf(path), about: about as string, values, machine: settings });
}

/** The values given, as they were settled; the file hears of what is wrong with them. */
function keepGiven(
  given: Readonly<Record<string, unknown>>,
  settleAll: (
    values: ReadonlyMap<string, unknown>,
    complain: (key: string, problem: string) => void,
  ) => Readonly<Record<string, unknown>>,
  file: YamlFile,
  at: readonly string[],
): Readonly<Record<string, never>> {
  const settled = settleAll(new Map(Object.entries(given)), (key, problem) =>
    file.complain([...at, key], problem),
  );
  return Object.fromEntries(Object.keys(given).map((key) => [key, settled[key] as never]));
}
