import type { ArchSpec } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { readSafetensors } from "../model/safetensors.ts";
import type { Recipe } from "../quant/recipe.ts";
import { TRAINABLES, trainableOf } from "../train/models.ts";
import { type Subject as Learning, train } from "../train/trainer.ts";
import type { Subject } from "./subject.ts";

/** Fine-tuning as a recipe says, towards a machine. @throws InputError for a model that cannot be trained */
export function tuningOf(subject: Subject, recipe: Recipe, arch: ArchSpec): Learning {
  const { model, name, path, frozenRanges: ranges } = subject;
  const trainable = trainableOf(name);
  if (trainable === undefined)
    throw new InputError("recipe: tuning_steps", `${name} is none of ${Object.keys(TRAINABLES).join(", ")}`);
  const start = { weights: readSafetensors(path), where: path };
  return trainable.tune({ model, ranges, target: { recipe, arch } }, start);
}

/** A model's weights and ranges as a recipe has them: those of its file, or fine-tuned from these. */
export function preparedFor(
  subject: Subject,
  recipe: Recipe,
  arch: ArchSpec,
): Pick<Subject, "params" | "ranges"> {
  if (recipe.tuning_steps === 0) return subject.preparedBy(recipe);
  const { weights } = train(tuningOf(subject, recipe, arch), {});
  return { params: subject.model.load(subject.path, weights), ranges: subject.frozenRanges };
}
