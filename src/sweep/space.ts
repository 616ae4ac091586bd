import { FIELDS } from "../arch/fields.ts";
import { type ArchSpec, hashArch, overrideArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { type Expression, ExpressionError, type Value } from "../base/expression.ts";
import { hashOf, onceFor } from "../base/hash.ts";
import { Recent } from "../base/recent.ts";
import type { ParameterTable } from "../base/settings.ts";
import { floorDiv } from "../fixed/round.ts";
import { hashRecipe, makeRecipe, RECIPE_FIELDS, type Recipe } from "../quant/recipe.ts";
import type { RecipeSpec } from "../quant/recipe-file.ts";
import { tableFaults } from "../quant/tables.ts";
import type { Mapper } from "./mapped.ts";
import type { SubjectSpec } from "./subject.ts";
import { SUBJECT_FIELDS, type Subjects, type SubjectValues } from "./subjects.ts";

/** Every parameter that a point may change. Names with a dot are the machine's, those of `SUBJECT_FIELDS` say what is run, all others are the recipe's. */
export const SETTINGS: ParameterTable = { ...SUBJECT_FIELDS, ...RECIPE_FIELDS, ...FIELDS };

export type Values = Readonly<Record<string, unknown>>;

/** A dimension of a grid: parameters, and the values that they take together. */
export interface Axis {
  /** Of `SETTINGS`; or `arch` or `recipe`, whose values are files: `ArchSpec`, `RecipeSpec`. */
  readonly names: readonly string[];
  /** Each as many as there are names. */
  readonly values: readonly (readonly unknown[])[];
}

/** A part of an experiment: a grid of values. */
export interface Group {
  readonly set: Values;
  /** The last one varies fastest. `arch` and `recipe` are always among them, with one value or several. */
  readonly axes: readonly Axis[];
  /** What a combination has to be for a point to come of it. */
  readonly where: readonly Expression[];
}

/** What is said over all groups, and wins over them. */
export interface Over {
  readonly sets: Values;
  /** The one machine, and the one recipe's file. */
  readonly arch?: ArchSpec | undefined;
  readonly recipe?: RecipeSpec | undefined;
}

/** How many values each axis of a group has. */
export const sizesOf = ({ axes }: Group): number[] => axes.map(({ values }) => values.length);

/** The values' places, of combination `index` of a grid of these sizes; the last dimension varies fastest. */
export function choiceAt(sizes: readonly number[], index: number): number[] {
  const choice = new Array<number>(sizes.length);
  let rest = index;
  for (let d = sizes.length - 1; d >= 0; d--) {
    const quotient = floorDiv(rest, sizes[d]!);
    choice[d] = rest - quotient * sizes[d]!;
    rest = quotient;
  }
  return choice;
}

/** A point before it has its number. */
export interface Candidate {
  readonly arch: ArchSpec;
  readonly recipe: Recipe;
  /** Name of the recipe's file. */
  readonly recipeName: string;
  /** What is run. Points that say the same share the object. */
  readonly subject: SubjectSpec;
  readonly mapper: Mapper;
  /** What differs from the files of machine and recipe: `weight_bits=4 mac.rows=32`; empty where nothing does. */
  readonly changes: string;
}

/** A combination of a group's values: two files, and what is said over them. */
export interface Combination {
  readonly arch: ArchSpec;
  readonly file: RecipeSpec;
  readonly said: Values;
}

/** Everything that an experiment may ask about, whether anybody counts it or not. */
export class Space {
  readonly groups: readonly Group[];
  readonly #base: Values;
  readonly #over: Over;
  readonly #subjects: Subjects;
  readonly #recipes = new Recent<Changed & { readonly recipe: Recipe }>(Number.POSITIVE_INFINITY);
  readonly #machines = new Recent<Changed & { readonly arch: ArchSpec }>(Number.POSITIVE_INFINITY);

  /** @param base  what is said first, after what the recipe's file says: a value of each subject parameter, and any of the recipe's */
  constructor(groups: readonly Group[], base: SubjectValues & Values, over: Over, subjects: Subjects) {
    this.groups = groups;
    this.#base = base;
    this.#over = over;
    this.#subjects = subjects;
  }

  /** Whether the command line says anything. */
  get isOver(): boolean {
    const { arch, recipe, sets } = this.#over;
    return arch !== undefined || recipe !== undefined || Object.keys(sets).length > 0;
  }

  /** The combination of these values of a group's axes, by their places. */
  combination({ set, axes }: Group, choice: readonly number[]): Combination {
    const chosen = axes.flatMap(({ names, values }, i) =>
      names.map((name, n): [string, unknown] => [name, values[choice[i]!]![n]]),
    );
    const { arch, recipe, ...values } = Object.fromEntries(chosen);
    const said = { ...this.#base, ...set, ...values };
    return { arch: arch as ArchSpec, file: recipe as RecipeSpec, said };
  }

  /** Whether a group's constraints admit a combination. @throws InputError for a constraint that makes no sense there */
  admits({ where }: Group, combination: Combination): boolean {
    return where.every((constraint) => {
      const value = valueOfConstraint(constraint, combination);
      if (typeof value === "boolean") return value;
      throw new InputError("where", `${constraint.text} is ${JSON.stringify(value)}, not true or false`);
    });
  }

  /** What the file makes of a combination. @throws InputError where no machine can be built, or no table of the recipe fits it */
  own({ arch, file, said }: Combination): Candidate {
    return this.#candidate(arch, file, said);
  }

  /** The same with what the command line says over it. */
  candidate({ arch, file, said }: Combination): Candidate {
    const over = this.#over;
    return this.#candidate(over.arch ?? arch, over.recipe ?? file, { ...said, ...over.sets });
  }

  #candidate(machine: ArchSpec, file: RecipeSpec, values: Values): Candidate {
    const parts = partsOf(values);
    const ofRecipe = this.#recipe(file, parts.recipe);
    const ofMachine = this.#machine(machine, file, parts.machine);
    const { recipe } = ofRecipe;
    const { arch } = ofMachine;
    const problems = tableFaults({ arch: arch.settings, recipe });
    if (problems.length > 0) throw new InputError(arch.name, problems.join("; "));
    const changes = [...ofRecipe.changed, ...ofMachine.changed].join(" ");
    const about = parts.subject as unknown as SubjectValues;
    const subject = this.#subjects.of(about);
    return { arch, recipe, recipeName: file.name, subject, mapper: about.mapper, changes };
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

/** Identity of all that is asked about a combination. */
export const identityOf = ({ arch, recipe, subject, mapper }: Candidate): string =>
  `${arch.name} ${hashArch(arch)} ${hashRecipe(recipe)} ${hashSubject(subject)} ${mapper}`;
/** Identity of what is run. */
export const hashSubject = onceFor(hashOf);

/** What departs from a file, as `changes` has it. */
interface Changed {
  readonly changed: readonly string[];
}

/** Before anything is built or checked: a constraint may be what keeps an impossible machine from being built. */
function valueOfConstraint({ text, valueWith }: Expression, { arch, file, said }: Combination): Value {
  const names: Values = { arch: arch.name, recipe: file.name };
  const layers: readonly Values[] = [names, said, file.values, file.machine, arch.settings];
  const valueFor = (name: string) =>
    layers.find((values) => values[name] !== undefined)?.[name] ?? SETTINGS[name]!.default;
  try {
    return valueWith((name) => valueFor(name) as Value);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new InputError("where", `${text}: ${error.message}`);
  }
}

/** Whose parameters the values are. */
function partsOf(values: Values): Readonly<Record<"subject" | "recipe" | "machine", Values>> {
  const of = (part: "subject" | "recipe" | "machine") =>
    Object.fromEntries(Object.entries(values).filter(([name]) => partOfName(name) === part));
  return { subject: of("subject"), recipe: of("recipe"), machine: of("machine") };
}

const partOfName = (name: string) =>
  name.includes(".") ? "machine" : Object.hasOwn(SUBJECT_FIELDS, name) ? "subject" : "recipe";

function differences(values: Values, base: Values): string[] {
  return Object.entries(values)
    .filter(([name, value]) => value !== base[name])
    .map(([name, value]) => `${name}=${value}`);
}
