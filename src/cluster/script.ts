import { quoted } from "../base/shell.ts";
import type { JobFolder } from "./folder.ts";
import type { Scheduler } from "./scheduler.ts";

/** What a task runs, but for its part and where that goes. */
export interface Call {
  /** The folder that relative paths start from. */
  readonly cwd: string;
  /** Program and words, up to the options of a part. */
  readonly words: readonly string[];
  /** Processors of a task, where the scheduler does not say. */
  readonly cpus: number;
}

/** The script of a folder's tasks; by hand, `sh job.sh 3` runs the third. */
export function scriptOf({ cwd, words, cpus }: Call, folder: JobFolder, { variables }: Scheduler): string {
  const { before, part } = folder.around;
  return [
    "#!/bin/sh",
    `task=\${${variables.task}:-$1}`,
    `cd ${quoted(cwd)} || exit 1`,
    [
      `exec ${words.map(quoted).join(" ")} --workers="\${${variables.cpus}:-${cpus}}"`,
      `--shard="$task/${folder.note.of}" --out=${quoted(before)}"$task${part}"`,
    ].join(" "),
    "",
  ].join("\n");
}
