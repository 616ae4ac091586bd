import { FIELDS } from "../arch/fields.ts";
import { type ArchSpec, overrideArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import type { ParameterTable } from "../base/settings.ts";
import { makeRecipe, RECIPE_FIELDS, type Recipe } from "../quant/recipe.ts";

/** One combination that an experiment asks about. */
export interface Point {
  /** Counts from 1, in the order of the experiment. */
  readonly index: number;
  readonly arch: ArchSpec;
  readonly recipe: Recipe;
  /** What differs from the machine's file and from the default recipe: `weight_bits=4 mac.rows=32`; empty where nothing does. */
  readonly changes: string;
}

/** Every parameter that a point may change. Names with a dot are the machine's, the others the recipe's. */
export const SETTINGS: ParameterTable = { ...RECIPE_FIELDS, ...FIELDS };

export type Values = Readonly<Record<string, unknown>>;

/** A part of an experiment: a grid of values, on one or several machines. */
export interface Group {
  /** As files have them. */
  readonly archs: readonly ArchSpec[];
  readonly set: Values;
  /** Parameter, or `arch`, and the values it takes: the last one varies fastest. */
  readonly axes: readonly (readonly [name: string, values: readonly unknown[]])[];
}

/**
 * The points of all groups, one group after another; of equal points the first is kept. `over` is said last and so
 * wins over a group, `recipe` first.
 *
 * @param complain  told of each combination that no machine can be built for, with the number of its group
 */
export function expand(
  groups: readonly Group[],
  recipe: Values,
  over: Values,
  complain: (group: number, problem: string) => void,
): Point[] {
  const points = new Map<string, Point>();
  const problems = new Set<string>();
  for (const [g, group] of groups.entries()) {
    for (const arch of group.archs) {
      for (const values of gridOf(group.axes)) {
        try {
          const point = pointOf(points.size + 1, arch, { ...recipe, ...group.set, ...values, ...over });
          const key = hashOf([point.arch, point.recipe]);
          if (!points.has(key)) points.set(key, point);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          if (!problems.has(error.message)) complain(g, error.message);
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

function pointOf(index: number, file: ArchSpec, values: Values): Point {
  const chosen = Object.entries(values);
  const recipe = makeRecipe(Object.fromEntries(chosen.filter(([name]) => !isOfMachine(name))));
  const arch = overrideArch(
    file,
    Object.fromEntries(chosen.filter(([name]) => isOfMachine(name))),
    file.name,
  );
  refuseTooManyPieces(arch, recipe);
  const changed = [...differences(recipe, makeRecipe()), ...differences(arch.settings, file.settings)];
  return Object.freeze({ index, arch, recipe, changes: changed.join(" ") });
}

const isOfMachine = (name: string): boolean => name.includes(".");

function differences(values: Values, base: Values): string[] {
  return Object.entries(values)
    .filter(([name, value]) => value !== base[name])
    .map(([name, value]) => `${name}=${value}`);
}

/** The one rule between a recipe and a machine that no memory size decides. */
function refuseTooManyPieces(arch: ArchSpec, recipe: Recipe): void {
  const most = arch.settings["pwl.maxPieces"];
  const asked = (["pwl_pieces", "rsqrt_pieces"] as const).filter(
    (name) => recipe[name] > most && (name === "pwl_pieces" || recipe.norm_inverse === "rsqrt"),
  );
  if (asked.length === 0) return;
  const problems = asked.map((name) => `${name}: ${recipe[name]} pieces exceed pwl.maxPieces ${most}`);
  throw new InputError(arch.name, problems.join("; "));
}
