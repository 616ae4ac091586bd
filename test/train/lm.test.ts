import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { type LstmParams, lstmCell, zeroState } from "../../src/kernels/lstm/real.ts";
import { loadCorpus, tokensOf } from "../../src/model/lm/tokens.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { safetensorsOf } from "../../src/model/safetensors-writer.ts";
import { Engine } from "../../src/train/engine.ts";
import type { LstmConfig } from "../../src/train/layers/lstm.ts";
import { type LmConfig, type LmGraph, lmGraph, lmParameters } from "../../src/train/lm/model.ts";
import { LM_RECIPES, type LmRecipe } from "../../src/train/lm/recipes.ts";
import { lmSubject } from "../../src/train/lm/subject.ts";
import { Parameters } from "../../src/train/parameters.ts";
import { store } from "../../src/train/store.ts";
import { type Training, train } from "../../src/train/trainer.ts";
import { freshFolder, keptIn, killedAfter } from "./kept.ts";

describe("the corpus", () => {
  const corpus = loadCorpus();

  test("has the published number of tokens", () => {
    const { training, validation, test } = corpus;
    expect([training.length, validation.length, test.length]).toEqual([851_647, 87_706, 90_171]);
  });

  test("has 6,000 words, the most frequent first, and 3.56 % of the test unknown", () => {
    expect(corpus.vocabulary).toHaveLength(6000);
    expect(corpus.vocabulary.slice(0, 5)).toEqual(["<unk>", "the", ",", "of", "."]);
    const unknown = corpus.test.reduce((n, id) => n + (id === 0 ? 1 : 0), 0);
    expect(((100 * unknown) / corpus.test.length).toFixed(2)).toBe("3.56");
  });
});

test.each([
  ["We can't. Can we?", "we can't . <eos> can we ? <eos>"],
  ["It cost $1,234.50 in 1901.", "it cost $ N in N <eos>"],
  ["The people\u2019s will\u2014and law!", "the people's will - and law ! <eos>"],
  ["\u00e9", ""],
])("tokens of %j", (text, tokens) => {
  expect(tokensOf(text).join(" ")).toBe(tokens);
});

const layer = (change: Partial<LstmConfig> = {}): LstmConfig => ({
  input: 5,
  hidden: 5,
  norm: "layer",
  forgetBias: 1,
  capped: false,
  ...change,
});

const VOCABULARY = 11;

/** A model of random weights, gains and shifts too, with random words. */
function randomModel(layers: readonly LstmConfig[], shape: { batch: number; steps: number }, training = {}) {
  const engine = new Engine();
  const config: LmConfig = { vocabulary: VOCABULARY, layers };
  const parameters = new Parameters(engine, lmParameters(config), 1);
  const graph = lmGraph(engine, parameters, config, shape, {
    dropout: { input: 0, output: 0 },
    smoothing: 0,
    ...training,
  });
  const random = seedrandom("model");
  for (const { name } of parameters.specs) {
    const values = parameters.values(name, "value");
    for (let i = 0; i < values.length; i++) values[i] = 1.6 * random() - 0.8;
  }
  for (const ids of [graph.words, graph.targets]) {
    const to = engine.ints(ids.at, ids.n);
    for (let i = 0; i < ids.n; i++) to[i] = Number(String(random()).at(5)) + (i % 2);
  }
  return { engine, parameters, graph };
}

const run = (engine: Engine) => ({ engine, training: true, seed: 3, step: 5 });

