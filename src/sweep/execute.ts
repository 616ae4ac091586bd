import type { Program } from "../isa/program.ts";
import { type Counts, Machine, type Observer } from "../machine/machine.ts";
import type { Input, Job, Port, Stage } from "../model/job.ts";
import type { LegalJob } from "./legal.ts";

/** What a job's execution gave for one input. */
export interface Outcome {
  /** What its stages gave and the input keeps, turn after turn, without the end. */
  readonly outputs: readonly number[];
  /** Of each stage, without the lead. */
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
  /** Of each stage: turns that count, and all of them. */
  readonly turns: number[] = [];
  readonly taken: number[] = [];
  saturations = 0;
  overflows = 0;
  skippedCycles = 0;
  /** Codes that were brought, and turns that gave some. */
  #brought = 0;
  #given = 0;
  /** Turns of the lead that are still to come, and whether the latest was one of it. */
  #ahead: number;
  #isLead = false;

  constructor(input: Input, lane: number) {
    this.input = input;
    this.lane = lane;
    this.#ahead = input.lead ?? 0;
  }

  begin(): void {
    this.turns.push(0);
    this.taken.push(0);
  }

  /** Brings the codes of a turn; false where there are not enough. */
  bring({ address, bits, count }: Port, machine: Machine): boolean {
    const end = this.#brought + count;
    if (end > this.input.codes.length) return false;
    machine.writeData(bits, address, this.input.codes.slice(this.#brought, end), this.lane);
    this.#brought = end;
    return true;
  }

  count(stage: number, { saturations, overflows, skippedCycles }: Counts): void {
    this.taken[stage]!++;
    this.#isLead = this.#ahead > 0;
    if (this.#isLead) {
      this.#ahead--;
      return;
    }
    this.turns[stage]!++;
    this.saturations += saturations[this.lane]!;
    this.overflows += overflows[this.lane]!;
    this.skippedCycles += skippedCycles[this.lane]!;
  }

  /** Fetches what a turn gave; false where that ends the stage. */
  fetch({ address, bits, count }: Port, end: number | undefined, machine: Machine): boolean {
    if (this.#isLead) return true;
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

  constructor(job: LegalJob, { lanes = DEFAULT_LANES, backend, watch }: HostOptions = {}) {
    this.lanes = lanes;
    this.#job = job;
    this.#machine = new Machine(job.legal, { lanes, backend });
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
      const isUneven = all.some(({ taken }) => taken[s] !== all[0]!.taken[s]);
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
    for (const each of all) each.begin();
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
 * Runs a job on every input, on the machine that it is legal on: those of one size share programs and are executed in lanes. A pure function of job
 * and inputs.
 */
export function execute(job: LegalJob, inputs: readonly Input[], options: ExecuteOptions = {}): Outcome[] {
  const lanes = Math.min(options.lanes ?? DEFAULT_LANES, Math.max(inputs.length, 1));
  const host = new Host(job, { ...options, lanes });
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
