import type { ArchSpec } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { floorDiv } from "../fixed/round.ts";
import type { Program } from "../isa/program.ts";
import type { Mapping } from "../kernels/mapping.ts";
import { searchMapping } from "../mapper/search.ts";
import { compileG2p, sitesOf } from "../model/g2p/lower.ts";
import type { QG2p } from "../model/g2p/quantize.ts";
import type { SequenceJob } from "../model/job.ts";

/** How a mapping is chosen: by the fixed rule, or by a search with the clock as its cost. */
export const MAPPERS = ["fixed", "search"] as const;
export type Mapper = (typeof MAPPERS)[number];

/** Compiles a model for a machine and for words of some lengths. */
type Compile = (model: QG2p, machine: ArchSpec, lengths: readonly number[]) => SequenceJob;

/** The word that a search times is at least as long as this part of the words. */
const TIMED = { of: 3, part: 2 };

/**
 * The compiler with this mapper.
 *
 * A search does not see how many phones a word has, which no clock knows either: it takes a word to have as many as it
 * has letters. It times one word, longer than most; if the whole job is then slower than by the fixed rule, that stands.
 *
 * @param words     length of each word of the job
 * @param cyclesOf  what a program costs
 */
export function compilerWith(
  mapper: Mapper,
  words: readonly number[],
  cyclesOf: (program: Program, arch: ArchSpec) => number,
): Compile {
  if (mapper === "fixed") return (model, machine, lengths) => compileG2p(model, machine, lengths);
  const sorted = [...words].sort((a, b) => a - b);
  const letters = sorted[floorDiv(TIMED.part * sorted.length, TIMED.of)]!;
  return (model, machine, lengths) => {
    const lower = (mapping: Mapping) => invocations(compileG2p(model, machine, [letters], mapping), () => 1);
    const { mapping } = searchMapping({ sites: sitesOf(model, letters), lower }, machine);
    const found = compileG2p(model, machine, lengths, mapping);
    const timesOf = (length: number) => words.filter((word) => word === length).length;
    const cycles = (job: SequenceJob) =>
      invocations(job, timesOf).reduce(
        (sum, { program, times }) => sum + times * cyclesOf(program, machine),
        0,
      );
    const fixed = fixedJob(model, machine, lengths);
    return fixed !== undefined && cycles(fixed) < cycles(found) ? fixed : found;
  };
}

/** Nothing where the fixed rule's job does not fit the machine. */
function fixedJob(model: QG2p, machine: ArchSpec, lengths: readonly number[]): SequenceJob | undefined {
  try {
    return compileG2p(model, machine, lengths);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** A job's programs beside its load: `start` once a word, `step` once a letter. */
const invocations = ({ programs }: SequenceJob, timesOf: (length: number) => number) =>
  [...programs].flatMap(([length, { start, step }]) => [
    { program: start, times: timesOf(length) },
    { program: step, times: length * timesOf(length) },
  ]);
