import type { ArchSpec } from "../arch/spec.ts";
import { Recent } from "../base/recent.ts";
import type { Program } from "../isa/program.ts";
import { type Timing, time, total } from "../machine/timing.ts";
import { modelBytes } from "../model/job.ts";
import { type FloatCosts, type FloatModels, type FloatTimings, floatCosts, type Runs } from "./baseline.ts";
import { resultsKey, timingKey } from "./factor.ts";
import type { LegalJob } from "./legal.ts";

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

/** What a job's programs cost on a machine, before it is known how often they run: the half of a result that no data has a part in. */
export interface JobCost {
  /** Which results of the quantized model are the job's. */
  readonly results: string;
  readonly load: Timing;
  /** Of each size's stages. */
  readonly stages: readonly (readonly [size: number, timings: readonly Timing[]])[];
  readonly modelBytes: number;
  readonly residentWeightBytes: number;
  readonly floats: FloatTimings;
}

/** Timings by `timingKey`, those of the latest programs. */
const timings = new Recent<Timing>(2000);

/** The cost of a program; what was timed before is not timed again. */
export const timeOnce = (program: Program, arch: ArchSpec): Timing =>
  timings.recall(timingKey(program, arch), () => time(program, arch));

export function jobCostOf(job: LegalJob, floats: FloatModels<unknown>): JobCost {
  const { arch } = job.legal;
  return {
    results: resultsKey(job),
    load: timeOnce(job.load, arch),
    stages: [...job.stages].map(([size, some]) => [size, some.map(({ program }) => timeOnce(program, arch))]),
    modelBytes: modelBytes(job.image),
    residentWeightBytes: job.residentWeightBytes,
    floats: floats.timings(arch),
  };
}

/** What so many runs cost. */
export function costOf({ load, stages, floats, ...job }: JobCost, runs: readonly Runs[]): Cost {
  const timingsOf = new Map(stages);
  const parts = runs.flatMap(({ size, turns }) =>
    timingsOf.get(size)!.map((timing, s) => ({ timing, times: turns[s]! })),
  );
  const { modelBytes, residentWeightBytes } = job;
  return { load, warm: total(parts), modelBytes, residentWeightBytes, floats: floatCosts(floats, runs) };
}
