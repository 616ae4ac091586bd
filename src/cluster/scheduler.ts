/** A task that a scheduler has not done with. */
export interface Queued {
  /** The scheduler's name of the job that it is a task of. */
  readonly job: string;
  /** From 1. */
  readonly task: number;
  /** In the scheduler's words, lower case: `pending`, `running`. */
  readonly state: string;
  /** What it waits for; empty where it does not. */
  readonly reason: string;
}

/** Tasks that differ in their number alone. */
export interface Submission {
  readonly name: string;
  readonly tasks: readonly number[];
  /** A shell script, which finds the task's number in `Scheduler.variables.task`. */
  readonly script: string;
  /** Where what a task says goes: what stands before its number in the path, and what behind. It is added to what is there. */
  readonly log: { readonly before: string; readonly after: string };
  /** Processors for each task. */
  readonly cpus: number;
  /** Words of the user's own for the scheduler; they win over `cpus`. */
  readonly options: readonly string[];
}

/** What a sweep asks of a batch system. A new one is a record of this kind and a line in `table.ts`. */
export interface Scheduler {
  /** @throws InputError where the scheduler refuses, in its words */
  submit(submission: Submission): Promise<string>;
  /** The tasks of this user's jobs of that name that wait or run. @throws InputError where the scheduler does not answer */
  queue(name: string): Promise<readonly Queued[]>;
  cancel(jobs: readonly string[]): Promise<void>;
  /** The command line of that, for a person. */
  cancelText(jobs: readonly string[]): string;
  /** Names of the environment's variables that tell a task its number, and how many processors it has. */
  readonly variables: { readonly task: string; readonly cpus: string };
  /** Options that a submission sets itself, so that a user may not. */
  readonly own: readonly string[];
}
