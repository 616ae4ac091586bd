import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Runs each task of an array in the background, or does with it what the file `fate-TASK-TRY` says. */
const SBATCH = `
[ -e "$here/refusal" ] && { cat "$here/refusal" >&2; exit 1; }
for word; do
  case "$word" in
    --array=*) tasks=$(echo "\${word#*=}" | tr , '\\n' | sed 's/^\\([0-9]*\\)$/\\1-\\1/') ;;
    --job-name=*) queue=$here/queue/\${word#*=} ;;
    --output=*) output=\${word#*=} ;;
    --cpus-per-task=*) cpus=\${word#*=} ;;
  esac
  script=$word
done
job=$(($(cat "$here/job") + 1))
echo $job > "$here/job"
echo "$*" >> "$here/calls"
mkdir -p "$queue"
for range in $tasks; do
  for task in $(seq "\${range%-*}" "\${range#*-}"); do
    try=$(($(cat "$here/tries-$task" 2> "$here/none" || echo 0) + 1))
    echo $try > "$here/tries-$task"
    fate=$(cat "$here/fate-$task-$try" 2> "$here/none")
    [ "$fate" = lose ] && continue
    log=$(echo "$output" | sed "s/%%/%/g; s/%a/$task/")
    echo "$job $task RUNNING None" > "$queue/$job-$task"
    if [ "$fate" = hold ]; then echo "$job $task PENDING Resources" > "$queue/$job-$task"; continue; fi
    (
      if [ "$fate" = fail ]; then echo "no room on the node"; else
        SLURM_ARRAY_TASK_ID=$task SLURM_CPUS_PER_TASK=$cpus sh "$script"
      fi
      rm -f "$queue/$job-$task"
    ) >> "$log" 2>&1 &
  done
done
echo "$job"
`;

const SQUEUE = `
for word; do case "$word" in --name=*) queue=$here/queue/\${word#*=} ;; esac; done
cat "$queue"/* 2> "$here/none" || :
`;

const SCANCEL = 'for job; do echo "$job" >> "$here/cancelled"; rm -f "$here"/queue/*/"$job"-*; done\n';

/** What becomes of one try of a task; it runs where nothing is said. */
type Fate = "lose" | "fail" | "hold";

/** Slurm's commands as shell scripts that stand first on the PATH, until the test ends. */
export class FakeSlurm {
  readonly #folder: string;

  constructor(here: string) {
    this.#folder = join(here, "slurm");
    mkdirSync(join(this.#folder, "bin"), { recursive: true });
    for (const [name, body] of Object.entries({ sbatch: SBATCH, squeue: SQUEUE, scancel: SCANCEL })) {
      const path = join(this.#folder, "bin", name);
      writeFileSync(path, `#!/bin/sh\nhere='${this.#folder}'\n${body}`);
      chmodSync(path, 0o755);
    }
    writeFileSync(join(this.#folder, "job"), "0\n");
    putOnPath(`${join(this.#folder, "bin")}:${process.env["PATH"]}`);
  }

  fate(task: number, attempt: number, fate: Fate): void {
    writeFileSync(join(this.#folder, `fate-${task}-${attempt}`), fate);
  }

  /** Takes a task out of the queue, whatever it does. */
  end(job: number, task: number): void {
    const queues = join(this.#folder, "queue");
    for (const name of readdirSync(queues)) rmSync(join(queues, name, `${job}-${task}`), { force: true });
  }

  /** Makes sbatch refuse in these words; or no longer. */
  refuse(words: string | undefined): void {
    const path = join(this.#folder, "refusal");
    if (words === undefined) rmSync(path);
    else writeFileSync(path, words);
  }

  /** The command lines that sbatch was given, of those that it took. */
  get calls(): readonly string[] {
    return this.#lines("calls");
  }

  /** The jobs that were cancelled. */
  get cancelled(): readonly string[] {
    return this.#lines("cancelled");
  }

  #lines(name: string): readonly string[] {
    const path = join(this.#folder, name);
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }
}

/** Replaces the PATH until the test ends. */
export function putOnPath(path: string): void {
  const before = process.env["PATH"];
  process.env["PATH"] = path;
  onTestFinished(() => {
    process.env["PATH"] = before;
  });
}
