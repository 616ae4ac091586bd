import { join } from "node:path";
import { writeWhole } from "../base/files.ts";
import { readSafetensors, type Tensor } from "../model/safetensors.ts";
import { safetensorsOf } from "../model/safetensors-writer.ts";
import type { Outcome, Subject } from "./trainer.ts";

/**
 * Writes NAME.safetensors, in half precision, and `training.json`, which says what the training was and what the weights
 * are worth as they were written, into a folder.
 *
 * @param metadata  what else the weights' file is to say of itself
 * @returns the weights' file, and their figures by name
 */
export function store(
  name: string,
  subject: Subject,
  outcome: Outcome,
  folder: string,
  metadata: Readonly<Record<string, string>> = {},
): { readonly weights: string; readonly figures: Readonly<Record<string, number>> } {
  const { recipe, seed } = subject;
  const weights = join(folder, `${name}.safetensors`);
  writeWhole(
    weights,
    safetensorsOf(halved(outcome.weights), { model: name, seed: String(seed), ...metadata }),
  );
  const figures = subject.measure(readSafetensors(weights), weights);
  const { epochs } = outcome;
  const report = { model: name, seed, recipe, figures, epochs };
  writeWhole(join(folder, "training.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  return { weights, figures };
}

const halved = (weights: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> =>
  new Map([...weights].map(([name, tensor]) => [name, { ...tensor, dtype: "F16" }]));
