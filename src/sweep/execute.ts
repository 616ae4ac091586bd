import type { ArchSpec } from "../arch/spec.ts";
import { Machine } from "../machine/machine.ts";
import { programsOf, type SequenceJob } from "../model/job.ts";

/** What a job's execution gave for one input. */
export interface Outcome {
  /** Tokens before the end token. */
  readonly tokens: readonly number[];
  /** Times that `step` was invoked. */
  readonly steps: number;
  readonly saturations: number;
  readonly overflows: number;
}

export interface ExecuteOptions {
  /** Inputs that one run of a program executes at once. Changes nothing but the time that it takes. */
  readonly lanes?: number;
  readonly backend?: "simd" | "twin";
  readonly onProgress?: (done: number) => void;
}

const DEFAULT_LANES = 64;

/**
 * Runs the job on every input, on the machine: inputs of one length share a program and are executed in lanes, each
 * until it has ended. Saturations and overflows are counted in the lanes that were still running.
 */
export function execute(
  job: SequenceJob,
  arch: ArchSpec,
  inputs: readonly (readonly number[])[],
  options: ExecuteOptions = {},
): Outcome[] {
  const lanes = options.lanes ?? DEFAULT_LANES;
  const outcomes = new Array<Outcome>(inputs.length);
  const { image, dataBytes } = job;
  const backend = options.backend === undefined ? {} : { backend: options.backend };
  const machine = new Machine(arch, { image, programs: programsOf(job), lanes, dataBytes, ...backend });
  machine.run(job.load);
  machine.takeCounts();
  let done = 0;
  for (const [length, indices] of byLength(inputs)) {
    for (let from = 0; from < indices.length; from += lanes) {
      const group = indices.slice(from, from + lanes);
      const results = executeGroup(
        job,
        machine,
        length,
        group.map((i) => inputs[i]!),
      );
      for (const [lane, i] of group.entries()) outcomes[i] = results[lane]!;
      done += group.length;
      options.onProgress?.(done);
    }
  }
  return outcomes;
}

/** Positions of the inputs, by length. */
function byLength(inputs: readonly (readonly number[])[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const [i, { length }] of inputs.entries()) {
    const group = groups.get(length);
    if (group === undefined) groups.set(length, [i]);
    else group.push(i);
  }
  return groups;
}

function executeGroup(
  job: SequenceJob,
  machine: Machine,
  length: number,
  inputs: readonly (readonly number[])[],
): Outcome[] {
  const { start, step } = job.programs.get(length)!;
  const running = inputs.map(() => ({
    tokens: [] as number[],
    steps: 0,
    saturations: 0,
    overflows: 0,
    ended: false,
  }));
  const count = () => {
    const { saturations, overflows } = machine.takeCounts();
    for (const [lane, state] of running.entries()) {
      if (state.ended) continue;
      state.saturations += saturations[lane]!;
      state.overflows += overflows[lane]!;
    }
  };
  machine.takeCounts();
  for (const [lane, input] of inputs.entries())
    machine.writeData(job.input.bits, job.input.address, input, lane);
  machine.run(start);
  count();
  for (let turn = 0; turn < job.maxSteps && running.some(({ ended }) => !ended); turn++) {
    machine.run(step);
    count();
    for (const [lane, state] of running.entries()) {
      if (state.ended) continue;
      state.steps++;
      const [token] = machine.readData(job.output.bits, job.output.address, 1, lane);
      if (token === job.endToken) state.ended = true;
      else state.tokens.push(token!);
    }
  }
  return running.map(({ ended: _, ...outcome }) => outcome);
}
