import type { Job } from "../model/job.ts";
import type { Experiment } from "./experiment.ts";
import { type Invocations, measureOne, referenceOf } from "./measure.ts";
import type { Point } from "./points.ts";
import { numericsOf, type Row, rowsOf } from "./run.ts";
import { subjectOf } from "./subject.ts";

/** A point in full, for a report on it. */
export interface PointReport {
  readonly row: Row;
  readonly job: Job;
  /** `load` first, then the stages of each size of input, ascending. */
  readonly programs: readonly Invocations[];
}

/** Measures one point in this process. @throws InputError as `runSweep` does */
export function runPoint({ name }: Experiment, point: Point): PointReport {
  const subject = subjectOf(point.subject);
  const reference = referenceOf(subject);
  const { job, results, invocations, cost } = measureOne(subject, point.recipe, point.arch, point.mapper);
  const { accuracy } = numericsOf(subject, results, reference);
  const row = rowsOf(name, () => reference)(point, accuracy, cost);
  return { row, job, programs: invocations };
}
