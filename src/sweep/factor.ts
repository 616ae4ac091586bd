import { type ArchSpec, partOf } from "../arch/spec.ts";
import { hashOf, onceFor } from "../base/hash.ts";
import { formatProgram } from "../isa/asm.ts";
import type { Program } from "../isa/program.ts";
import { hashRecipe, type Recipe } from "../quant/recipe.ts";
import type { LegalJob } from "./legal.ts";
import type { Mapper } from "./mapped.ts";
import type { Point } from "./points.ts";
import { hashSubject } from "./space.ts";
import type { SubjectSpec } from "./subject.ts";

const plainBits = onceFor((arch: ArchSpec) => partOf(arch, "bits"));
/** The machine runs the forward pass of fine-tuning: where an accumulator may overflow, the array decides what is learnt. */
const tunedBits = onceFor((arch: ArchSpec) => partOf(arch, "bits", "passes"));

/** All parameters of a machine that a quantized model goes by. */
export const bitsOf = ({ tuning_steps }: Recipe, arch: ArchSpec) =>
  (tuning_steps > 0 ? tunedBits : plainBits)(arch);
const hashBits = onceFor(hashOf);

/** Identity of a quantized model: everything that quantization reads, and the training before it. */
export const quantKey = (recipe: Recipe, arch: ArchSpec): string =>
  `${hashRecipe(recipe)} ${hashBits(bitsOf(recipe, arch))}`;

/**
 * All of a machine that decides how a model is compiled for it, what it refuses, and what its programs cost: the name too, by which it
 * is called in a refusal.
 */
export const compiledFor = onceFor((arch: ArchSpec) => ({
  name: arch.name,
  settings: partOf(arch, "bits", "passes", "legality", "cost", "skips", "energy"),
}));

/** Identity of the same. */
export const machineKey = onceFor((arch: ArchSpec) => hashOf(compiledFor(arch)));

/**
 * Identity of a quantized model's results, among machines with one `quantKey`. Where some accumulator may overflow, the array
 * takes part, and not the programs: they cut matrices by outputs and vectors, and no sum. Where skipped zeros are counted,
 * both do, for a cut is where slots of the array begin.
 */
export function resultsKey({ legal: { arch, mayOverflow, runnable } }: LegalJob): string {
  if (arch.settings["mac.zeroSkip"] !== "none")
    return hashOf([runnable.programs.map(formatProgram), partOf(arch, "passes", "skips")]);
  return mayOverflow ? hashOf(partOf(arch, "passes")) : "any array";
}

/** Identity of what a program costs: its text, and every parameter that a cost depends on. */
export const timingKey = (program: Program, arch: ArchSpec): string =>
  hashOf({ text: formatProgram(program), settings: partOf(arch, "cost", "energy") });

/** Points that share a quantized model, and how it is mapped. */
export interface Family {
  /** Identity of the quantized model, whatever mapper compiles it. */
  readonly key: string;
  readonly subject: SubjectSpec;
  readonly mapper: Mapper;
  readonly recipe: Recipe;
  /** One for each point. */
  readonly archs: readonly ArchSpec[];
  readonly points: readonly Point[];
}

/**
 * The points by quantized model, in the order in which each first occurs: all models of a subject together, for whoever runs them
 * reads that once.
 */
export function familiesOf(points: readonly Point[]): Family[] {
  const bySubject = gathered(points, ({ subject }) => hashSubject(subject));
  return [...bySubject].flatMap(([subject, some]) =>
    [...gathered(some, ({ recipe, arch, mapper }) => `${quantKey(recipe, arch)} ${mapper}`).values()].map(
      (members): Family => {
        const [first] = members as [Point];
        return {
          key: `${subject} ${quantKey(first.recipe, first.arch)}`,
          ...{ subject: first.subject, mapper: first.mapper, recipe: first.recipe },
          archs: members.map(({ arch }) => arch),
          points: members,
        };
      },
    ),
  );
}

function gathered<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const byKey = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const some = byKey.get(key);
    if (some === undefined) byKey.set(key, [item]);
    else some.push(item);
  }
  return byKey;
}
