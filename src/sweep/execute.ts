import type { ArchSpec } from "../arch/spec.ts";
import type { Program } from "../isa/program.ts";
import { type Counts, Machine, type Observer } from "../machine/machine.ts";
import { type Input, type Job, type Port, programsOf, type Stage } from "../model/job.ts";

/** What a job's execution gave for one input. */
export interface Outcome {
  /** What its stages gave and the input keeps, turn after turn, without the end. */
  readonly outputs: readonly number[];
  /** Of each stage. */
  readonly turns: readonly number[];
  readonly saturations: number;
  readonly overflows: number;
  /** Beats of the array that skipping zeros would have saved: an estimate. */
  readonly skippedCycles: number;
}

/** A program that a host is about to run. */
export interface Turn {
  readonly machine: Machine;
  /** The stage's name, or `load`. */
  readonly stage: string;
  /** From 1; absent where the stage has but one. */
  readonly turn?: number;
}

export interface HostOptions {
  /** Inputs that one run of a program executes at once. Changes nothing but the time that it takes. */
  readonly lanes?: number;
  readonly backend?: "simd" | "twin";
  /** Asked before each run of a program: who watches it. */
  readonly watch?: (turn: Turn) => Observer | undefined;
}

interface ExecuteOptions extends HostOptions {
  readonly onProgress?: (done: number) => void;
}

const DEFAULT_LANES = 64;

/** An input on its way through the stages, in a lane of the machine. */
class Running {
  readonly lane: number;
  readonly input: Input;
  readonly outputs: number[] = [];
  readonly turns: number[] = [];
  saturations = 0;
  overflows = 0;
  skippedCycles = 0;
  /** Codes that were brought, and turns that gave some. */
  #taken = 0;
  #given = 0;

  constructor(input: Input, lane: number) {
    this.input = input;
    this.lane = lane;
  }

  /** Brings the codes of a turn; false where there are not enough. */
  bring({ address, bits, count }: Port, machine: Machine): boolean {
    const end = this.#taken + count;
    if (end > this.input.codes.length) return false;
    machine.writeData(bits, address, this.input.codes.slice(this.#taken, end), this.lane);
    this.#taken = end;
    return true;
  }

  count(stage: number, { saturations, overflows, skippedCycles }: Counts): void {
    this.turns[stage]!++;
    this.saturations += saturations[this.lane]!;
    this.overflows += overflows[this.lane]!;
    this.skippedCycles += skippedCycles[this.lane]!;
  }

  /** Fetches what a turn gave; false where that ends the stage. */
  fetch({ address, bits, count }: Port, end: number | undefined, machine: Machine): boolean {
    const codes = machine.readData(bits, address, count, this.lane);
    if (codes[0] === end) return false;
    this.outputs.push(...(this.input.keep?.(codes, ++this.#given) ?? codes));
    return true;
  }
}

/** Whoever runs a job on the machine: it has loaded it when it is made. */
export class Host {
  readonly lanes: number;
  readonly #job: Job;
  readonly #machine: Machine;
  readonly #watch: HostOptions["watch"];

  /** @throws InputError where the job is illegal on the machine */
  constructor(job: Job, arch: ArchSpec, { lanes = DEFAULT_LANES, backend, watch }: HostOptions = {}) {
    const { image, dataBytes } = job;
    const options = { image, programs: programsOf(job), lanes, dataBytes };
    this.lanes = lanes;
    this.#job = job;
    this.#machine = new Machine(arch, backend === undefined ? options : { ...options, backend });
    this.#watch = watch;
    this.#run(job.load, { stage: "load" });
    this.#machine.takeCounts();
  }

  /**
   * Runs inputs of one size, at most as many as there are lanes, at once: each until it has ended. Saturations and overflows
   * are counted in the lanes that were still running.
   *
   * @throws RangeError where the inputs differ in the turns that they take of a stage with another behind it: a lane that
   *   is done takes turns that are not its own, and would go on from there
   */
  run(inputs: readonly Input[]): Outcome[] {
    const stages = this.#job.stages.get(inputs[0]!.size)!;
    const all = inputs.map((input, lane) => new Running(input, lane));
    for (const [s, stage] of stages.entries()) {
      this.#runStage(stage, s, all);
      const isUneven = all.some(({ turns }) => turns[s] !== all[0]!.turns[s]);
      if (isUneven && s < stages.length - 1)
        throw new RangeError(
          `inputs of one size take unequal turns of ${stage.name}, which is not the last stage`,
        );
    }
    return all.map(({ outputs, turns, saturations, overflows, skippedCycles }) => ({
      outputs,
      turns,
      saturations,
      overflows,
      skippedCycles,
    }));
  }

  #runStage(stage: Stage, index: number, all: readonly Running[]): void {
    const { name, program, takes, gives, turns = Number.POSITIVE_INFINITY } = stage;
    const machine = this.#machine;
    for (const each of all) each.turns.push(0);
    let running = all;
    for (let turn = 1; turn <= turns; turn++) {
      if (takes !== undefined) running = running.filter((each) => each.bring(takes, machine));
      if (running.length === 0) return;
      this.#run(program, turns === 1 ? { stage: name } : { stage: name, turn });
      const counts = machine.takeCounts();
      for (const each of running) each.count(index, counts);
      if (gives !== undefined) running = running.filter((each) => each.fetch(gives, stage.end, machine));
    }
  }

  #run(program: Program, turn: Omit<Turn, "machine">): void {
    this.#machine.run(program, this.#watch?.({ machine: this.#machine, ...turn }));
  }
}

/**
 * Runs a job on every input, on the machine: those of one size share programs and are executed in lanes. A pure function of job,
 * machine and inputs.
 */
export function execute(
  job: Job,
  arch: ArchSpec,
  inputs: readonly Input[],
  options: ExecuteOptions = {},
): Outcome[] {
  const host = new Host(job, arch, options);
  const outcomes = new Array<Outcome>(inputs.length);
  let done = 0;
  for (const indices of bySize(inputs).values()) {
    for (let from = 0; from < indices.length; from += host.lanes) {
      const group = indices.slice(from, from + host.lanes);
      const results = host.run(group.map((i) => inputs[i]!));
      for (const [lane, i] of group.entries()) outcomes[i] = results[lane]!;
      done += group.length;
      options.onProgress?.(done);
    }
  }
  return outcomes;
}

/** Positions of the inputs, by size. */
function bySize(inputs: readonly Input[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const [i, { size }] of inputs.entries()) {
    const group = groups.get(size);
    if (group === undefined) groups.set(size, [i]);
    else group.push(i);
  }
  return groups;
}
