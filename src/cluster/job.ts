import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "../base/errors.ts";
import type { JobFolder } from "./folder.ts";
import type { Queued, Scheduler } from "./scheduler.ts";

/** In milliseconds. */
export interface Pace {
  /** Between the first two looks at queue and folder, and between any two at most: each pause is longer than the one before. */
  readonly first: number;
  readonly most: number;
  /** How long a task may be neither in the queue nor in the folder: a network filesystem shows files late. */
  readonly grace: number;
}

const PACE: Pace = { first: 250, most: 5_000, grace: 5_000 };
const SLOWER = 1.5;
/** How often a task is submitted before it counts as failed. */
export const TRIES = 3;

/** Where a job is. */
export interface Standing {
  readonly of: number;
  /** Parts that are there and whole. */
  readonly done: number;
  /** Tasks without a part that wait or run. */
  readonly queued: readonly Queued[];
  /** Tasks that are given up. */
  readonly failed: readonly number[];
}

/** A submission that has just been made. */
export interface Submitted {
  readonly job: string;
  readonly tasks: readonly number[];
  /** Those of them that were lost before. */
  readonly lost: readonly number[];
}

interface Options {
  readonly scheduler: Scheduler;
  readonly cpus: number;
  /** The user's words for the scheduler. */
  readonly options: readonly string[];
  readonly pace?: Pace;
  readonly onSubmitted: (submitted: Submitted) => void;
  readonly onWarning: (problem: string) => void;
}

/**
 * The tasks of a folder, run by a scheduler. What is in the folder and in the queue is all that is known of them: whoever asks
 * again, later or from elsewhere, goes on where the last one ended, and submits nothing twice.
 */
export class Job {
  readonly #folder: JobFolder;
  readonly #options: Options;
  readonly #pace: Pace;
  /** Of each task: how often it was submitted here, and for how long it has been nowhere. */
  readonly #tries = new Map<number, number>();
  #missing: ReadonlyMap<number, number> = new Map();
  readonly #told = new Set<string>();

  constructor(folder: JobFolder, options: Options) {
    this.#folder = folder;
    this.#options = options;
    this.#pace = options.pace ?? PACE;
  }

  /**
   * Submits what is neither there nor in the queue.
   * @param script  what a task runs
   * @param signal  where it comes before anything is submitted, nothing is
   * @throws InputError where the scheduler does not answer or refuses; then nothing is left of a folder that was not there before
   */
  async start(script: string, signal: AbortSignal): Promise<Standing> {
    const { scheduler } = this.#options;
    const { note, isNew } = this.#folder;
    let queued = await scheduler.queue(note.name);
    if (!isNew && this.#absent(queued).length > 0) {
      await sleep(this.#pace.grace, undefined, { signal }).catch(() => undefined);
      queued = await scheduler.queue(note.name);
    }
    const absent = this.#absent(queued);
    if (absent.length === 0 || signal.aborted) return this.#standing(queued);
    this.#folder.prepare(script);
    try {
      return this.#standing([...queued, ...(await this.#submit(absent, []))]);
    } catch (error) {
      if (isNew) this.#folder.remove();
      throw error;
    }
  }

  /**
   * Waits until each part is there or given up.
   * @param onLook  told of every look
   * @param signal  ends the waiting, and no task
   * @throws InputError for a part of another sweep, and where somebody else has collected the parts
   */
  async wait(onLook: (standing: Standing) => void, signal: AbortSignal): Promise<Standing> {
    let pause = 0;
    let queued: readonly Queued[] = [];
    for (;;) {
      // The queue first: what has left it by then has left its part before.
      const found = await this.#queue();
      queued = found ?? queued;
      const absent = this.#absent(queued);
      if (found !== undefined && !signal.aborted)
        queued = [...queued, ...(await this.#replace(absent, pause))];
      const standing = this.#standing(queued);
      onLook(standing);
      if (standing.done + standing.failed.length === standing.of || signal.aborted) return standing;
      pause = Math.min(Math.max(SLOWER * pause, this.#pace.first), this.#pace.most);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Removes the folder when its last task has ended, or been ended: its part may have been there before another try's. */
  async clear(): Promise<void> {
    const { scheduler } = this.#options;
    const { first, grace } = this.#pace;
    let left = await this.#queue();
    for (let waited = 0; waited < grace && left !== undefined && left.length > 0; waited += first) {
      await sleep(first);
      left = await this.#queue();
    }
    const jobs = jobsOf(left ?? []);
    if (jobs.length > 0)
      await this.#attempt(
        () => scheduler.cancel(jobs),
        `\`${scheduler.cancelText(jobs)}\` ends what is left`,
      );
    this.#folder.remove();
  }

  /** Submits again what has been absent for too long. `pause`: since the last look. */
  async #replace(absent: readonly number[], pause: number): Promise<readonly Queued[]> {
    const before = this.#missing;
    const missing = new Map(absent.map((task) => [task, (before.get(task) ?? -pause) + pause]));
    this.#missing = missing;
    const lost = absent.filter((task) => this.#isLost(task) && this.#triesOf(task) < TRIES);
    for (const task of lost) missing.delete(task);
    if (lost.length === 0) return [];
    // A refusal counts as a try: the others go on meanwhile.
    return (await this.#attempt(() => this.#submit(lost, lost), "waiting for the other parts")) ?? [];
  }

  async #submit(tasks: readonly number[], lost: readonly number[]): Promise<readonly Queued[]> {
    const { scheduler, cpus, options, onSubmitted } = this.#options;
    const { before, log: after } = this.#folder.around;
    const { script, note } = this.#folder;
    for (const task of tasks) this.#tries.set(task, this.#triesOf(task) + 1);
    const job = await scheduler.submit({
      ...{ name: note.name, tasks, script, cpus, options },
      log: { before, after },
    });
    onSubmitted({ job, tasks, lost });
    return tasks.map((task) => ({ job, task, state: "pending", reason: "" }));
  }

  /** The queue; nothing where the scheduler does not answer, as while it is started anew. */
  #queue(): Promise<readonly Queued[] | undefined> {
    const { name } = this.#folder.note;
    return this.#attempt(() => this.#options.scheduler.queue(name), "waiting for parts all the same");
  }

  /** What the scheduler answers; nothing where it refuses, which is told once. */
  async #attempt<T>(ask: () => Promise<T>, consequence: string): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (!this.#told.has(error.message)) this.#options.onWarning(`${error.message}; ${consequence}`);
      this.#told.add(error.message);
      return undefined;
    }
  }

  #absent(queued: readonly Queued[]): readonly number[] {
    const known = new Set([...this.#folder.whole(), ...queued.map(({ task }) => task)]);
    return this.#folder.tasks.filter((task) => !known.has(task));
  }

  #triesOf(task: number): number {
    return this.#tries.get(task) ?? 0;
  }

  #isLost(task: number): boolean {
    return (this.#missing.get(task) ?? -1) >= this.#pace.grace;
  }

  #standing(queued: readonly Queued[]): Standing {
    const done = this.#folder.whole();
    const failed = this.#absent(queued).filter((task) => this.#isLost(task));
    const { of } = this.#folder.note;
    return { of, done: done.size, queued: queued.filter(({ task }) => !done.has(task)), failed };
  }
}

/** The jobs of tasks, each once. */
export const jobsOf = (queued: readonly Queued[]): readonly string[] => [
  ...new Set(queued.map(({ job }) => job)),
];
