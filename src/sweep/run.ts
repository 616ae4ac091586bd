import { InputError } from "../base/errors.ts";
import { agreement, type Score, score } from "../model/g2p/metrics.ts";
import type { SequenceJob } from "../model/job.ts";
import type { Experiment } from "./experiment.ts";
import { type Family, familiesOf } from "./factor.ts";
import type { Mapper } from "./mapped.ts";
import { type Cost, type Invocations, measureOne, type Results, realTokens } from "./measure.ts";
import type { Point } from "./points.ts";
import { runAll } from "./pool.ts";
import { type Subject, type SubjectSpec, subjectOf } from "./subject.ts";
import type { Answer, Task } from "./task.ts";

/** How well a model did. */
interface Accuracy extends Score {
  /** Phones equal to the real-valued model's, position by position: 0 … 1. */
  readonly agreement: number;
  /** Over all words: elements clamped to their range, accumulators that left theirs. */
  readonly saturations: number;
  readonly overflows: number;
}

/** A point with its results: what a line of the CSV is made of. */
export interface Row {
  readonly experiment: string;
  readonly seed: number;
  readonly mapper: Mapper;
  readonly subject: SubjectSpec;
  readonly facts: Pick<Subject, "parameters" | "norm" | "hash">;
  readonly point: Point;
  readonly accuracy: Accuracy;
  /** The real-valued model's score on the same words. */
  readonly reference: Score;
  readonly cost: Cost;
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
 * Measures every point of an experiment; rows in the order of its points. A pure function of the files: the number of
 * workers and the order in which they finish change no byte of a row.
 *
 * @throws InputError for a faulty model file, or where a model does not fit a machine
 */
export async function runSweep(experiment: Experiment, options: SweepOptions): Promise<Row[]> {
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
    if (answer.kind === "refused") throw new InputError(answer.where, answer.problem);
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
function join(experiment: Experiment, families: readonly Family[], answers: readonly Answer[]): Row[] {
  const subject = subjectOf(experiment.subject);
  const [reference, ...measured] = answers;
  if (reference?.kind !== "reference") throw new Error("the first answer is the reference");
  const rows = families.flatMap(({ points }, f) => {
    const answer = measured[f];
    if (answer?.kind !== "measure") throw new Error("every other answer is a measurement");
    const accuracies = answer.results.map((results) => accuracyOf(subject, results, reference.tokens));
    const toRow = rowsOf(experiment, subject, reference.tokens);
    return points.map((point, i) => {
      const { results, cost } = answer.machines[i]!;
      return toRow(point, accuracies[results]!, cost);
    });
  });
  return rows.sort((a, b) => a.point.index - b.point.index);
}

function accuracyOf(
  { words }: Subject,
  results: Results,
  reference: readonly (readonly number[])[],
): Accuracy {
  const { tokens, saturations, overflows } = results;
  return { ...score(tokens, words), agreement: agreement(tokens, reference), saturations, overflows };
}

function rowsOf(experiment: Experiment, subject: Subject, realTokens: readonly (readonly number[])[]) {
  const { parameters, norm, hash } = subject;
  const reference = score(realTokens, subject.words);
  const { name, seed, mapper } = experiment;
  const common = {
    experiment: name,
    seed,
    mapper,
    subject: experiment.subject,
    facts: { parameters, norm, hash },
    reference,
  };
  return (point: Point, accuracy: Accuracy, cost: Cost): Row => ({ ...common, point, accuracy, cost });
}

/** A point in full, for a report on it. */
export interface PointReport {
  readonly row: Row;
  readonly job: SequenceJob;
  /** `load` first, then `start` and `step` of each word length, ascending. */
  readonly programs: readonly Invocations[];
}

/** Measures one point in this process. @throws InputError as `runSweep` does */
export function runPoint(experiment: Experiment, point: Point): PointReport {
  const subject = subjectOf(experiment.subject);
  const reference = realTokens(subject);
  const { job, results, invocations, cost } = measureOne(
    subject,
    point.recipe,
    point.arch,
    experiment.mapper,
  );
  const row = rowsOf(experiment, subject, reference)(point, accuracyOf(subject, results, reference), cost);
  return { row, job, programs: invocations };
}
