import { InputError } from "../base/errors.ts";
import type { Job } from "../model/job.ts";
import type { Scores } from "../model/model.ts";
import type { Experiment } from "./experiment.ts";
import { type Family, familiesOf } from "./factor.ts";
import type { Mapper } from "./mapped.ts";
import { type Cost, type Invocations, measureOne, type Results, referenceOf } from "./measure.ts";
import type { Point } from "./points.ts";
import { runAll } from "./pool.ts";
import type { Refusal } from "./refusal.ts";
import { type Facts, type Subject, type SubjectSpec, subjectOf } from "./subject.ts";
import type { Answer, Task } from "./task.ts";

/** How well a model did. */
interface Accuracy {
  /** By the model's metrics. */
  readonly scores: Scores;
  /** Over all samples: elements clamped to their range, accumulators that left theirs. */
  readonly saturations: number;
  readonly overflows: number;
  /** Beats of the array that skipping zeros would have saved: an estimate that no cycle has a part in. */
  readonly skippedCycles: number;
}

/** A point with its results: what a line of the CSV is made of. */
export interface Row {
  readonly experiment: string;
  readonly mapper: Mapper;
  readonly subject: SubjectSpec;
  readonly facts: Facts;
  readonly point: Point;
  readonly accuracy: Accuracy;
  /** The real-valued model's, on the same samples. */
  readonly reference: Scores;
  readonly cost: Cost;
}

/** A point that the model cannot be run at, and why. */
export interface RefusedPoint extends Refusal {
  readonly point: Point;
}

/** What became of the points, each in the order of the experiment. */
export interface Swept {
  readonly rows: readonly Row[];
  readonly refused: readonly RefusedPoint[];
}

export interface SweepOptions {
  /** Threads; 0 and 1 run in this process. Changes nothing but the time that it takes. */
  readonly workers: number;
  /** Pieces of work done, all of them, and what the latest one was. */
  readonly onProgress?: (done: number, total: number, label: string) => void;
}

/** The distinct work of a sweep, for a person to know before it begins. */
export interface Plan {
  readonly points: number;
  /** Quantized models. Each is executed once, or once for each array shape where an accumulator may overflow. */
  readonly numerics: number;
  /** Compiled models. Programs that turn out equal share their timing. */
  readonly timings: number;
}

export const planOf = ({ points }: Experiment): Plan => ({
  points: points.length,
  numerics: familiesOf(points).length,
  timings: points.length,
});

/**
 * Measures every point of an experiment. A point at which the model does not fit the machine keeps no other from its row.
 * A pure function of the files: the number of workers and the order in which they finish change no byte of a row.
 *
 * @throws InputError for faulty files of the model, which no point can do without
 */
export async function runSweep(experiment: Experiment, options: SweepOptions): Promise<Swept> {
  const { subject, mapper } = experiment;
  const families = familiesOf(experiment.points);
  const tasks: Task[] = [
    { kind: "reference", subject },
    ...families.map(({ recipe, archs }): Task => ({ kind: "measure", subject, recipe, archs, mapper })),
  ];
  const labels = ["the real-valued reference", ...families.map(labelOf)];
  const answers = new Array<Answer>(tasks.length);
  let done = 0;
  await runAll(tasks, options.workers, (answer, i) => {
    if (answer.kind === "refused" && tasks[i]!.kind === "reference")
      throw new InputError(answer.where, answer.problem);
    answers[i] = answer;
    options.onProgress?.(++done, tasks.length, labels[i]!);
  });
  return join(experiment, families, answers);
}

function labelOf({ points }: Family): string {
  const { changes } = points[0]!;
  const machines = new Set(points.map(({ arch }) => arch.name));
  return `${changes === "" ? "defaults" : changes} on ${[...machines].join(", ")}`;
}

/** Puts scores and costs together, and the points back into their order. */
function join(experiment: Experiment, families: readonly Family[], answers: readonly Answer[]): Swept {
  const subject = subjectOf(experiment.subject);
  const [reference, ...measured] = answers;
  if (reference?.kind !== "reference") throw new Error("the first answer is the reference");
  const toRow = rowsOf(experiment, subject, reference.outputs);
  const rows: Row[] = [];
  const refused: RefusedPoint[] = [];
  for (const [f, { points }] of families.entries()) {
    const answer = measured[f]!;
    if (answer.kind === "reference") throw new Error("only the first answer is the reference");
    for (const [i, point] of points.entries()) {
      const machine = answer.kind === "refused" ? answer : answer.machines[i]!;
      if ("problem" in machine) refused.push({ point, where: machine.where, problem: machine.problem });
      else if (answer.kind === "measure")
        rows.push(toRow(point, answer.results[machine.results]!, machine.cost));
    }
  }
  const inOrder = (a: { point: Point }, b: { point: Point }) => a.point.index - b.point.index;
  return { rows: rows.sort(inOrder), refused: refused.sort(inOrder) };
}

function rowsOf(experiment: Experiment, subject: Subject, reference: Results["outputs"]) {
  const { model, samples, facts } = subject;
  const { name, mapper } = experiment;
  const common = { experiment: name, mapper, subject: experiment.subject, facts };
  const scored = { ...common, reference: model.score(samples, reference, reference) };
  // Points that share results share their scores.
  const known = new Map<Results, Accuracy>();
  return (point: Point, results: Results, cost: Cost): Row => {
    const { outputs, saturations, overflows, skippedCycles } = results;
    let accuracy = known.get(results);
    accuracy ??= { scores: model.score(samples, outputs, reference), saturations, overflows, skippedCycles };
    known.set(results, accuracy);
    return { ...scored, point, accuracy, cost };
  };
}

/** A point in full, for a report on it. */
export interface PointReport {
  readonly row: Row;
  readonly job: Job;
  /** `load` first, then the stages of each size of input, ascending. */
  readonly programs: readonly Invocations[];
}

/** Measures one point in this process. @throws InputError as `runSweep` does */
export function runPoint(experiment: Experiment, point: Point): PointReport {
  const subject = subjectOf(experiment.subject);
  const reference = referenceOf(subject);
  const { job, results, invocations, cost } = measureOne(
    subject,
    point.recipe,
    point.arch,
    experiment.mapper,
  );
  const row = rowsOf(experiment, subject, reference)(point, results, cost);
  return { row, job, programs: invocations };
}
