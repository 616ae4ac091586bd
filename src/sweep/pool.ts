import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Tinypool } from "tinypool";
import { type Answer, runTask, type Task } from "./task.ts";

/** Beside this file once it is built. Unbuilt sources have no worker, and run in this process. */
const WORKER = new URL("./worker.js", import.meta.url);

/**
 * Runs tasks in up to `workers` threads, never more than there are cores or tasks; 0 and 1 run them in this
 * process. Answers are handed over as they come.
 *
 * @throws whatever a task or `onAnswer` throws; what is running then is ended
 */
export async function runAll(
  tasks: readonly Task[],
  workers: number,
  onAnswer: (answer: Answer, index: number) => void,
): Promise<void> {
  const threads = Math.min(workers, availableParallelism(), tasks.length);
  if (threads <= 1 || !existsSync(fileURLToPath(WORKER))) {
    for (const [i, task] of tasks.entries()) {
      onAnswer(runTask(task), i);
      await breath();
    }
    return;
  }
  const pool = new Tinypool({ filename: WORKER.href, minThreads: threads, maxThreads: threads });
  try {
    await Promise.all(tasks.map(async (task, i) => onAnswer((await pool.run(task)) as Answer, i)));
  } finally {
    pool.cancelPendingTasks();
    await pool.destroy();
  }
}

/** Lets the process see to signals and to its output between two tasks. */
const breath = (): Promise<void> => new Promise((done) => setImmediate(done));
