import type { ArchSpec } from "../arch/spec.ts";
import { type Expression, ExpressionError, readExpression, type Value } from "../base/expression.ts";
import { RECIPE_FIELDS } from "../quant/recipe.ts";
import type { RecipeSpec } from "../quant/recipe-file.ts";
import { type ReadValues, readAxes } from "./axes.ts";
import type { Node } from "./decode.ts";
import type { Shelf } from "./shelf.ts";
import { type Axis, type Group, SETTINGS, type Values } from "./space.ts";

const GROUP_KEYS = ["arch", "recipe", "set", "axes", "zip", "where"];
const RECIPE_KEYS = ["file", ...Object.keys(RECIPE_FIELDS)];

/** Files that a group names for itself, and the one that it has otherwise. */
interface Choice<T> {
  readonly shelf: Shelf<T>;
  readonly base: T;
}
export interface Files {
  readonly arch: Choice<ArchSpec>;
  readonly recipe: Choice<RecipeSpec>;
}

/** The recipe of every point: the name of a file, or a mapping of parameters that may name one. */
export function readRecipe(node: Node, recipes: Shelf<RecipeSpec>): { file: RecipeSpec; values: Values } {
  if (typeof node.value === "string") return { file: recipes.find(node), values: {} };
  const entries = node.entries(RECIPE_KEYS, "parameter").filter(([name]) => name !== "file");
  const file = node.at("file");
  return { file: file.isMissing ? recipes.any() : recipes.find(file), values: valuesOf(entries) };
}

/** @param everywhere  constraints of every group */
export function readGroup(node: Node, files: Files, everywhere: readonly Expression[]): Group {
  node.entries(GROUP_KEYS);
  const keys = Object.keys(files) as (keyof Files)[];
  const finding = (key: keyof Files) => (item: Node) => files[key].shelf.find(item);
  const listed: Readonly<Record<string, ReadValues>> = Object.fromEntries(
    keys.map((key) => [key, (axis: Node) => axis.items("names").map(finding(key))]),
  );
  const axes = readAxes(node, listed);
  const isFile = ({ names: [name] }: Axis, key: string) => name === key;
  // Machines vary slowest, and then recipes, wherever they stand; zipped with something they stand with it.
  const ofFiles = keys.flatMap((key): Axis[] => {
    const own = axes.filter((axis) => axis.names.includes(key));
    if (own.length > 0 && !node.at(key).isMissing)
      node.at(key).complain(`${key} is an axis of the group too`);
    if (own.length > 0) return own.filter((axis) => isFile(axis, key) && axis.names.length === 1);
    const given = node.at(key);
    const values = given.isMissing ? [files[key].base] : given.oneOrMore("names").map(finding(key));
    return [{ names: [key], values: values.map((value) => [value]) }];
  });
  const settings = node.at("set").entries(Object.keys(SETTINGS), "parameter");
  for (const [name, child] of settings)
    if (axes.some(({ names }) => names.includes(name))) child.complain(`${name} is an axis of the group too`);
  const set = valuesOf(settings);
  const where = [...everywhere, ...readWhere(node.at("where"))];
  return { set, axes: [...ofFiles, ...axes.filter((axis) => !ofFiles.includes(axis))], where };
}

/** What every combination has: of each name a value of its kind. */
const ANY_COMBINATION: ReadonlyMap<string, Value> = new Map<string, Value>([
  ...["arch", "recipe"].map((name) => [name, ""] as const),
  ...Object.entries(SETTINGS).map(([name, parameter]) => [name, parameter.default] as const),
]);

/** Constraints: one, or a list of them that all hold. */
export const readWhere = (node: Node): Expression[] =>
  (node.isMissing ? [] : node.oneOrMore("constraints")).flatMap((item) => {
    const read = expressionAt(item, ANY_COMBINATION);
    if (read === undefined) return [];
    if (typeof read.value === "boolean") return [read.expression];
    item.complain(`${read.expression.text} is ${JSON.stringify(read.value)}, not true or false`);
    return [];
  });

/**
 * What a node says in these names, and what comes of it with values of their kinds: an expression that takes none of these would
 * take no others. Nothing, and a complaint, where it is no expression.
 */
export function expressionAt(
  node: Node,
  values: ReadonlyMap<string, Value>,
): { readonly expression: Expression; readonly value: Value } | undefined {
  const text = typeof node.value === "number" ? String(node.value) : node.text("an expression");
  if (text === "") return undefined;
  try {
    const expression = readExpression(text, [...values.keys()]);
    return { expression, value: expression.valueWith((name) => values.get(name)!) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    node.complain(error.message);
    return undefined;
  }
}

const valuesOf = (entries: readonly (readonly [string, Node])[]): Values =>
  Object.fromEntries(entries.map(([name, child]) => [name, child.parameter(SETTINGS[name]!)]));
