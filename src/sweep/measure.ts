import type { ArchSpec } from "../arch/spec.ts";
import { digestOf, hashOf } from "../base/hash.ts";
import { Recent } from "../base/recent.ts";
import type { Program } from "../isa/program.ts";
import type { Timing } from "../machine/timing.ts";
import type { Input, Job } from "../model/job.ts";
import type { Recipe } from "../quant/recipe.ts";
import { FloatModels, type Runs } from "./baseline.ts";
import { execute, type Outcome } from "./execute.ts";
import { quantKey } from "./factor.ts";
import { layoutOf } from "./layout.ts";
import { type LegalJob, legalize, unchecked } from "./legal.ts";
import { compilerWith, distinct, type Mapper } from "./mapped.ts";
import { type Cost, costOf, jobCostOf, timeOnce } from "./price.ts";
import type { Subject } from "./subject.ts";
import { preparedFor } from "./tuned.ts";

/** What the execution of a job gave: the half of a result that no clock has a part in. */
export interface Results {
  /** Of each sample. */
  readonly outputs: readonly (readonly number[])[];
  readonly runs: readonly Runs[];
  readonly saturations: number;
  readonly overflows: number;
  readonly skippedCycles: number;
}

/** A program, how often a job runs it, and what one run costs. */
export interface Invocations {
  readonly program: Program;
  readonly times: number;
  readonly timing: Timing;
}

/** The outputs of the real-valued model. */
export const referenceOf = ({ model, params, samples }: Subject): readonly (readonly number[])[] =>
  samples.map((sample) => model.reference(params, sample));

/** Measures one point and keeps what a report on it needs. @throws InputError where the model does not fit the machine */
export function measureOne(
  subject: Subject,
  recipe: Recipe,
  arch: ArchSpec,
  mapper: Mapper,
): {
  readonly job: LegalJob;
  readonly results: Results;
  readonly invocations: readonly Invocations[];
  readonly cost: Cost;
} {
  const compiler = compilerOf(subject, recipe, arch, mapper);
  const job = compiler.compile(arch);
  const results = resultsOf(job, compiler.inputs);
  const cost = costOf(jobCostOf(job, compiler.floats), results.runs);
  return { job, results, invocations: invocationsOf(job, results.runs), cost };
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

/** A quantized model, and all that makes programs of it. */
export interface Compiler {
  /** Identity of everything but the machine that decides which programs it makes. */
  readonly layout: string;
  readonly inputs: readonly Input[];
  /** @throws InputError where the model does not fit the machine */
  readonly compile: (machine: ArchSpec) => LegalJob;
  /** @throws InputError where the machine's limits do not let the model be quantized */
  readonly refuse: (machine: ArchSpec) => void;
  readonly floats: FloatModels<unknown>;
}

/** Compilers of the latest quantized models: their other machines come soon after. */
const compilers = new Recent<Compiler>(4);

/** The compiler of a quantized model, which another machine of its `quantKey` may have been there for before. */
export const compilerFor = (subject: Subject, recipe: Recipe, arch: ArchSpec, mapper: Mapper): Compiler =>
  compilers.recall(hashOf([subject.model.file, subject.facts.hash, quantKey(recipe, arch), mapper]), () =>
    compilerOf(subject, recipe, arch, mapper),
  );

/** Integers and floats are mapped alike. @throws InputError where the machine's limits do not let the model be quantized */
function compilerOf(subject: Subject, recipe: Recipe, arch: ArchSpec, mapper: Mapper): Compiler {
  const { model, samples } = subject;
  const { params, ranges } = preparedFor(subject, recipe, arch);
  const quantizedFor = ({ settings }: ArchSpec) => model.quantize(params, ranges, { recipe, arch: settings });
  const quantized = quantizedFor(arch);
  const inputs = samples.map((sample) => model.inputOf(quantized, sample));
  const sizes = inputs.map(({ size }) => size);
  const cyclesOf = (program: Program, machine: ArchSpec) => timeOnce(program, machine).cycles;
  const compile = compilerWith(model, mapper, sizes, legalize, cyclesOf);
  let floats: FloatModels<unknown> | undefined;
  const compiled = [model.file, mapper, mapper === "fixed" ? distinct(sizes) : sizes];
  return {
    get layout() {
      return digestOf([compiled, layoutOf(quantized)]);
    },
    inputs,
    compile: (machine) => compile(quantized, machine),
    refuse: quantizedFor,
    get floats() {
      const compileFloats = compilerWith(model, mapper, sizes, unchecked, cyclesOf);
      floats ??= new FloatModels((bits) => model.widen(quantized, bits), compileFloats, compiled);
      return floats;
    },
  };
}

/** Executes a job on its inputs. */
export function resultsOf(job: LegalJob, inputs: readonly Input[]): Results {
  const outcomes = execute(job, inputs);
  return {
    outputs: outcomes.map(({ outputs }) => outputs),
    runs: runsOf(job, inputs, outcomes),
    saturations: sumOf(outcomes, "saturations"),
    overflows: sumOf(outcomes, "overflows"),
    skippedCycles: sumOf(outcomes, "skippedCycles"),
  };
}

const sumOf = (outcomes: readonly Outcome[], what: "saturations" | "overflows" | "skippedCycles"): number =>
  outcomes.reduce((sum, outcome) => sum + outcome[what], 0);

/** The turns of each size's stages, over all inputs. */
function runsOf({ stages }: Job, inputs: readonly Input[], outcomes: readonly Outcome[]): Runs[] {
  const sums = new Map([...stages].map(([size, some]) => [size, some.map(() => 0)]));
  for (const [i, { size }] of inputs.entries()) {
    const sum = sums.get(size)!;
    for (const [s, times] of outcomes[i]!.turns.entries()) sum[s]! += times;
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
