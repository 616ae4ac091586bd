import { writeFileSync } from "node:fs";
import { join } from "node:path";
import seedrandom from "seedrandom";
import type { Tensor } from "../../src/model/safetensors.ts";
import { safetensorsOf } from "../../src/model/safetensors-writer.ts";
import { Engine } from "../../src/train/engine.ts";
import { lmParameters } from "../../src/train/lm/model.ts";
import { LM_RECIPES } from "../../src/train/lm/recipes.ts";
import { Parameters } from "../../src/train/parameters.ts";
import { temporaryFolder } from "./files.ts";

const VOCABULARY = 6000;
/** Drawn matrices are so much larger than before training, so that gates open and close, and vectors this large. */
const MATRIX = 3;
const VECTOR = 0.5;

/**
 * A file of weights of which nothing is learned: for whatever holds for any. Its biases are not 0, as they are before
 * training.
 */
export function drawnWeights(name: keyof typeof LM_RECIPES): string {
  const config = { vocabulary: VOCABULARY, layers: LM_RECIPES[name].layers };
  const parameters = new Parameters(new Engine(), lmParameters(config), 1);
  const random = seedrandom(name);
  const tensors = parameters.specs.map(({ name: tensor, shape }): [string, Tensor] => {
    const values = parameters.values(tensor, "value");
    const data =
      shape.length === 1
        ? Float32Array.from(values, (value) => value + VECTOR * (2 * random() - 1))
        : Float32Array.from(values, (value) => MATRIX * value);
    return [tensor, { dtype: "F32", shape, data }];
  });
  const path = join(temporaryFolder(), `${name}.safetensors`);
  writeFileSync(path, safetensorsOf(new Map(tensors)));
  return path;
}
