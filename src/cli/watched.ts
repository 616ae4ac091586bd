import type { Cache } from "../sweep/cache.ts";
import { Interrupted } from "../sweep/pool.ts";
import type { Io } from "./command.ts";
import { interruptible } from "./interrupt.ts";
import { progressOn } from "./progress.ts";

/** What long work goes by. */
interface Means {
  readonly cache: Cache | undefined;
  readonly workers: number;
  /** What its progress counts, in the plural. */
  readonly pieces: string;
  /** How a person goes on with it after an interruption. */
  readonly goOn: string;
}

export interface Watched {
  readonly onProgress: (done: number, total: number, label: string) => void;
  readonly signal?: AbortSignal;
}

/** Runs with a progress report that is gone when it ends, well or not; nothing comes of it where somebody ended it. */
export async function watched<T>(
  io: Io,
  { cache, workers, pieces, goOn }: Means,
  work: (options: Watched) => Promise<T>,
): Promise<T | undefined> {
  const progress = progressOn(io);
  let latest = [0, 0];
  const onProgress = (done: number, total: number, label: string) => {
    latest = [done, total];
    progress.update(done, total, label);
  };
  try {
    // A process that does the work itself hears of no signal: better that it is ended than that it waits.
    if (workers === 0) return await work({ onProgress });
    return await interruptible((signal) => work({ onProgress, signal }));
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    progress.stop();
    const kept =
      cache === undefined
        ? "nothing is kept without a cache"
        : `what is done is in ${cache.folder}; ${goOn} goes on from there`;
    io.err(`interrupted after ${latest[0]} of ${latest[1]} ${pieces}: ${kept}\n`);
    return undefined;
  } finally {
    progress.stop();
  }
}
