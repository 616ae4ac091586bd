import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadCorpus } from "../../src/model/lm/tokens.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { Engine } from "../../src/train/engine.ts";
import { EVALUATION_SHAPE, meanLoss } from "../../src/train/lm/evaluate.ts";
import { lmGraph, lmParameters } from "../../src/train/lm/model.ts";
import { LM_RECIPES } from "../../src/train/lm/recipes.ts";
import { Parameters } from "../../src/train/parameters.ts";
import { perplexity } from "../../src/train/trainer.ts";

test.each(["lm-ln", "lm-mad", "lm-mogrifier"] as const)(
  "the weights of %s have the perplexity that their card states",
  (name) => {
    const folder = `experiments/models/${name}`;
    const file = `${folder}/${name}.safetensors`;
    const stated = /test perplexity \*?\*?([\d.]+)/.exec(readFileSync(`${folder}/README.md`, "utf8"))?.[1];
    const { vocabulary, test } = loadCorpus();
    const engine = new Engine();
    const config = { vocabulary: vocabulary.length, layers: LM_RECIPES[name].layers };
    const parameters = new Parameters(engine, lmParameters(config), 0);
    const weights = readSafetensors(file);
    parameters.load(weights, file);
    const graph = lmGraph(engine, parameters, config, EVALUATION_SHAPE);
    expect(perplexity(meanLoss(engine, graph, test)).toFixed(2)).toBe(stated);
  },
);
