import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { JobFolder } from "../../src/cluster/folder.ts";
import { Job, type Standing, TRIES } from "../../src/cluster/job.ts";
import type { Queued, Scheduler, Submission } from "../../src/cluster/scheduler.ts";
import { noteLine } from "../../src/sweep/shards.ts";
import { temporaryFolder } from "../model/files.ts";

const root = temporaryFolder();
let folders = 0;

const EXPERIMENT = "0123456789ab";
/** A look each millisecond; a task is lost when it was nowhere in this look and the three before. */
const PACE = { first: 1, most: 1, grace: 3 };

const folderFor = (out: string, of: number) =>
  new JobFolder({ out, title: "x", experiment: EXPERIMENT, shards: of, parts: of });

const partText = (index: number, of: number): string =>
  `${noteLine({ index, of, experiment: EXPERIMENT, rows: 1, refused: [], code: "of a test" })}point,what\n${index},"part ${index}"\n`;

/** What becomes of a try: a part, none, half of one, or one that shows two looks after the task has gone. */
const FATES = ["done", "lost", "cut", "late"] as const;
type Fate = (typeof FATES)[number];
const isGood = (fate: Fate): boolean => fate === "done" || fate === "late";

interface Running {
  readonly task: number;
  readonly job: string;
  readonly fate: Fate;
  /** Looks that it is in the queue for; below zero, how long it has gone. */
  left: number;
}

/** A scheduler whose time passes when somebody looks. */
class Lab implements Scheduler {
  readonly variables = { task: "TASK", cpus: "CPUS" };
  readonly own = [];
  readonly submissions: Submission[] = [];
  readonly cancelled: string[] = [];
  readonly #of: number;
  readonly #fates: readonly (readonly Fate[])[];
  readonly #outages: readonly boolean[];
  #running: Running[] = [];
  #looks = 0;

  constructor(of: number, fates: readonly (readonly Fate[])[] = [], outages: readonly boolean[] = []) {
    this.#of = of;
    this.#fates = fates;
    this.#outages = outages;
  }

  triesOf(task: number): number {
    return this.submissions.filter(({ tasks }) => tasks.includes(task)).length;
  }

  async submit(submission: Submission): Promise<string> {
    this.submissions.push(submission);
    const job = String(this.submissions.length);
    for (const task of submission.tasks) {
      const fate = this.#fates[task - 1]?.[this.triesOf(task) - 1] ?? "done";
      this.#running.push({ task, job, fate, left: task % 3 });
    }
    return job;
  }

  async queue(): Promise<readonly Queued[]> {
    // The first look of a job is not waiting yet, and must be answered.
    if (this.#looks++ > 0 && this.#outages[this.#looks % this.#outages.length] === true)
      throw new InputError("squeue", "Unable to contact slurm controller");
    for (const one of this.#running) {
      one.left--;
      const { log, tasks } = this.submissions[Number(one.job) - 1]!;
      const text = partText(one.task, this.#of);
      const part = `${log.before}${one.task}-of-${this.#of}.csv`;
      const isShown = one.fate === "late" ? one.left === -3 : one.left === -1;
      expect(tasks).toContain(one.task);
      if (isShown && isGood(one.fate)) writeFileSync(part, text);
      if (isShown && one.fate === "cut") writeFileSync(part, text.slice(0, -3));
    }
    const queued = this.#running.filter(({ left }) => left >= 0);
    return queued.map(({ job, task }) => ({ job, task, state: "running", reason: "" }));
  }

  async cancel(jobs: readonly string[]): Promise<void> {
    this.cancelled.push(...jobs);
    this.#running = this.#running.filter(({ job }) => !jobs.includes(job));
  }

  /** Keeps a task in the queue for ever. */
  hold(task: number, job: string): void {
    this.#running.push({ task, job, fate: "lost", left: Number.POSITIVE_INFINITY });
  }

  cancelText = (jobs: readonly string[]): string => `end ${jobs}`;
}

function jobOn(scheduler: Lab, out: string, of: number) {
  const warnings: string[] = [];
  const lost: number[] = [];
  const folder = folderFor(out, of);
  const job = new Job(folder, {
    ...{ scheduler, cpus: 1, options: [], pace: PACE },
    onSubmitted: (submitted) => lost.push(...submitted.lost),
    onWarning: (problem) => warnings.push(problem),
  });
  const wait = (onLook: (standing: Standing) => void = () => {}, signal = new AbortController().signal) =>
    job.wait(onLook, signal);
  return { folder, job, warnings, lost, wait };
}

const newOut = (): string => join(root, `${folders++}.csv`);

const fates = fc.array(fc.array(fc.constantFrom(...FATES), { minLength: TRIES, maxLength: TRIES }), {
  minLength: 1,
  maxLength: 5,
});

test("each task is tried until it has a part, and no more than three times, whatever the scheduler answers meanwhile", async () => {
  const outages = fc
    .array(fc.boolean(), { maxLength: 4 })
    .filter((some) => some.length === 0 || some.includes(false));
  await fc.assert(
    fc.asyncProperty(fates, outages, async (some, down) => {
      const of = some.length;
      const lab = new Lab(of, some, down);
      const { folder, job, wait, warnings, lost } = jobOn(lab, newOut(), of);
      await job.start("script", new AbortController().signal);
      const { done, failed, queued } = await wait();
      const tries = some.map((each) => each.findIndex(isGood) + 1 || TRIES);
      const bad = folder.tasks.filter((task) => !some[task - 1]!.some(isGood));
      expect(folder.tasks.map((task) => lab.triesOf(task))).toEqual(tries);
      expect({ done, failed, queued }).toEqual({ done: of - bad.length, failed: bad, queued: [] });
      expect(lost).toHaveLength(tries.reduce((sum, each) => sum + each - 1, 0));
      expect(warnings.length).toBeLessThanOrEqual(1);
      if (bad.length === 0)
        expect(folder.merged().csv).toBe(
          `point,what\n${folder.tasks.map((i) => `${i},part ${i}\n`).join("")}`,
        );
    }),
    { numRuns: 60 },
  );
});

test("whoever is interrupted, however often, submits nothing twice", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.nat(3), { maxLength: 3 }),
      async (of, ends) => {
        const lab = new Lab(of);
        const out = newOut();
        for (const end of [...ends, Number.POSITIVE_INFINITY]) {
          const controller = new AbortController();
          let looks = 0;
          const { job, wait } = jobOn(lab, out, of);
          await job.start("script", new AbortController().signal);
          await wait(() => looks++ === end && controller.abort(), controller.signal);
        }
        const folder = folderFor(out, of);
        expect(folder.whole().size).toBe(of);
        expect(folder.tasks.map((task) => lab.triesOf(task))).toEqual(folder.tasks.map(() => 1));
      },
    ),
    { numRuns: 40 },
  );
});

