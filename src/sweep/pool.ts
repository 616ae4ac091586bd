import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Tinypool } from "tinypool";
import { type Answer, runTask, type Task } from "./task.ts";

/** Beside this file once it is built. Unbuilt sources have no worker, and run in this process. */
const WORKER = new URL("./worker.js", import.meta.url);

/** Somebody asked for an end before there was one. */
export class Interrupted extends Error {}

/**
 * Up to `workers` threads, never more than there are cores; 0 runs tasks in this process. A thread is handed a task when it
 * has answered the one before, so that no more than one answer a thread waits to be taken.
 */
export class Workers {
  readonly #signal: AbortSignal | undefined;
  readonly #threads: number;
  #pool: Tinypool | undefined;

  constructor(workers: number, signal?: AbortSignal) {
    this.#signal = signal;
    const threads = Math.min(workers, availableParallelism());
    this.#threads = existsSync(fileURLToPath(WORKER)) ? threads : 0;
  }

  /**
   * Runs tasks; answers are handed over as they come.
   *
   * @throws whatever a task or `onAnswer` throws; Interrupted where the signal came first
   */
  async run(tasks: readonly Task[], onAnswer: (answer: Answer, index: number) => void): Promise<void> {
    const rest = tasks.entries();
    const run = this.#runnerOf(tasks.length);
    const work = async (): Promise<void> => {
      for (const [i, task] of rest) {
        this.#refuseInterrupted();
        onAnswer(await run(task), i);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.max(1, this.#threads) }, work));
    } catch (error) {
      // Whoever else is at work finds no task left.
      for (const _ of rest);
      this.#refuseInterrupted();
      throw error;
    }
  }

  /** Ends the threads, whatever they do. */
  async end(): Promise<void> {
    this.#pool?.cancelPendingTasks();
    await this.#pool?.destroy();
  }

  #runnerOf(tasks: number): (task: Task) => Promise<Answer> {
    const threads = this.#threads;
    if (threads === 0) return runHere;
    // A process that is busy with a task does not hear of a signal.
    const mayBeDeaf = this.#signal === undefined;
    if (mayBeDeaf && this.#pool === undefined && Math.min(threads, tasks) <= 1) return runHere;
    this.#pool ??= new Tinypool({ filename: WORKER.href, minThreads: threads, maxThreads: threads });
    const pool = this.#pool;
    const options = this.#signal === undefined ? {} : { signal: this.#signal };
    return async (task) => (await pool.run(task, options)) as Answer;
  }

  #refuseInterrupted(): void {
    if (this.#signal?.aborted === true) throw new Interrupted();
  }
}

async function runHere(task: Task): Promise<Answer> {
  const answer = runTask(task);
  // Between two tasks the process sees to signals and to its output.
  await new Promise((done) => setImmediate(done));
  return answer;
}

/** Runs tasks on workers of their own. */
export async function runAll(
  tasks: readonly Task[],
  threads: number,
  onAnswer: (answer: Answer, index: number) => void,
): Promise<void> {
  const workers = new Workers(threads);
  try {
    await workers.run(tasks, onAnswer);
  } finally {
    await workers.end();
  }
}