describe("the model's loss", () => {
  /** The same over the reals, one stream, from the definitions that the integer kernels are held against. */
  function lossesByDefinition(
    parameters: Parameters,
    norm: "layer" | "mad",
    words: Int32Array,
    targets: Int32Array,
  ) {
    const value = (name: string) => parameters.values(name, "value");
    const normOf = (name: string) => ({
      kind: norm,
      gain: Float64Array.from(value(`${name}.gain`)),
      shift: Float64Array.from(value(`${name}.shift`)),
      epsilon: 1e-5,
    });
    const cell: LstmParams = {
      input: 5,
      hidden: 5,
      weightX: { rows: 20, columns: 5, data: value("cell.weight_x") },
      weightH: { rows: 20, columns: 5, data: value("cell.weight_h") },
      forgetBias: 1,
      normX: normOf("cell.norm_x"),
      normH: normOf("cell.norm_h"),
      normC: normOf("cell.norm_c"),
      normScope: "all",
    };
    const embedding = value("embedding");
    const bias = value("output.bias");
    let state = zeroState(cell);
    return [...words].map((word, t) => {
      state = lstmCell(cell, Float64Array.from(embedding.slice(5 * word, 5 * word + 5)), state);
      const logits = [...bias].map((b, v) =>
        state.h.reduce((sum, h, k) => sum + h * embedding[5 * v + k]!, b),
      );
      return Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0)) - logits[targets[t]!]!;
    });
  }

  test.each(["layer", "mad"] as const)("is the one of the kernels' definition, with norm %s", (norm) => {
    const { engine, parameters, graph } = randomModel([layer({ norm })], { batch: 1, steps: 9 });
    graph.tape.forward(run(engine));
    const words = engine.ints(graph.words.at, 9);
    const targets = engine.ints(graph.targets.at, 9);
    const wanted = lossesByDefinition(parameters, norm, words, targets);
    const found = engine.floats(graph.losses.at, 9);
    for (const [t, loss] of wanted.entries()) expect(found[t]).toBeCloseTo(loss, 5);
  });
});

describe("the gradient through time", () => {
  const mogrifier = layer({ norm: "none", capped: true, mogrifier: { rounds: 5, rank: 2 } });
  const STEP = 0.02;

  /**
   * Along the gradient of each parameter, where its slope is its norm. Fourth-order differences: the truncation is below
   * STEP^4; rounding, 1e-7 of each loss of about 3, is below 1e-4 of the sum's slope.
   */
  test.each([
    ["layer norm", [layer()], {}],
    ["mean absolute deviation", [layer({ norm: "mad" })], {}],
    ["two Mogrifier layers, one embedding", [mogrifier, mogrifier], {}],
    [
      "dropout and smoothing",
      [layer({ norm: "none" })],
      { dropout: { input: 0.3, output: 0.4 }, smoothing: 0.1 },
    ],
  ])("%s: of every parameter", (_, layers, training) => {
    const { engine, parameters, graph } = randomModel(layers, { batch: 3, steps: 5 }, training);
    parameters.clearGradients();
    graph.tape.forward(run(engine));
    graph.tape.backward(graph.loss, run(engine));
    for (const { name } of parameters.specs) {
      const gradient = parameters.values(name, "gradient").map((g) => graph.losses.rows * g);
      const norm = Math.hypot(...gradient);
      expect(norm, name).toBeGreaterThan(1e-3);
      const values = parameters.values(name, "value");
      const before = values.slice();
      const sumAt = (steps: number): number => {
        for (let i = 0; i < values.length; i++) values[i] = before[i]! + (steps * STEP * gradient[i]!) / norm;
        graph.tape.forward(run(engine));
        values.set(before);
        return sumOf(engine, graph);
      };
      const slope = (8 * (sumAt(1) - sumAt(-1)) - (sumAt(2) - sumAt(-2))) / (12 * STEP);
      expect(Math.abs(slope - norm), name).toBeLessThan(2e-4 + 2e-3 * norm);
    }
  });

  /** In double precision. */
  const sumOf = (engine: Engine, { losses }: LmGraph): number =>
    engine.floats(losses.at, losses.rows).reduce((sum, loss) => sum + loss, 0);
});

