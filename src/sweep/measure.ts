import type { ArchSpec } from "../arch/spec.ts";
import { hashOf } from "../base/hash.ts";
import type { Program } from "../isa/program.ts";
import { mayOverflow } from "../isa/validate.ts";
import { type Timing, time, total } from "../machine/timing.ts";
import { compileG2p } from "../model/g2p/lower.ts";
import { quantizeG2p } from "../model/g2p/quantize.ts";
import { runReal } from "../model/g2p/real.ts";
import { modelBytes, type SequenceJob } from "../model/job.ts";
import type { Recipe } from "../quant/recipe.ts";
import { execute, type Outcome } from "./execute.ts";
import { shapeKey, timingKey } from "./factor.ts";
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
export function measure(subject: Subject, recipe: Recipe, archs: readonly ArchSpec[]): Measured {
  const compile = compilerOf(subject, recipe, archs[0]!);
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
    return { results: index, cost: costOf(job, invocationsOf(job, arch, subject, results[index]!)) };
  });
  return { results, machines };
}

/** Measures one point and keeps what a report on it needs. */
export function measureOne(subject: Subject, recipe: Recipe, arch: ArchSpec) {
  const job = compilerOf(subject, recipe, arch)(arch);
  const results = resultsOf(job, arch, subject);
  const invocations = invocationsOf(job, arch, subject, results);
  return { job, results, invocations, cost: costOf(job, invocations) };
}

function compilerOf({ params, ranges, words }: Subject, recipe: Recipe, arch: ArchSpec) {
  const quantized = quantizeG2p(params, ranges, { recipe, arch: arch.settings });
  const lengths = [...new Set(words.map(({ letters }) => letters.length))].sort((a, b) => a - b);
  return (machine: ArchSpec): SequenceJob => compileG2p(quantized, machine, lengths);
}

const programsOf = ({ load, programs }: SequenceJob): Program[] => [
  load,
  ...[...programs.values()].flatMap(({ start, step }) => [start, step]),
];

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

/** `load` once, and for each length its `start` once a word, its `step` as often as its words took steps. */
function invocationsOf(
  job: SequenceJob,
  arch: ArchSpec,
  { words }: Subject,
  { steps }: Results,
): Invocations[] {
  const runs = new Map([...job.programs.keys()].map((length) => [length, { words: 0, steps: 0 }]));
  for (const [i, { letters }] of words.entries()) {
    const run = runs.get(letters.length)!;
    run.words++;
    run.steps += steps[i]!;
  }
  const invoked = (program: Program, times: number) => ({ program, times, timing: timeOnce(program, arch) });
  return [
    invoked(job.load, 1),
    ...[...job.programs].flatMap(([length, { start, step }]) => [
      invoked(start, runs.get(length)!.words),
      invoked(step, runs.get(length)!.steps),
    ]),
  ];
}

function costOf(job: SequenceJob, [load, ...rest]: readonly Invocations[]): Cost {
  return {
    load: load!.timing,
    warm: total(rest),
    modelBytes: modelBytes(job.image),
    residentWeightBytes: job.residentWeightBytes,
  };
}
