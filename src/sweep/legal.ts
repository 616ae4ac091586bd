import type { ArchSpec } from "../arch/spec.ts";
import { Legal } from "../machine/legal.ts";
import { type Job, runnableOf } from "../model/job.ts";

/** A job that is legal on a machine. */
export interface LegalJob extends Job {
  readonly legal: Legal;
}

/** Jobs found legal. They are never forgotten: a process measures a handful. */
const known = new Map<string, boolean>();

/** A job as legal on a machine, without which it is neither executed nor reported on. @throws InputError where it is not */
export const legalize = (job: Job, arch: ArchSpec): LegalJob => ({
  ...job,
  legal: Legal.of(arch, runnableOf(job), known),
});

/** A job of floats: no machine has their formats, so that it is timed on none as legal. */
export const unchecked = (job: Job): Job => job;
