import type { Scheduler } from "./scheduler.ts";
import { slurm } from "./slurm.ts";

/** The batch systems that can run a sweep's parts, by the name of `--engine`. */
export const SCHEDULERS = { slurm } as const satisfies Readonly<Record<string, Scheduler>>;
export type SchedulerName = keyof typeof SCHEDULERS;
