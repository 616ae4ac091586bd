import { bench, describe } from "vitest";
import { loadArch } from "../src/arch/spec.ts";
import { textOf } from "../src/model/lm/passages.ts";
import { observeMoving } from "../src/model/model.ts";
import { readSafetensors } from "../src/model/safetensors.ts";
import { MODELS } from "../src/model/table.ts";
import { makeRecipe } from "../src/quant/recipe.ts";
import { LM_TUNING } from "../src/train/lm/recipes.ts";
import { TRAINABLES } from "../src/train/models.ts";
import { adamStep } from "../src/train/optimizer.ts";

const NAME = "lm-ln";
const model = MODELS[NAME];
const where = `experiments/models/${NAME}/${model.file}`;
const weights = readSafetensors(where);
const ranges = observeMoving(
  model,
  model.load(where, weights),
  model.choose!([textOf("validation")], 500, 1),
);
const target = { recipe: makeRecipe({ tuning_steps: 100 }), arch: loadArch("arch/edge16x16.yaml") };
const subject = TRAINABLES[NAME].tune({ model, ranges, target }, { weights, where });
subject.start(0);

let step = 0;

function tune(): void {
  const { engine, parameters, recipe } = subject;
  parameters.clearGradients();
  subject.step(step % subject.stepsPerEpoch, { engine, training: true, seed: 1, step: ++step });
  adamStep(engine, parameters, recipe.adam, 1e-5, step);
}

tune(); // compiled, tables built

describe("fine-tuning with the machine's integers: quantize, compile, load, run, backward, Adam", () => {
  bench(`one step of ${(LM_TUNING.batch * LM_TUNING.steps).toLocaleString("en")} words of ${NAME}`, tune, {
    iterations: 10,
  });
});