describe("training", () => {
  const recipe: LmRecipe = {
    ...LM_RECIPES["lm-ln"],
    layers: [layer()],
    batch: 3,
    steps: 4,
    epochs: 2.5,
    rate: { rate: 0.02, warmup: 4, schedule: "plateau" },
  };
  /** Two words that take turns, and now and then a third. */
  const words = Int32Array.from({ length: 200 }, (_, i) => (i % 17 === 0 ? 2 : i % 2));
  const corpus = {
    vocabulary: ["<unk>", "a", "b", "c"],
    training: words,
    validation: words.slice(0, 160),
    test: words.slice(40),
  };
  const teach = (training: Training = {}, seed = 1) => train(lmSubject(corpus, recipe, seed), training);
  const undisturbed = teach();

  test("learns", () => {
    const { epochs } = undisturbed;
    expect(epochs).toHaveLength(3);
    expect(epochs.at(-1)!.validation).toBeLessThan(0.8 * epochs[0]!.validation);
  });

  test("gives the weights of its best epoch, as they measure", () => {
    const best = Math.min(...undisturbed.epochs.map(({ validation }) => validation));
    const figures = lmSubject(corpus, recipe, 1).measure(undisturbed.weights, "memory");
    expect(figures["validation_perplexity"]).toBe(best);
  });

  test("is stored in half precision, and measured as stored", () => {
    const at = freshFolder();
    const { weights, figures } = store("lm-ln", lmSubject(corpus, recipe, 1), undisturbed, at);
    expect(JSON.parse(readFileSync(join(at, "training.json"), "utf8"))).toEqual({
      model: "lm-ln",
      seed: 1,
      recipe,
      figures,
      epochs: undisturbed.epochs,
    });
    const stored = readSafetensors(weights);
    expect(new Set([...stored.values()].map(({ dtype }) => dtype))).toEqual(new Set(["F16"]));
    const exact = Math.min(...undisturbed.epochs.map(({ validation }) => validation));
    expect(figures["validation_perplexity"]).not.toBe(exact);
    expect(Math.abs(figures["validation_perplexity"]! / exact - 1)).toBeLessThan(1e-3);
  });

  test("gives the same bytes twice, and others for another seed", () => {
    const bytes = safetensorsOf(undisturbed.weights);
    expect(safetensorsOf(teach().weights)).toEqual(bytes);
    expect(safetensorsOf(teach({}, 2).weights)).not.toEqual(bytes);
  });

  /** Before the first checkpoint, at one, between two, at the end of an epoch, after the last step. */
  test.each([3, 5, 7, 16, 38, 40])("killed after step %d and resumed, gives the same bytes", (last) => {
    const { folder, outcome } = killedAfter(last, teach);
    expect(outcome).toEqual(undisturbed);
    expect(readdirSync(folder).sort()).toEqual(["checkpoint-40.safetensors", "checkpoint.json"]);
  });

  test("a checkpoint of another training is refused", () => {
    const at = freshFolder();
    teach(keptIn(at));
    expect(() => teach(keptIn(at, true), 2)).toThrow(
      `${join(at, "checkpoint.json")}: was written by a training of another recipe, seed or length`,
    );
  });

  test.each([
    ["{", /checkpoint.json: is not JSON: /],
    ["{}", /checkpoint.json: task: .*; step: .*; tensors: /],
  ])("a damaged checkpoint is refused: %s", (text, message) => {
    const at = freshFolder();
    writeFileSync(join(at, "checkpoint.json"), text);
    expect(() => teach(keptIn(at, true))).toThrow(InputError);
    expect(() => teach(keptIn(at, true))).toThrow(message);
  });

  test.each([
    ["value/embedding", /checkpoint-40.safetensors: embedding: missing, not \[4, 5\]/],
    ["state/0/c", /: its checkpoint has no state\/0\/c of this model/],
  ])("a checkpoint without %s is refused by its name", (name, message) => {
    const at = freshFolder();
    teach(keptIn(at));
    const path = join(at, "checkpoint-40.safetensors");
    const tensors = readSafetensors(path);
    tensors.delete(name);
    writeFileSync(path, safetensorsOf(tensors));
    expect(() => teach(keptIn(at, true))).toThrow(InputError);
    expect(() => teach(keptIn(at, true))).toThrow(message);
  });
});
