import { FIELDS } from "../arch/fields.ts";
import { type ArchSpec, overrideArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import type { ParameterTable } from "../base/settings.ts";
import { makeRecipe, RECIPE_FIELDS, type Recipe } from "../quant/recipe.ts";
import type { RecipeSpec } from "../quant/recipe-file.ts";
import { tableFaults } from "../quant/tables.ts";

/** One combination that an experiment asks about. */
export interface Point {
  /** Counts from 1, in the order of the experiment. */
  readonly index: number;
  readonly arch: ArchSpec;
  readonly recipe: Recipe;
  /** Name of the recipe's file. */
  readonly recipeName: string;
  /** What differs from the files of machine and recipe: `weight_bits=4 mac.rows=32`; empty where nothing does. */
  readonly changes: string;
}

/** Every parameter that a point may change. Names with a dot are the machine's, the others the recipe's. */
export const SETTINGS: ParameterTable = { ...RECIPE_FIELDS, ...FIELDS };

export type Values = Readonly<Record<string, unknown>>;

/** A part of an experiment: a grid of values, under one or several recipes, on one or several machines. */
export interface Group {
  /** As files have them. */
  readonly archs: readonly ArchSpec[];
  readonly recipes: readonly RecipeSpec[];
  readonly set: Values;
  /** Parameter, and the values it takes: the last one varies fastest. */
  readonly axes: readonly (readonly [name: string, values: readonly unknown[]])[];
}

/**
 * The points of all groups, one group after another; of equal points the first is kept. `over` is said last and so
 * wins over a group, `recipe` first, after what the recipe's file says.
 *
 * @param complain  told of each combination that no machine can be built for, with the number of its group, and the number
 *                  that its point would have had: the others keep theirs
 */
export function expand(
  groups: readonly Group[],
  recipe: Values,
  over: Values,
  complain: (group: number, problem: string, index: number) => void,
): Point[] {
  const points = new Map<string, Point>();
  const problems = new Set<string>();
  const next = () => points.size + problems.size + 1;
  for (const [g, group] of groups.entries()) {
    const files = group.archs.flatMap((arch) => group.recipes.map((file) => ({ arch, file })));
    for (const { arch, file } of files) {
      for (const values of gridOf(group.axes)) {
        try {
          const said = { ...recipe, ...group.set, ...values, ...over };
          const point = pointOf(next(), arch, file, said);
          const key = hashOf([point.arch, point.recipe]);
          if (!points.has(key)) points.set(key, point);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          if (!problems.has(error.message)) complain(g, error.message, next());
          problems.add(error.message);
        }
      }
    }
  }
  return [...points.values()];
}

/** The combinations of the axes' values, the last axis fastest; the empty one where there are no axes. */
function gridOf(axes: Group["axes"]): Values[] {
  let grid: Values[] = [{}];
  for (const [name, values] of axes) {
    grid = grid.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })));
  }
  return grid;
}

function pointOf(index: number, machine: ArchSpec, file: RecipeSpec, values: Values): Point {
  const chosen = Object.entries(values);
  const own = makeRecipe(file.values);
  const recipe = makeRecipe({ ...own, ...ofKind(chosen, false) });
  // What the recipe's arithmetic asks of the machine goes over the machine's file, and `set` over both.
  const asked = { ...machine.settings, ...file.machine };
  const arch = overrideArch(machine, { ...file.machine, ...ofKind(chosen, true) }, machine.name);
  const problems = tableFaults({ arch: arch.settings, recipe });
  if (problems.length > 0) throw new InputError(arch.name, problems.join("; "));
  const changed = [...differences(recipe, own), ...differences(arch.settings, asked)];
  return Object.freeze({ index, arch, recipe, recipeName: file.name, changes: changed.join(" ") });
}

const ofKind = (chosen: readonly (readonly [string, unknown])[], isMachines: boolean): Values =>
  Object.fromEntries(chosen.filter(([name]) => isOfMachine(name) === isMachines));

const isOfMachine = (name: string): boolean => name.includes(".");

function differences(values: Values, base: Values): string[] {
  return Object.entries(values)
    .filter(([name, value]) => value !== base[name])
    .map(([name, value]) => `${name}=${value}`);
}
