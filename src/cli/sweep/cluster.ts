import { join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { PACKAGE } from "../../base/package.ts";
import { wordsOf } from "../../base/shell.ts";
import { JobFolder } from "../../cluster/folder.ts";
import { Job, jobsOf, type Standing, type Submitted, TRIES } from "../../cluster/job.ts";
import type { Scheduler } from "../../cluster/scheduler.ts";
import { scriptOf } from "../../cluster/script.ts";
import { SCHEDULERS, type SchedulerName } from "../../cluster/table.ts";
import type { Column } from "../../report/column.ts";
import type { Row } from "../../sweep/run.ts";
import { experimentKey, refuseMany } from "../../sweep/shards.ts";
import { cacheFolder, cacheOf } from "../caching.ts";
import { type Io, STATUS, type Status, UsageError } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { toJson } from "../layout.ts";
import { wholeNumber } from "../options.ts";
import { type Progress, progressOn } from "../progress.ts";
import { conclude, type Part } from "./outcome.ts";

/** Who runs a sweep's points. */
export const ENGINES = ["local", ...(Object.keys(SCHEDULERS) as SchedulerName[])] as const;

/** Tasks, where nobody says how many: enough to be worth a queue, and few enough for it. */
const MOST_TASKS = 32;

const BIN = join(PACKAGE, "dist", "cli", "bin.js");

/** Options that say who runs a sweep and where it goes. All others are its tasks' as well. */
const OWN: ReadonlySet<string> = new Set(
  "_ $0 experiment engine shards sbatch wait out workers shard resume json columns cache store".split(" "),
);

export interface ClusterArgs {
  readonly experiment: string | undefined;
  readonly engine: (typeof ENGINES)[number];
  readonly shards: string | undefined;
  readonly sbatch: string | undefined;
  readonly wait: boolean;
  readonly json: boolean;
  readonly cache: string | undefined;
  readonly store: string | undefined;
}

/** @throws UsageError for options of another engine than the one that is asked for */
export function refuseEngine({ engine, shards, sbatch, wait }: ClusterArgs, shard: string | undefined): void {
  const given = { "--shards": shards, "--sbatch": sbatch, "--no-wait": wait ? undefined : "" };
  const [other] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (engine === "local" && other !== undefined) throw new UsageError(`${other} goes with --engine slurm`);
  if (engine !== "local" && shard !== undefined)
    throw new UsageError(`--shard is one part, --engine ${engine} runs them all`);
}

/**
 * Has a scheduler run a sweep in parts, and puts them together; or submits them, and says how to collect.
 * @throws InputError where the scheduler refuses, and for a part that fails time and again
 */
export async function sweepOnCluster(
  part: Part,
  columns: readonly Column<Row>[],
  args: ClusterArgs,
  workers: number,
  io: Io,
): Promise<Status> {
  const scheduler: Scheduler = SCHEDULERS[args.engine as SchedulerName];
  const { name, question } = part.experiment;
  const options = optionsOf(args.sbatch, scheduler);
  const folder = folderOf(part, args.shards);
  cacheOf(args.cache, io); // refused here rather than by every task
  io.err(`${name}: ${question}\n`);
  const watch = new Watch(io);
  const job = new Job(folder, {
    ...{ scheduler, options, cpus: Math.max(1, workers) },
    onSubmitted: (submitted) => watch.say(submittedText(submitted, folder)),
    onWarning: (problem) => watch.say(`shiftline: ${problem}\n`),
  });
  const call = { cwd: process.cwd(), words: [process.execPath, BIN, ...taskWords(args)], cpus: workers };
  return interruptible(async (signal) => {
    const started = await job.start(scriptOf(call, folder, scheduler), signal);
    if (!args.wait && started.done < started.of && !signal.aborted)
      return leave(started, folder, scheduler, args.json, io);
    const standing = await watch.over((onLook) => job.wait(onLook, signal));
    if (standing.done === standing.of) {
      const status = concludeMerged(part, columns, folder, args, io);
      await job.clear();
      return status;
    }
    if (!signal.aborted) throw failureOf(standing, folder);
    io.err(`interrupted: ${laterText(standing, folder, scheduler)}\n`);
    return STATUS.interrupted;
  });
}

function folderOf({ experiment, out }: Part, text: string | undefined): JobFolder {
  const { name, points } = experiment;
  const shards = text === undefined ? undefined : wholeNumber(text, "--shards", 1);
  if (shards !== undefined) refuseMany(points, shards, "--shards");
  const parts = Math.min(points.length, MOST_TASKS);
  return new JobFolder({ out, title: name, experiment: experimentKey(experiment), shards, parts });
}

/** The user's words for the scheduler. */
function optionsOf(text: string | undefined, { own }: Scheduler): readonly string[] {
  const words = wordsOf(text ?? "");
  if (words === undefined) throw new UsageError(`--sbatch has a quote that is not closed: ${text}`);
  const taken = words.find((word) =>
    own.some((option) => word === option || word.startsWith(option.startsWith("--") ? `${option}=` : option)),
  );
  if (taken !== undefined) throw new UsageError(`--sbatch: ${taken} is for the sweep to say`);
  return words;
}

/** The command line of a task, but for its part: every option that says what is swept. */
function taskWords(args: ClusterArgs): readonly string[] {
  const cache = cacheFolder(args.cache);
  const others = Object.entries(args).flatMap(([name, value]: [string, unknown]) => {
    if (OWN.has(name) || value === undefined) return [];
    if (typeof value === "boolean") return [value ? `--${name}` : `--no-${name}`];
    return [value].flat().map((one) => `--${name}=${one}`);
  });
  return [
    ...["sweep", ...(args.experiment === undefined ? [] : [args.experiment]), ...others],
    cache === undefined ? "--no-cache" : `--cache=${cache}`,
  ];
}

/** What a person sees of the waiting. */
class Watch {
  readonly #io: Io;
  #progress: Progress | undefined;
  #told = "";

  constructor(io: Io) {
    this.#io = io;
  }

  /** Says a line, between two states of a bar where one is drawn. */
  say(text: string): void {
    this.#progress?.stop();
    this.#io.err(text);
    if (this.#progress !== undefined) this.#draw();
  }

  /** Shows where a job is, whenever that has changed, until it is awaited. */
  async over(wait: (onLook: (standing: Standing) => void) => Promise<Standing>): Promise<Standing> {
    this.#draw();
    try {
      return await wait((standing) => this.#look(standing));
    } finally {
      this.#progress?.stop();
      this.#progress = undefined;
    }
  }

  #draw(): void {
    this.#progress = progressOn(this.#io);
    this.#told = "";
  }

  #look(standing: Standing): void {
    const { done, of } = standing;
    const label = `parts${queueText(standing)}`;
    const text = `${done} ${label}`;
    if (text !== this.#told) this.#progress?.update(done, of, label);
    this.#told = text;
  }
}

/** `; 2 running, 3 pending (Priority), 1 failed`; empty where nothing is left. */
function queueText({ queued, failed }: Standing): string {
  const states = [...new Set(queued.map(({ state }) => state))].sort().reverse();
  const counts = states.map((state) => {
    const some = queued.filter((task) => task.state === state);
    const reason = some.find((task) => task.reason !== "")?.reason;
    return `${some.length} ${state}${reason === undefined ? "" : ` (${reason})`}`;
  });
  if (failed.length > 0) counts.push(`${failed.length} failed`);
  return counts.length === 0 ? "" : `; ${counts.join(", ")}`;
}

function submittedText({ job, tasks, lost }: Submitted, folder: JobFolder): string {
  const { of } = folder.note;
  if (lost.length === 0)
    return `submitted ${tasks.length} of ${of} parts as job ${job}; they and their logs go to ${folder.path}\n`;
  const [first, ...more] = lost as readonly [number];
  const others = more.length === 0 ? "" : `, and of ${more.length} more`;
  return `shiftline: ${folder.logOf(first)}: no result of part ${first}/${of}${others}; submitted again as job ${job}\n`;
}

/** Says how what was submitted is collected. */
function leave(standing: Standing, folder: JobFolder, scheduler: Scheduler, json: boolean, io: Io): Status {
  const { of, done, queued } = standing;
  if (json) io.out(toJson({ folder: folder.path, of, done, jobs: jobsOf(queued) }));
  else io.out(`${laterText(standing, folder, scheduler)}\n`);
  return STATUS.done;
}

function laterText({ of, done, queued }: Standing, folder: JobFolder, scheduler: Scheduler): string {
  const jobs = jobsOf(queued);
  const there = `${done} of ${of} parts are in ${folder.path}`;
  if (jobs.length === 0) return `${there}, no task is left; the same command goes on from there`;
  const who = `${jobs.length === 1 ? "job" : "jobs"} ${jobs.join(", ")}`;
  return `${there}, ${who} will bring the rest; the same command collects them, \`${scheduler.cancelText(jobs)}\` ends it`;
}

function failureOf({ of, done, failed }: Standing, folder: JobFolder): InputError {
  const [first, ...more] = failed as readonly [number];
  const words = folder.lastWords(first);
  const others = more.length === 0 ? "" : `, as parts ${more.join(", ")} did`;
  const problem = `part ${first}/${of} failed ${TRIES} times${others}: ${words === "" ? "it has said nothing" : words}`;
  return new InputError(
    folder.logOf(first),
    `${problem} (${done} parts are there, the same command goes on)`,
  );
}

function concludeMerged(
  part: Part,
  columns: readonly Column<Row>[],
  folder: JobFolder,
  args: ClusterArgs,
  io: Io,
): Status {
  const merged = folder.merged();
  const texts = columns.map((column, i) => ({
    ...column,
    of: (row: readonly string[]) => row[i]!,
  }));
  return conclude(part, { ...merged, columns: texts }, args, io);
}
