import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Outcome, Training } from "../../src/train/trainer.ts";

export const freshFolder = (): string => mkdtempSync(join(tmpdir(), "shiftline-train-"));

/** A training that leaves a checkpoint after every five steps. */
export const keptIn = (folder: string, resume = false): Training => ({
  checkpoints: { folder, resume, every: 5 },
});

/** Kills a training once step `last` is done, and lets it go on. @returns where it was kept, and what came of it */
export function killedAfter(last: number, teach: (training: Training) => Outcome) {
  const folder = freshFolder();
  const killed: Training = {
    ...keptIn(folder),
    onProgress(done) {
      if (done === last) throw new Error("killed");
    },
  };
  expect(() => teach(killed)).toThrow("killed");
  return { folder, outcome: teach(keptIn(folder, true)) };
}
