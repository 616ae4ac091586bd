import type { ArchSpec } from "../arch/spec.ts";
import { floorDiv } from "../fixed/round.ts";
import type { Program } from "../isa/program.ts";
import type { Mapping } from "../kernels/mapping.ts";
import { searchMapping } from "../mapper/search.ts";
import type { Job } from "../model/job.ts";
import type { Model } from "../model/model.ts";
import { refusalOf } from "./refusal.ts";

/** How a mapping is chosen: by the fixed rule, or by a search with the clock as its cost. */
export const MAPPERS = ["fixed", "search"] as const;
export type Mapper = (typeof MAPPERS)[number];

/** Compiles a quantized model for a machine and for inputs of the job's sizes. */
export type Compile<Q = unknown, J extends Job = Job> = (quantized: Q, machine: ArchSpec) => J;

/** The input that a search times is at least as large as this part of the inputs. */
const TIMED = { of: 3, part: 2 };

/** Each size that occurs, ascending. */
export const distinct = (sizes: readonly number[]): number[] => [...new Set(sizes)].sort((a, b) => a - b);

/**
 * The compiler with this mapper.
 *
 * A search does not see how often data makes a stage run, which no clock knows either: it takes each to run as often as its
 * job expects. It times one input, larger than most; if the whole job is then slower than by the fixed rule, that stands.
 *
 * @param sizes     of every input of the job
 * @param admit     what a job must pass to be given out. @throws InputError where it does not
 * @param cyclesOf  what a program costs
 */
export function compilerWith<J extends Job>(
  model: Model,
  mapper: Mapper,
  sizes: readonly number[],
  admit: (job: Job, machine: ArchSpec) => J,
  cyclesOf: (program: Program, arch: ArchSpec) => number,
): Compile<unknown, J> {
  const some = distinct(sizes);
  const compile = (quantized: unknown, machine: ArchSpec, mapping?: Mapping): J =>
    admit(model.compile(quantized, machine, some, mapping), machine);
  if (mapper === "fixed") return (quantized, machine) => compile(quantized, machine);
  const sorted = [...sizes].sort((a, b) => a - b);
  const timed = sorted[floorDiv(TIMED.part * sorted.length, TIMED.of)]!;
  return (quantized, machine) => {
    const lower = (mapping: Mapping) =>
      expected(model.compile(quantized, machine, [timed], mapping), () => 1);
    const { mapping } = searchMapping({ sites: model.sites(quantized, timed), lower }, machine);
    const found = compile(quantized, machine, mapping);
    const timesOf = (size: number) => sizes.filter((one) => one === size).length;
    const cycles = (job: Job) =>
      expected(job, timesOf).reduce((sum, { program, times }) => sum + times * cyclesOf(program, machine), 0);
    const fixed = unlessRefused(() => compile(quantized, machine));
    return fixed !== undefined && cycles(fixed) < cycles(found) ? fixed : found;
  };
}

/** Nothing where the job does not fit the machine. */
function unlessRefused<J>(compile: () => J): J | undefined {
  try {
    return compile();
  } catch (error) {
    refusalOf(error);
    return undefined;
  }
}

/** A job's programs beside its load, as often as they are expected to run for so many inputs of each size. */
const expected = ({ stages }: Job, timesOf: (size: number) => number) =>
  [...stages].flatMap(([size, some]) =>
    some.map(({ program, expectedTurns }) => ({ program, times: expectedTurns * timesOf(size) })),
  );
