import { describe, expect, test } from "vitest";
import { lmOf } from "../../src/model/lm/index.ts";
import { score } from "../../src/model/lm/metrics.ts";
import { type Passage, passagesOf, textOf } from "../../src/model/lm/passages.ts";
import { runReal } from "../../src/model/lm/real.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { Engine } from "../../src/train/engine.ts";
import { EVALUATION_SHAPE, meanLoss } from "../../src/train/lm/evaluate.ts";
import { lmGraph, lmParameters } from "../../src/train/lm/model.ts";
import { LM_RECIPES, type LmRecipe } from "../../src/train/lm/recipes.ts";
import { Parameters } from "../../src/train/parameters.ts";
import { drawnWeights } from "./drawn-lm.ts";
import { LM_WEIGHTS } from "./files.ts";

const model = lmOf("lm-ln").load(LM_WEIGHTS);
const mogrifierWeights = drawnWeights("lm-mogrifier");
const text = textOf("test");

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;

/** The mean loss of these words by the engine that trains: in single precision, of which nothing is shared with `runReal`. */
function trainedLoss(
  words: readonly number[],
  layers: LmRecipe["layers"],
  file: string,
  vocabulary: number,
): number {
  const engine = new Engine();
  const config = { vocabulary, layers };
  const parameters = new Parameters(engine, lmParameters(config), 1);
  const weights = readSafetensors(file);
  parameters.load(weights, file);
  return meanLoss(engine, lmGraph(engine, parameters, config, EVALUATION_SHAPE), Int32Array.from(words));
}

describe("the model in double precision", () => {
  test.each([
    ["lm-ln", LM_WEIGHTS],
    ["lm-mogrifier", mogrifierWeights],
  ] as const)("%s has the losses of the engine that trained it", (name, file) => {
    const params = lmOf(name).load(file);
    const lossesOf = (passage: Passage) => runReal(params, passage).filter((_, i) => i % 2 === 0);
    const { batch } = EVALUATION_SHAPE;
    const length = 40;
    const words = text.words.slice(1, 1 + batch * length);
    const streams = Array.from({ length: batch }, (_, i) => words.slice(i * length, (i + 1) * length));
    const own = streams.flatMap((stream) => lossesOf({ name: "", words: stream, lead: 0 }));
    expect(own).toHaveLength(batch * (length - 1));
    expect(mean(own)).toBeCloseTo(
      trainedLoss(words, LM_RECIPES[name].layers, file, params.embedding.rows),
      4,
    );
  });

  test("passages cost less than 0.3 % of perplexity against one state for the whole text", () => {
    const count = 1000;
    const whole = { name: "", words: text.words.slice(0, count + 1), lead: 0 };
    const passages = passagesOf(text, count, 1);
    const scoreOf = (some: readonly Passage[]) => {
      const outputs = some.map((passage) => runReal(model, passage));
      return score(some, outputs, outputs).perplexity;
    };
    expect(passages.length).toBe(10);
    expect(Math.abs(scoreOf(passages) / scoreOf([whole]) - 1)).toBeLessThan(0.003);
  });

  test("shows its sites: the cell's for every word read, logits for every word predicted", () => {
    const seen = new Map<string, number[]>();
    const passage = { name: "", words: text.words.slice(0, 6), lead: 2 };
    runReal(model, passage, (site, values) => seen.set(site, [...(seen.get(site) ?? []), values.length]));
    expect(seen.get("embedded")).toEqual([200, 200, 200, 200, 200]);
    expect(seen.get("cell.hidden")).toEqual([200, 200, 200, 200, 200]);
    expect(seen.get("cell.norm.x")).toEqual([800, 800, 800, 800, 800]);
    expect(seen.get("logits")).toEqual([6000, 6000, 6000]);
  });

  test("shows the sites of every layer by the layer's name", () => {
    const params = lmOf("lm-mogrifier").load(mogrifierWeights);
    const seen = new Map<string, number[]>();
    const passage = { name: "", words: text.words.slice(0, 3), lead: 1 };
    runReal(params, passage, (site, { length }) => seen.set(site, [...(seen.get(site) ?? []), length]));
    for (const layer of ["cell.0", "cell.1"]) {
      expect(seen.get(`${layer}.hidden`)).toEqual([200, 200]);
      for (let k = 1; k <= 6; k++) {
        expect(seen.get(`${layer}.mogrifier.${k}.low`)).toEqual([48, 48]);
        expect(seen.get(`${layer}.mogrifier.${k}.gate`)).toEqual([200, 200]);
        expect(seen.get(`${layer}.mogrifier.${k}.gated`)).toEqual([200, 200]);
      }
    }
    expect(seen.get("logits")).toEqual([6000]);
  });
});
