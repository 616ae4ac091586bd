import { InputError } from "../base/errors.ts";
import { onceFor } from "../base/hash.ts";
import type { Scores } from "../model/model.ts";
import type { Cache } from "./cache.ts";
import type { Experiment } from "./experiment.ts";
import { type Family, familiesOf } from "./factor.ts";
import type { Executed } from "./halves.ts";
import { type Accuracy, Known, type Numerics, type Outputs } from "./known.ts";
import type { Results } from "./measure.ts";
import type { Point } from "./points.ts";
import { Workers } from "./pool.ts";
import { type Cost, costOf } from "./price.ts";
import type { Refusal } from "./refusal.ts";
import { type Facts, factsOf, type Subject, type SubjectSpec, subjectOf } from "./subject.ts";
import type { Answer, Task } from "./task.ts";

/** A point with its results: what a line of the CSV is made of. */
export interface Row {
  readonly experiment: string;
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
  /** The points that others are compared with, by name. */
  readonly baselines: ReadonlyMap<string, Row>;
}

interface Means {
  /** Threads; 0 runs in this process. Changes nothing but the time that it takes. */
  readonly workers: number;
  /** Where results of earlier runs are, and those of this one go. Changes nothing but the time that it takes. */
  readonly cache?: Cache | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

interface Told {
  /** Told of the work before it begins. */
  readonly onPlan?: (plan: Plan) => void;
  /** Pieces of work done, all of them as far as is known, and what the latest one was. */
  readonly onProgress?: (done: number, total: number, label: string) => void;
}

export type Asked = Pick<Experiment, "name" | "path" | "points" | "baselines">;

/** The distinct work of a sweep, for a person to know before it begins. */
export interface Plan {
  readonly points: number;
  /** Quantized models. Each is executed once, or once for each array shape where an accumulator may overflow. */
  readonly numerics: Work;
  /** Programs of a model on a machine. */
  readonly timings: Work & {
    /** Where some model was never compiled, it is not known whether its programs are those of another: then these are the most. */
    readonly isMost: boolean;
  };
}

interface Work {
  readonly distinct: number;
  /** How many of them are there already. */
  readonly cached: number;
}

/**
 * Measures every point of an experiment. A point at which the model does not fit the machine keeps no other from its row.
 * A pure function of the files: the number of workers, the order in which they finish and what the cache holds change no byte of a row.
 *
 * @throws InputError for faulty files of a model, which its points cannot do without, and for a baseline that does not run; Interrupted where the signal came first
 */
export async function runSweep(experiment: Asked, options: Means & Told): Promise<Swept> {
  const measurer = new Measurer(options);
  try {
    return await measurer.measure(experiment, options);
  } finally {
    await measurer.end();
  }
}

/** Measures points a batch at a time, on the same threads, and nothing twice. */
export class Measurer {
  readonly #known: Known;
  readonly #workers: Workers;

  constructor({ workers, cache, signal }: Means) {
    this.#known = new Known(cache);
    this.#workers = new Workers(workers, signal);
  }

  /** Measures every point. @throws as `runSweep` does */
  async measure(asked: Asked, told: Told = {}): Promise<Swept> {
    const sweep = new Sweep(asked, this.#known);
    told.onPlan?.(sweep.plan());
    await this.#run([sweep.executions(), sweep.prices(), sweep.others()], told);
    return sweep.join();
  }

  /** What every point costs, nothing of it being executed; undefined of those that the model cannot be run at. @throws as `runSweep` does */
  async price(asked: Asked, told: Told = {}): Promise<ReadonlyMap<Point, Offer | undefined>> {
    const sweep = new Sweep(asked, this.#known);
    await this.#run([sweep.references(), sweep.prices()], told);
    return sweep.offers();
  }

  /** Ends the threads. */
  readonly end = (): Promise<void> => this.#workers.end();

  /** What is left to do shows with what is done: which programs a model has, and which results of it a machine needs. */
  async #run(steps: readonly Iterable<Piece>[], { onProgress }: Told): Promise<void> {
    let done = 0;
    for (const step of steps) {
      const pieces = [...step];
      const tasks = pieces.map(({ task }) => task);
      const total = done + pieces.length;
      await this.#workers.run(tasks, (answer, i) => {
        pieces[i]!.take(answer);
        onProgress?.(++done, total, pieces[i]!.label);
      });
    }
  }
}

/** A point that is priced. */
export interface Offer {
  /** Identity of what executing it gives, which other points may share. */
  readonly numerics: string;
  /** What executing it gave, where somebody did. */
  readonly measured: Numerics | undefined;
  /** Its row, were that what executing it gives. */
  readonly rowWith: (numerics: Numerics) => Row;
}

