import type { ArchSpec } from "../arch/spec.ts";
import { type Expression, ExpressionError, readExpression } from "../base/expression.ts";
import { RECIPE_FIELDS } from "../quant/recipe.ts";
import type { RecipeSpec } from "../quant/recipe-file.ts";
import { type ReadValues, readAxes } from "./axes.ts";
import type { Node } from "./decode.ts";
import type { Shelf } from "./shelf.ts";
import { type Axis, CONSTRAINED, type Group, SETTINGS, type Values } from "./space.ts";

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
    if (own.length > 0) return own.filter((axis) => isFile(axis, key) && axis.names.length === 1);
    const given = node.at(key);
    const values = given.isMissing ? [files[key].base] : given.oneOrMore("names").map(finding(key));
    return [{ names: [key], values: values.map((value) => [value]) }];
  });
  const set = valuesOf(node.at("set").entries(Object.keys(SETTINGS), "parameter"));
  const where = [...everywhere, ...readWhere(node.at("where"))];
  return { set, axes: [...ofFiles, ...axes.filter((axis) => !ofFiles.includes(axis))], where };
}

/** Constraints: one, or a list of them that all hold. */
export const readWhere = (node: Node): Expression[] =>
  node.isMissing ? [] : node.oneOrMore("constraints").flatMap((item) => expressionAt(item, CONSTRAINED));

/** What a node says, in these names; nothing where it is no expression. */
export function expressionAt(node: Node, known: readonly string[]): Expression[] {
  const text = typeof node.value === "number" ? String(node.value) : node.text("an expression");
  if (text === "") return [];
  try {
    return [readExpression(text, known)];
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    node.complain(error.message);
    return [];
  }
}

const valuesOf = (entries: readonly (readonly [string, Node])[]): Values =>
  Object.fromEntries(entries.map(([name, child]) => [name, child.parameter(SETTINGS[name]!)]));
