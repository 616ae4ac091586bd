import type { ArchSpec } from "../arch/spec.ts";
import { hashOf } from "../base/hash.ts";
import type { Program } from "../isa/program.ts";
import { mayOverflow } from "../isa/validate.ts";
import { type Timing, time, total } from "../machine/timing.ts";
import { quantizeG2p } from "../model/g2p/quantize.ts";
import { runReal } from "../model/g2p/real.ts";
import { modelBytes, programsOf, type SequenceJob } from "../model/job.ts";
import type { Recipe } from "../quant/recipe.ts";
import { type FloatCosts, FloatModels, type Runs } from "./baseline.ts";
import { execute, type Outcome } from "./execute.ts";
import { shapeKey, timingKey } from "./factor.ts";
import { compilerWith, type Mapper } from "./mapped.ts";
import type { Subject } from "./subject.ts";

/** What the execution of a job gave: the half of a result that no clock has a part in. */
export interface Results {
  /** Of each word, without the end token. */
  readonly tokens: readonly (readonly number[])[];
  /** Times that each word took `step`. */
  readonly steps: readonly number[];
  readonly saturations: number;
  readonly overflows: number;
}

/** What a job costs on a machine, for as many invocations as its results took. */
export interface Cost {
  /** Paid once for the whole job. */
  readonly load: Timing;
  /** Everything after the load. */
  readonly warm: Timing;
  readonly modelBytes: number;
  readonly residentWeightBytes: number;
  /** The same job in floats. */
  readonly floats: FloatCosts;
}

/** A quantized model on several machines. */
export interface Measured {
  /** Distinct results. */
  readonly results: readonly Results[];
  /** Of each machine asked for: the index of its results, and its cost. */
  readonly machines: readonly { readonly results: number; readonly cost: Cost }[];
}

/** A program, how often a job runs it, and what one run costs. */
export interface Invocations {
  readonly program: Program;
  readonly times: number;
  readonly timing: Timing;
}

/** Timings by `timingKey`. They are never forgotten: a process measures a handful of machines. */
const timings = new Map<string, Timing>();

/** The cost of a program; what was timed before is not timed again. */
function timeOnce(program: Program, arch: ArchSpec): Timing {
  const key = timingKey(program, arch);
  let timing = timings.get(key);
  if (timing === undefined) {
    timing = time(program, arch);
    timings.set(key, timing);
  }
  return timing;
}

/** What a word is said like by the real-valued model. */
export const realTokens = ({ params, words }: Subject): readonly (readonly number[])[] =>
  words.map(({ letters }) => runReal(params, letters).phones);

/**
 * Measures one quantized model on machines that agree in everything that quantization reads: it is quantized once,
 * executed once for each distinct shape that matters, compiled for each machine.
 *
 * @throws InputError where it does not fit a machine
 */
export function measure(
  subject: Subject,
  recipe: Recipe,
  archs: readonly ArchSpec[],
  mapper: Mapper = "fixed",
): Measured {
  const { compile, floats } = compilerOf(subject, recipe, archs[0]!, mapper);
  const results: Results[] = [];
  const known = new Map<string, number>();
  const machines = archs.map((arch) => {
    const job = compile(arch);
    const overflows = programsOf(job).some((program) => mayOverflow(program, arch.settings));
    const key = hashOf([overflows, shapeKey(arch, overflows)]);
    let index = known.get(key);
    if (index === undefined) {
      index = results.push(resultsOf(job, arch, subject)) - 1;
      known.set(key, index);
    }
    const runs = runsOf(job, subject, results[index]!);
    const cost = costOf(job, invocationsOf(job, arch, runs), floats.costs(arch, runs));
    return { results: index, cost };
  });
  return { results, machines };
}

/** Measures one point and keeps what a report on it needs. */
export function measureOne(subject: Subject, recipe: Recipe, arch: ArchSpec, mapper: Mapper) {
  const { compile, floats } = compilerOf(subject, recipe, arch, mapper);
  const job = compile(arch);
  const results = resultsOf(job, arch, subject);
  const runs = runsOf(job, subject, results);
  const invocations = invocationsOf(job, arch, runs);
  return { job, results, invocations, cost: costOf(job, invocations, floats.costs(arch, runs)) };
}

/** Integers and floats are mapped alike. */
function compilerOf({ params, ranges, words }: Subject, recipe: Recipe, arch: ArchSpec, mapper: Mapper) {
  const quantized = quantizeG2p(params, ranges, { recipe, arch: arch.settings });
  const all = words.map(({ letters }) => letters.length);
  const lengths = [...new Set(all)].sort((a, b) => a - b);
  const compile = compilerWith(mapper, all, (program, machine) => timeOnce(program, machine).cycles);
  return {
    compile: (machine: ArchSpec): SequenceJob => compile(quantized, machine, lengths),
    floats: new FloatModels(quantized, lengths, compile, mapper === "fixed" ? mapper : all),
  };
}

function resultsOf(job: SequenceJob, arch: ArchSpec, { words }: Subject): Results {
  const outcomes = execute(
    job,
    arch,
    words.map(({ letters }) => letters),
  );
  return {
    tokens: outcomes.map(({ tokens }) => tokens),
    steps: outcomes.map(({ steps }) => steps),
    saturations: sumOf(outcomes, "saturations"),
    overflows: sumOf(outcomes, "overflows"),
  };
}

const sumOf = (outcomes: readonly Outcome[], what: "saturations" | "overflows"): number =>
  outcomes.reduce((sum, outcome) => sum + outcome[what], 0);

/** For each length: a `start` for each word, a `step` for each step that its words took. */
function runsOf({ programs }: SequenceJob, { words }: Subject, { steps }: Results): Runs[] {
  const runs = new Map([...programs.keys()].map((length) => [length, { length, words: 0, steps: 0 }]));
  for (const [i, { letters }] of words.entries()) {
    const run = runs.get(letters.length)!;
    run.words++;
    run.steps += steps[i]!;
  }
  return [...runs.values()];
}

/** `load` once, then the programs of each length. */
function invocationsOf(job: SequenceJob, arch: ArchSpec, runs: readonly Runs[]): Invocations[] {
  const invoked = (program: Program, times: number) => ({ program, times, timing: timeOnce(program, arch) });
  return [
    invoked(job.load, 1),
    ...runs.flatMap(({ length, words, steps }) => {
      const { start, step } = job.programs.get(length)!;
      return [invoked(start, words), invoked(step, steps)];
    }),
  ];
}

function costOf(job: SequenceJob, [load, ...rest]: readonly Invocations[], floats: FloatCosts): Cost {
  return {
    load: load!.timing,
    warm: total(rest),
    modelBytes: modelBytes(job.image),
    residentWeightBytes: job.residentWeightBytes,
    floats,
  };
}