test("whoever interrupts before anything was submitted again has submitted nothing", async () => {
  const lab = new Lab(2, [["lost"]]);
  const out = newOut();
  await jobOn(lab, out, 2).job.start("script", new AbortController().signal);
  for (let looks = 0; looks < 5; looks++) await lab.queue();
  const standing = await jobOn(lab, out, 2).job.start("script", AbortSignal.abort());
  expect(standing).toMatchObject({ done: 1, queued: [] });
  expect(lab.submissions).toHaveLength(1);
});

test("whoever collects waits for parts that a network filesystem shows late", async () => {
  const lab = new Lab(1, [["late"]]);
  const out = newOut();
  await jobOn(lab, out, 1).job.start("script", new AbortController().signal);
  while ((await lab.queue()).length > 0);
  const standing = await jobOn(lab, out, 1).job.start("script", new AbortController().signal);
  expect(standing).toMatchObject({ done: 1, queued: [] });
  expect(lab.submissions).toHaveLength(1);
});

test("a task that another try has made superfluous is ended, and the folder is gone", async () => {
  const lab = new Lab(2);
  const { folder, job, wait } = jobOn(lab, newOut(), 2);
  await job.start("script", new AbortController().signal);
  await wait();
  lab.hold(2, "1");
  await job.clear();
  expect(lab.cancelled).toEqual(["1"]);
  expect(existsSync(folder.path)).toBe(false);
});

test("nothing is submitted while the scheduler does not say what it has", async () => {
  const lab = new Lab(1);
  lab.queue = () => Promise.reject(new InputError("squeue", "Unable to contact slurm controller"));
  const { folder, job } = jobOn(lab, newOut(), 1);
  await expect(job.start("script", new AbortController().signal)).rejects.toThrow(
    "squeue: Unable to contact slurm controller",
  );
  expect(lab.submissions).toEqual([]);
  expect(existsSync(folder.path)).toBe(false);
});

test("a scheduler that takes a lost task only at the third try is told of once", async () => {
  const lab = new Lab(2, [["lost"]]);
  const { folder, job, wait, warnings, lost } = jobOn(lab, newOut(), 2);
  await job.start("script", new AbortController().signal);
  const take = lab.submit.bind(lab);
  lab.submit = async () => {
    lab.submit = take;
    throw new InputError("sbatch", "Job violates accounting/QOS policy");
  };
  expect(await wait()).toMatchObject({ done: 2, failed: [] });
  expect(warnings).toEqual(["sbatch: Job violates accounting/QOS policy; waiting for the other parts"]);
  expect({ lost, tries: folder.tasks.map((task) => lab.triesOf(task)) }).toEqual({
    lost: [1],
    tries: [2, 1],
  });
});

test("a scheduler that takes no lost task is not asked for ever", async () => {
  const lab = new Lab(2, [["lost"]]);
  const { job, wait } = jobOn(lab, newOut(), 2);
  await job.start("script", new AbortController().signal);
  let asked = 0;
  lab.submit = async () => {
    asked++;
    throw new InputError("sbatch", "Job violates accounting/QOS policy");
  };
  expect(await wait()).toMatchObject({ done: 1, failed: [1] });
  expect(asked).toBe(TRIES - 1);
});

test("whoever waits for parts that another command has collected is told so", async () => {
  const lab = new Lab(1);
  const { folder, job, wait } = jobOn(lab, newOut(), 1);
  await job.start("script", new AbortController().signal);
  rmSync(folder.path, { recursive: true });
  await expect(wait()).rejects.toThrow(
    `${folder.path}: is gone: another command has collected it, or somebody removed it`,
  );
});