/** A task, and what its answer is for. */
interface Piece {
  readonly task: Task;
  readonly label: string;
  readonly take: (answer: Answer) => void;
}

/** Machines that a worker prices at a time: so few that workers end together. */
const MACHINES_A_TASK = 4;

class Sweep {
  readonly #experiment: Asked;
  readonly #families: readonly Family[];
  readonly #known: Known;
  /** Executions that came before the references that they are scored by. */
  #unscored: (() => boolean)[] = [];

  constructor(experiment: Asked, known: Known) {
    const { points, baselines } = experiment;
    this.#experiment = experiment;
    this.#families = familiesOf([...points, ...baselines.values()]);
    this.#known = known;
  }

  plan(): Plan {
    const known = this.#known;
    const models = new Map<string, boolean>();
    const pairs = new Map<string, boolean>();
    let isMost = false;
    for (const family of this.#families) {
      isMost ||= known.layout(family) === undefined;
      const summaries = family.archs.map((arch) => known.summary(family, arch));
      for (const [i, arch] of family.archs.entries())
        pairs.set(known.costKey(family, arch), summaries[i] !== undefined);
      const needed = new Set(summaries.flatMap((one) => (one && "results" in one ? [one.results] : [])));
      const isKnown = needed.size > 0 && [...needed].every((results) => known.numerics(family, results));
      models.set(family.key, isKnown && models.get(family.key) !== false);
    }
    const workOf = (all: ReadonlyMap<string, boolean>) => ({
      distinct: all.size,
      cached: [...all.values()].filter(Boolean).length,
    });
    return {
      points: this.#experiment.points.length,
      numerics: workOf(models),
      timings: { ...workOf(pairs), isMost },
    };
  }

  *references(): Generator<Piece> {
    const asked = new Set<string>();
    for (const { subject } of this.#families) {
      const key = factsOf(subject).referenceHash;
      if (asked.has(key) || this.#known.reference(subject) !== undefined) continue;
      asked.add(key);
      yield this.#reference(subject);
    }
  }

  /** The references, and each model that was never executed on any machine. */
  *executions(): Generator<Piece> {
    yield* this.references();
    const asked = new Set<string>();
    for (const family of this.#families) {
      // Another mapper's programs of the same model give the same results.
      if (this.#known.layout(family) !== undefined || asked.has(family.key)) continue;
      asked.add(family.key);
      yield this.#execution(family, family.archs);
    }
  }

  /** Each model on each machine, unless another model has the same programs. */
  *prices(): Generator<Piece> {
    const asked = new Set<string>();
    for (const family of this.#families) {
      const missing = family.archs.filter((arch) => {
        const key = this.#known.costKey(family, arch);
        if (asked.has(key) || this.#known.summary(family, arch)) return false;
        return asked.add(key);
      });
      for (let from = 0; from < missing.length; from += MACHINES_A_TASK)
        yield this.#pricing(family, missing.slice(from, from + MACHINES_A_TASK));
    }
  }

  /** Results that only show to be needed when a machine is known not to share those that there are. */
  *others(): Generator<Piece> {
    const asked = new Set<string>();
    for (const family of this.#families) {
      for (const arch of family.archs) {
        const summary = this.#known.summary(family, arch)!;
        if ("problem" in summary || asked.has(`${family.key} ${summary.results}`)) continue;
        asked.add(`${family.key} ${summary.results}`);
        if (this.#known.numerics(family, summary.results) === undefined)
          yield this.#execution(family, [arch]);
      }
    }
  }

  #reference(subject: SubjectSpec): Piece {
    return {
      task: { kind: "reference", subject },
      label: "the real-valued reference",
      take: (answer) => {
        if (answer.kind === "refused") refuse(answer);
        if (answer.kind !== "reference") throw new Error(`${answer.kind} is no reference`);
        this.#known.keepReference(subject, answer.outputs);
        this.#unscored = this.#unscored.filter((score) => !score());
      },
    };
  }

  #execution(family: Family, archs: Family["archs"]): Piece {
    return {
      task: taskOf("execute", family, archs),
      label: labelOf(family, archs.slice(0, 1)),
      take: (answer) => {
        if (answer.kind === "refused") refuse(answer);
        if (answer.kind !== "execute") throw new Error(`${answer.kind} is no execution`);
        this.#keepCosts(family, archs, answer);
        const { results } = answer;
        const score = () => results === undefined || this.#score(family, results.key, results.of);
        if (!score()) this.#unscored.push(score);
      },
    };
  }

  #pricing(family: Family, archs: Family["archs"]): Piece {
    return {
      task: taskOf("price", family, archs),
      label: `${labelOf(family, archs)}: cycles`,
      take: (answer) => {
        if (answer.kind === "refused") refuse(answer);
        if (answer.kind !== "price") throw new Error(`${answer.kind} is no pricing`);
        this.#keepCosts(family, archs, answer);
      },
    };
  }

  #keepCosts(family: Family, archs: Family["archs"], { layout, priced }: Omit<Executed, "results">): void {
    if (layout !== undefined) this.#known.keepLayout(family, layout);
    for (const [i, one] of priced.entries()) this.#known.keepCost(family, archs[i]!, one);
  }

