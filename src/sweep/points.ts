import { FIELDS } from "../arch/fields.ts";
import { type ArchSpec, hashArch, overrideArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { Recent } from "../base/recent.ts";
import type { ParameterTable } from "../base/settings.ts";
import { hashRecipe, makeRecipe, RECIPE_FIELDS, type Recipe } from "../quant/recipe.ts";
import type { RecipeSpec } from "../quant/recipe-file.ts";
import { tableFaults } from "../quant/tables.ts";
import { attempt } from "./refusal.ts";

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

/** What is said over all groups, and wins over them. */
export interface Over {
  readonly sets: Values;
  /** The one machine, and the one recipe's file. */
  readonly arch?: ArchSpec | undefined;
  readonly recipe?: RecipeSpec | undefined;
}

/**
 * The points of all groups, one group after another, of equal combinations the first. They are numbered as the groups have
 * them, whatever is said over them and whether a machine can be built for them: what is said over them may make points equal.
 *
 * @param recipe    what is said first, after what the recipe's file says
 * @param complain  told of each combination that no machine can be built for, with the number of its group and its own
 */
export function expand(
  groups: readonly Group[],
  recipe: Values,
  over: Over,
  complain: (group: number, problem: string, index: number) => void,
): Point[] {
  const points: Point[] = [];
  const known = new Set<string>();
  const parts = new Parts();
  const isOver = over.arch !== undefined || over.recipe !== undefined || Object.keys(over.sets).length > 0;
  for (const [g, group] of groups.entries()) {
    const files = group.archs.flatMap((arch) => group.recipes.map((file) => ({ arch, file })));
    for (const { arch, file } of files) {
      for (const values of gridOf(group.axes)) {
        const said = { ...recipe, ...group.set, ...values };
        const own = attempt(() => parts.point(arch, file, said));
        const key = "problem" in own ? hashOf([arch, file, said]) : identityOf(own);
        if (known.has(key)) continue;
        const index = known.add(key).size;
        const point = isOver
          ? attempt(() => parts.point(over.arch ?? arch, over.recipe ?? file, { ...said, ...over.sets }))
          : own;
        if ("problem" in point) complain(g, `${point.where}: ${point.problem}`, index);
        else points.push(Object.freeze({ index, ...point }));
      }
    }
  }
  return points;
}

/** Of equal points the first. */
export const distinctPoints = (points: readonly Point[]): Point[] => {
  const firsts = new Map<string, Point>();
  for (const point of points) {
    const key = identityOf(point);
    if (!firsts.has(key)) firsts.set(key, point);
  }
  return [...firsts.values()];
};

const identityOf = ({ arch, recipe }: Unnumbered): string =>
  `${arch.name} ${hashArch(arch)} ${hashRecipe(recipe)}`;

/** The combinations of the axes' values, the last axis fastest; the empty one where there are no axes. */
function gridOf(axes: Group["axes"]): Values[] {
  let grid: Values[] = [{}];
  for (const [name, values] of axes) {
    grid = grid.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })));
  }
  return grid;
}

type Unnumbered = Omit<Point, "index">;

/** What departs from a file, as `changes` has it. */
interface Changed {
  readonly changed: readonly string[];
}

/** Makes points of what is said of them. Points that share a machine or a recipe share the object, which is checked and hashed once. */
class Parts {
  readonly #recipes = new Recent<Changed & { readonly recipe: Recipe }>(Number.POSITIVE_INFINITY);
  readonly #machines = new Recent<Changed & { readonly arch: ArchSpec }>(Number.POSITIVE_INFINITY);

  /** @throws InputError where no machine can be built, or no table of the recipe fits it */
  point(machine: ArchSpec, file: RecipeSpec, values: Values): Unnumbered {
    const chosen = Object.entries(values);
    const ofRecipe = this.#recipe(file, ofKind(chosen, false));
    const ofMachine = this.#machine(machine, file, ofKind(chosen, true));
    const { recipe } = ofRecipe;
    const { arch } = ofMachine;
    const problems = tableFaults({ arch: arch.settings, recipe });
    if (problems.length > 0) throw new InputError(arch.name, problems.join("; "));
    const changes = [...ofRecipe.changed, ...ofMachine.changed].join(" ");
    return { arch, recipe, recipeName: file.name, changes };
  }

  #recipe(file: RecipeSpec, values: Values) {
    return this.#recipes.recall(JSON.stringify([file.name, file.values, values]), () => {
      const own = makeRecipe(file.values);
      const recipe = makeRecipe({ ...own, ...values });
      return { recipe, changed: differences(recipe, own) };
    });
  }

  #machine(machine: ArchSpec, file: RecipeSpec, values: Values) {
    return this.#machines.recall(
      JSON.stringify([machine.name, hashArch(machine), file.machine, values]),
      () => {
        // What the recipe's arithmetic asks of the machine goes over the machine's file, and `set` over both.
        const asked = { ...machine.settings, ...file.machine };
        const arch = overrideArch(machine, { ...file.machine, ...values }, machine.name);
        return { arch, changed: differences(arch.settings, asked) };
      },
    );
  }
}

const ofKind = (chosen: readonly (readonly [string, unknown])[], isMachines: boolean): Values =>
  Object.fromEntries(chosen.filter(([name]) => isOfMachine(name) === isMachines));

const isOfMachine = (name: string): boolean => name.includes(".");

function differences(values: Values, base: Values): string[] {
  return Object.entries(values)
    .filter(([name, value]) => value !== base[name])
    .map(([name, value]) => `${name}=${value}`);
}
