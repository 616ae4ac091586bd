import type { ArchSpec } from "../arch/spec.ts";
import type { Program } from "../isa/program.ts";
import { type Timing, time, total } from "../machine/timing.ts";
import { type Input, type Job, modelBytes } from "../model/job.ts";
import type { Recipe } from "../quant/recipe.ts";
import { type FloatCosts, FloatModels, type Runs } from "./baseline.ts";
import { execute, type Outcome } from "./execute.ts";
import { resultsKey, timingKey } from "./factor.ts";
import { type LegalJob, legalize, unchecked } from "./legal.ts";
import { compilerWith, distinct, type Mapper } from "./mapped.ts";
import { type Refusal, refusalOf } from "./refusal.ts";
import type { Subject } from "./subject.ts";

/** What the execution of a job gave: the half of a result that no clock has a part in. */
export interface Results {
  /** Of each sample. */
  readonly outputs: readonly (readonly number[])[];
  /** Of each sample, the turns of each stage. */
  readonly turns: readonly (readonly number[])[];
  readonly saturations: number;
  readonly overflows: number;
  readonly skippedCycles: number;
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
  /** Of each machine asked for: the index of its results, and its cost; or why the model does not run on it. */
  readonly machines: readonly ({ readonly results: number; readonly cost: Cost } | Refusal)[];
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

/** The outputs of the real-valued model. */
export const referenceOf = ({ model, params, samples }: Subject): readonly (readonly number[])[] =>
  samples.map((sample) => model.reference(params, sample));

/**
 * Measures one quantized model on machines that agree in everything that quantization reads: it is quantized once,
 * compiled and judged for each machine, executed once for each distinct array that matters.
 */
export function measure(
  subject: Subject,
  recipe: Recipe,
  archs: readonly ArchSpec[],
  mapper: Mapper = "fixed",
): Measured {
  const results: Results[] = [];
  const known = new Map<string, number>();
  // Of the first machine whose limits let the model be quantized: those that do not are refused one by one.
  let compiler: ReturnType<typeof compilerOf> | undefined;
  const measureOn = (arch: ArchSpec) => {
    compiler ??= compilerOf(subject, recipe, arch, mapper);
    const { inputs, compile, floats } = compiler;
    const job = compile(arch);
    const key = resultsKey(job);
    let index = known.get(key);
    if (index === undefined) {
      index = results.push(resultsOf(job, inputs)) - 1;
      known.set(key, index);
    }
    const runs = runsOf(job, inputs, results[index]!);
    const cost = costOf(job, invocationsOf(job, runs), floats.costs(arch, runs));
    return { results: index, cost };
  };
  const machines = archs.map((arch) => {
    try {
      return measureOn(arch);
    } catch (error) {
      return refusalOf(error);
    }
  });
  return { results, machines };
}

/** Measures one point and keeps what a report on it needs. @throws InputError where the model does not fit the machine */
export function measureOne(subject: Subject, recipe: Recipe, arch: ArchSpec, mapper: Mapper) {
  const { inputs, compile, floats } = compilerOf(subject, recipe, arch, mapper);
  const job = compile(arch);
  const results = resultsOf(job, inputs);
  const runs = runsOf(job, inputs, results);
  const invocations = invocationsOf(job, runs);
  return { job, results, invocations, cost: costOf(job, invocations, floats.costs(arch, runs)) };
}

/** The job of samples on a machine, and what the host brings for each of them. @throws InputError where it does not fit */
export function jobOf(
  subject: Subject,
  { recipe, arch }: { readonly recipe: Recipe; readonly arch: ArchSpec },
  mapper: Mapper,
): { readonly job: LegalJob; readonly inputs: readonly Input[] } {
  const { inputs, compile } = compilerOf(subject, recipe, arch, mapper);
  return { job: compile(arch), inputs };
}

/** Integers and floats are mapped alike. */
function compilerOf(subject: Subject, recipe: Recipe, arch: ArchSpec, mapper: Mapper) {
  const { model, params, ranges, samples } = subject;
  const quantized = model.quantize(params, ranges, { recipe, arch: arch.settings });
  const inputs = samples.map((sample) => model.inputOf(quantized, sample));
  const sizes = inputs.map(({ size }) => size);
  const cyclesOf = (program: Program, machine: ArchSpec) => timeOnce(program, machine).cycles;
  const compile = compilerWith(model, mapper, sizes, legalize, cyclesOf);
  let floats: FloatModels<unknown> | undefined;
  const compiled = [model.file, mapper, mapper === "fixed" ? distinct(sizes) : sizes];
  return {
    inputs,
    compile: (machine: ArchSpec): LegalJob => compile(quantized, machine),
    get floats() {
      const compileFloats = compilerWith(model, mapper, sizes, unchecked, cyclesOf);
      floats ??= new FloatModels((bits) => model.widen(quantized, bits), compileFloats, compiled);
      return floats;
    },
  };
}

function resultsOf(job: LegalJob, inputs: readonly Input[]): Results {
  const outcomes = execute(job, inputs);
  return {
    outputs: outcomes.map(({ outputs }) => outputs),
    turns: outcomes.map(({ turns }) => turns),
    saturations: sumOf(outcomes, "saturations"),
    overflows: sumOf(outcomes, "overflows"),
    skippedCycles: sumOf(outcomes, "skippedCycles"),
  };
}

const sumOf = (outcomes: readonly Outcome[], what: "saturations" | "overflows" | "skippedCycles"): number =>
  outcomes.reduce((sum, outcome) => sum + outcome[what], 0);

/** The turns of each size's stages, over all inputs. */
function runsOf({ stages }: Job, inputs: readonly Input[], { turns }: Results): Runs[] {
  const sums = new Map([...stages].map(([size, some]) => [size, some.map(() => 0)]));
  for (const [i, { size }] of inputs.entries()) {
    const sum = sums.get(size)!;
    for (const [s, times] of turns[i]!.entries()) sum[s]! += times;
  }
  return [...sums].map(([size, sum]) => ({ size, turns: sum }));
}

/** `load` once, then the stages of each size. */
function invocationsOf(job: LegalJob, runs: readonly Runs[]): Invocations[] {
  const invoked = (program: Program, times: number) => ({
    ...{ program, times },
    timing: timeOnce(program, job.legal.arch),
  });
  return [
    invoked(job.load, 1),
    ...runs.flatMap(({ size, turns }) =>
      job.stages.get(size)!.map(({ program }, s) => invoked(program, turns[s]!)),
    ),
  ];
}

function costOf(job: Job, [load, ...rest]: readonly Invocations[], floats: FloatCosts): Cost {
  return {
    load: load!.timing,
    warm: total(rest),
    modelBytes: modelBytes(job.image),
    residentWeightBytes: job.residentWeightBytes,
    floats,
  };
}
