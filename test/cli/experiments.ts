import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A few words and a point for each line of `points`: seconds become milliseconds, sentences stay what they are. */
const small = (points: string): string => `question: Does a person get an answer?
model: g2p
words: { split: test, count: 4 }
calibration: { words: 4 }
arch: edge16x16
points:
${points}`;

/** Writes an experiment into a folder and gives its path. */
export function experimentIn(here: string, points = "  - {}\n", text = small(points)): string {
  const path = join(here, "small.yaml");
  writeFileSync(path, text);
  return path;
}

const MODEL = join("models", "g2p");
const WEIGHTS = "g2p.safetensors";

/** Puts the first `bytes` bytes of the model's weights beside the experiment. */
export function truncatedModelIn(here: string, bytes: number): void {
  const whole = readFileSync(join("experiments", MODEL, WEIGHTS));
  mkdirSync(join(here, MODEL), { recursive: true });
  writeFileSync(join(here, MODEL, WEIGHTS), whole.subarray(0, bytes));
}