  /** Whether it could be scored: not before the reference is there. */
  #score(family: Family, key: string, results: Results): boolean {
    const reference = this.#known.reference(family.subject);
    if (reference === undefined) return false;
    this.#known.keepNumerics(family, key, numericsOf(subjectOf(family.subject), results, reference));
    return true;
  }

  /** What the points cost, once they are priced. */
  offers(): Map<Point, Offer | undefined> {
    const known = this.#known;
    const toRow = rowsOf(this.#experiment.name, (subject) => known.reference(subject)!);
    const offerOf = (family: Family, point: Point): Offer | undefined => {
      const summary = known.summary(family, point.arch)!;
      if ("problem" in summary) return undefined;
      const key = known.costKey(family, point.arch);
      return {
        numerics: `${family.key} ${summary.results}`,
        measured: known.numerics(family, summary.results),
        rowWith: ({ accuracy, runs }) => toRow(point, accuracy, costOf(known.cost(key), runs)),
      };
    };
    const each = (family: Family) => family.points.map((point) => [point, offerOf(family, point)] as const);
    return new Map(this.#families.flatMap(each));
  }

  /** Puts the two halves together, and the points back into their order. A cost is unpacked once. */
  join(): Swept {
    const { name, path, baselines } = this.#experiment;
    const toRow = rowsOf(name, (subject) => this.#known.reference(subject)!);
    const named = new Map([...baselines].map(([baseline, point]) => [point, baseline]));
    const refused: RefusedPoint[] = [];
    const byCost = new Map<string, (() => Row)[]>();
    for (const family of this.#families) {
      for (const point of family.points) {
        const summary = this.#known.summary(family, point.arch)!;
        if ("problem" in summary) {
          const { where, problem } = summary;
          if (named.has(point))
            throw new InputError(path, `baselines.${named.get(point)}: ${where}: ${problem}`);
          refused.push({ point, where, problem });
          continue;
        }
        const key = this.#known.costKey(family, point.arch);
        const numerics = this.#known.numerics(family, summary.results)!;
        const row = () => toRow(point, numerics.accuracy, costOf(this.#known.cost(key), numerics.runs));
        const rows = byCost.get(key);
        if (rows === undefined) byCost.set(key, [row]);
        else rows.push(row);
      }
    }
    const rows = [...byCost.values()].flatMap((some) => some.map((row) => row()));
    const inOrder = (a: { point: Point }, b: { point: Point }) => a.point.index - b.point.index;
    return {
      rows: rows.filter(({ point }) => !named.has(point)).sort(inOrder),
      refused: refused.sort(inOrder),
      baselines: new Map(
        rows.flatMap((row) => (named.has(row.point) ? [[named.get(row.point)!, row] as const] : [])),
      ),
    };
  }
}

function refuse({ where, problem }: Refusal): never {
  throw new InputError(where, problem);
}

const taskOf = (
  kind: "execute" | "price",
  { subject, recipe, mapper }: Family,
  archs: Family["archs"],
): Task => ({ kind, subject, recipe, archs, mapper });

function labelOf({ points }: Family, archs: Family["archs"]): string {
  const { changes } = points[0]!;
  const machines = new Set(archs.map(({ name }) => name));
  return `${changes === "" ? "defaults" : changes} on ${[...machines].join(", ")}`;
}

/** What is kept of results. */
export function numericsOf({ model, samples }: Subject, results: Results, reference: Outputs): Numerics {
  const { outputs, runs, saturations, overflows, skippedCycles } = results;
  const scores = model.score(samples, outputs, reference);
  return { accuracy: { scores, saturations, overflows, skippedCycles }, runs };
}

/** Makes rows of an experiment. @param referenceFor  the real-valued model's outputs */
export function rowsOf(experiment: string, referenceFor: (subject: SubjectSpec) => Outputs) {
  const common = onceFor((spec: SubjectSpec) => {
    const { model, samples, facts } = subjectOf(spec);
    const reference = referenceFor(spec);
    return { experiment, facts, reference: model.score(samples, reference, reference) };
  });
  return (point: Point, accuracy: Accuracy, cost: Cost): Row => ({
    ...common(point.subject),
    ...{ point, accuracy, cost },
  });
}
