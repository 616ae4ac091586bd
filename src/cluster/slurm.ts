import { InputError } from "../base/errors.ts";
import { outputOf } from "./program.ts";
import type { Queued, Scheduler } from "./scheduler.ts";

const ABSENT = "no such program: --engine slurm needs Slurm's commands on the PATH";

/** A line of squeue as we ask for it: job, task, state, reason. */
const LINE = /^(\d+) +(\d+) +(\S+) +(.*)$/;

/**
 * Slurm, by its job arrays (slurm.schedmd.com/job_array.html). Asks nothing of its accounting, which many sites do not have:
 * squeue tells which tasks there are, and nothing else is believed.
 */
export const slurm: Scheduler = {
  variables: { task: "SLURM_ARRAY_TASK_ID", cpus: "SLURM_CPUS_PER_TASK" },

  own: [
    ...["--array", "-a", "--job-name", "-J", "--output", "-o", "--error", "-e"],
    ...["--open-mode", "--parsable", "--wait", "-W", "--wrap", "--test-only"],
  ],

  async submit({ name, tasks, script, log, cpus, options }) {
    const out = await outputOf(
      "sbatch",
      [
        ...["--parsable", `--cpus-per-task=${cpus}`, ...options],
        ...[`--job-name=${name}`, `--array=${rangesOf(tasks)}`],
        // A task's number stands for %a, and a % of the folder's name for itself.
        ...[`--output=${log.before.replaceAll("%", "%%")}%a${log.after}`, "--open-mode=append", script],
      ],
      ABSENT,
    );
    const [job] = /^\d+/.exec(out) ?? [];
    if (job === undefined) throw new InputError("sbatch", `names no job: "${out.trim()}"`);
    return job;
  },

  async queue(name) {
    const user = String(process.getuid?.() ?? "");
    const words = [`--user=${user}`, `--name=${name}`, "--array", "--noheader", "--format=%F %K %T %r"];
    const lines = (await outputOf("squeue", words, ABSENT)).split("\n");
    return lines.flatMap((line) => queuedOf(LINE.exec(line)));
  },

  cancel: async (jobs) => void (await outputOf("scancel", jobs, ABSENT)),

  cancelText: (jobs) => `scancel ${jobs.join(" ")}`,
};

function queuedOf(match: RegExpExecArray | null): Queued[] {
  if (match === null) return [];
  const [, job, task, state, reason] = match as unknown as [string, string, string, string, string];
  const isWaiting = state === "PENDING" && reason !== "None";
  return [{ job, task: Number(task), state: state.toLowerCase(), reason: isWaiting ? reason : "" }];
}

/** Ascending numbers as Slurm has them: `1-3,7`. */
export function rangesOf(tasks: readonly number[]): string {
  const ranges: [from: number, to: number][] = [];
  for (const task of tasks) {
    const last = ranges.at(-1);
    if (last?.[1] === task - 1) last[1] = task;
    else ranges.push([task, task]);
  }
  return ranges.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(",");
}
