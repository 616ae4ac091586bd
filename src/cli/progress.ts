import cliProgress from "cli-progress";
import type { Io } from "./command.ts";

/** Tells how far a long command is. */
export interface Progress {
  update(done: number, total: number, label: string): void;
  /** Gives the line back; to be called however the command ends. */
  stop(): void;
}

/** A bar with the time that is left where a person watches, a line for each finished piece of work elsewhere. */
export function progressOn({ terminal, err }: Io): Progress {
  if (terminal === undefined) {
    return { update: (done, total, label) => err(`${done}/${total} ${label}\n`), stop() {} };
  }
  const bar = new cliProgress.SingleBar({
    format: "{bar} {value}/{total}, {eta_formatted} left  {label}",
    stream: terminal,
    barCompleteChar: "#",
    barIncompleteChar: ".",
    hideCursor: false, // an interrupted command would leave the terminal without one
    clearOnComplete: true,
    gracefulExit: false,
  });
  // Drawn before the amount of work is known: the time that is left is reckoned from here.
  bar.start(1, 0, { label: "" });
  return {
    update(done, total, label) {
      bar.setTotal(total);
      bar.update(done, { label });
    },
    stop: () => bar.stop(),
  };
}
