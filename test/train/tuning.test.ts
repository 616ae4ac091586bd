import { describe, expect, test } from "vitest";
import { loadArch } from "../../src/arch/spec.ts";
import { argmax } from "../../src/kernels/argmax/real.ts";
import { EOS } from "../../src/model/g2p/alphabet.ts";
import { loadWords, type Word } from "../../src/model/g2p/words.ts";
import { outputsOf } from "../../src/model/lm/metrics.ts";
import { textOf } from "../../src/model/lm/passages.ts";
import { type Corpus, loadCorpus } from "../../src/model/lm/tokens.ts";
import { observeMoving } from "../../src/model/model.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { MODELS } from "../../src/model/table.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { loadKernels } from "../../src/simd/load.ts";
import { Engine } from "../../src/train/engine.ts";
import { forwardG2p, layersOfG2p, ledG2p } from "../../src/train/g2p/led.ts";
import { g2pParameters } from "../../src/train/g2p/model.ts";
import { G2P_RECIPES, G2P_TUNING } from "../../src/train/g2p/recipes.ts";
import { TunedG2p } from "../../src/train/g2p/tuning.ts";
import { forwardLm, layersOfLm, ledLm } from "../../src/train/lm/led.ts";
import { lmParameters } from "../../src/train/lm/model.ts";
import { LM_RECIPES, LM_TUNING } from "../../src/train/lm/recipes.ts";
import { clearState } from "../../src/train/lm/streams.ts";
import { TunedLm } from "../../src/train/lm/tuning.ts";
import { sessionOf } from "../../src/train/machine.ts";
import { Parameters } from "../../src/train/parameters.ts";
import { type Training, train } from "../../src/train/trainer.ts";
import { killedAfter } from "./kept.ts";

const arch = loadArch("arch/edge16x16.yaml");
const run = (engine: Engine) => ({ engine, training: true, seed: 1, step: 1 });

describe.each(["lm-ln", "lm-mad", "lm-mogrifier"] as const)("%s on the tape, led by the machine", (name) => {
  const model = MODELS[name];
  const where = `experiments/models/${name}/${model.file}`;
  const weights = readSafetensors(where);
  const params = model.load(where, weights);
  const ranges = observeMoving(model, params, model.choose!([textOf("validation")], 200, 1));
  const config = { vocabulary: 6000, layers: LM_RECIPES[name].layers };

  test.each([{}, { weight_bits: 4, cell_bits: 8 }, { scales: "power-of-two", pwl_pieces: 4 }])(
    "finds every word as likely as plain loops over integers do: %j",
    (changes) => {
      const target = { recipe: makeRecipe(changes), arch };
      const engine = new Engine();
      const parameters = new Parameters(engine, lmParameters(config), 1);
      parameters.load(weights, where);
      const shape = { batch: 2, steps: 12 };
      const led = ledLm(engine, parameters, config, shape);
      const { words } = textOf("test");
      const read = Array.from(
        { length: shape.steps * 2 },
        (_, i) => words[(i % 2) * 500 + (i - (i % 2)) / 2]!,
      );
      engine.ints(led.graph.words.at, read.length).set(read);
      clearState(engine, led.graph);
      const frozen = { model, ranges, target };
      const lanes = { size: 1, lanes: shape.batch, backend: loadKernels() };
      const session = sessionOf(frozen, parameters, layersOfLm, lanes);
      forwardLm(led, session, run(engine));
      session.close();
      const quantized = model.quantize(params, ranges, { recipe: target.recipe, arch: arch.settings });
      for (const lane of [0, 1]) {
        const own = read.filter((_, i) => i % 2 === lane);
        const passage = { name: "", words: [...own, 0], lead: 0 };
        // What is kept of each word: how unlikely word 0 was, and the likeliest.
        const kept = model.exact(quantized, passage, arch.settings);
        for (let t = 0; t < own.length; t++) {
          const logits = engine.floats(led.graph.logits.at + 4 * 6000 * (2 * t + lane), 6000);
          const [loss, likeliest] = outputsOf(logits, 1, passage.words[t + 1]!);
          expect(likeliest, `word ${t}`).toBe(kept[2 * t + 1]);
          expect(loss).toBeCloseTo(kept[2 * t]!, 4);
        }
      }
    },
  );
});

describe("g2p on the tape, led by the machine", () => {
  const model = MODELS.g2p;
  const where = "experiments/models/g2p/g2p.safetensors";
  const weights = readSafetensors(where);
  const params = model.load(where, weights);
  const { test: words, validation } = loadWords();
  const ranges = observeMoving(model, params, validation.slice(0, 60));
  const { config } = G2P_RECIPES["g2p-ln"];

  test("says the phones of plain loops over integers, as long as it is told what these said", () => {
    const target = { recipe: makeRecipe(), arch };
    const quantized = model.quantize(params, ranges, { recipe: target.recipe, arch: arch.settings });
    const engine = new Engine();
    const parameters = new Parameters(engine, g2pParameters(config), 1);
    parameters.load(weights, where);
    const some = words.filter(({ letters }) => letters.length === 7).slice(0, 16);
    const said = some.map((word) => model.exact(quantized, word, arch.settings));
    const batch = some.map(({ letters }, i) => ({ letters, phones: said[i]! }));
    const steps = Math.max(...said.map(({ length }) => length)) + 1;
    const led = ledG2p(engine, parameters, config, { batch: 16, letters: 7, steps }, undefined);
    const lanes = { size: 7, lanes: 16, backend: loadKernels() };
    const session = sessionOf({ model, ranges, target }, parameters, layersOfG2p, lanes);
    forwardG2p(led, session, batch, run(engine));
    session.close();
    for (const [b, phones] of said.entries()) {
      const likeliest = [...phones, EOS].map((_, t) =>
        argmax(engine.floats(led.led.logits.at + 4 * 42 * (16 * t + b), 42)),
      );
      expect(likeliest).toEqual([...phones, EOS]);
    }
  });
});

describe("fine-tuning", () => {
  const recipe = makeRecipe({ weight_bits: 4, tuning_steps: 6 });
  const target = { recipe, arch };
  const rate = { rate: 1e-3, warmup: 2, schedule: "constant" } as const;

  describe.each([0, 0.5])("letters to phones, %d of the targets the teacher's", (distill) => {
    const model = MODELS.g2p;
    const where = "experiments/models/g2p/g2p.safetensors";
    const weights = readSafetensors(where);
    const { validation } = loadWords();
    const ranges = observeMoving(model, model.load(where, weights), validation.slice(0, 40));
    const some: readonly Word[] = validation.filter(({ letters }) => letters.length < 6).slice(0, 32);
    const given = { training: some, validation: some, test: [] };
    const tuning = { ...G2P_TUNING, batch: 16, epochs: 3, stretch: 2, distill, rate };
    const { config } = G2P_RECIPES["g2p-ln"];
    const teach = (training: Training = {}) =>
      train(new TunedG2p(given, { model, ranges, target }, config, { weights, where }, tuning, 1), training);
    const undisturbed = teach();

    test("lowers the loss of the machine's integers", () => {
      const losses = undisturbed.epochs.map(({ validation }) => validation);
      const before = new TunedG2p(
        given,
        { model, ranges, target },
        config,
        { weights, where },
        tuning,
        1,
      ).validate();
      expect(Math.log(Math.min(...losses))).toBeLessThan(before);
    });

    test("killed and resumed, gives the same bytes", () => {
      expect(killedAfter(3, teach).outcome).toEqual(undisturbed);
    });
  });

  test("of a language model, killed and resumed, gives the same bytes, the teacher's state too", () => {
    const model = MODELS["lm-mad"];
    const where = "experiments/models/lm-mad/lm-mad.safetensors";
    const weights = readSafetensors(where);
    const passages = model.choose!([textOf("validation")], 100, 1);
    const ranges = observeMoving(model, model.load(where, weights), passages);
    const whole = loadCorpus();
    const few = (words: Int32Array): Int32Array => words.subarray(0, 1000);
    const corpus: Corpus = { ...whole, training: few(whole.training), validation: few(whole.validation) };
    const tuning = { ...LM_TUNING, batch: 16, steps: 8, epochs: 2.5, stretch: 2, distill: 0.5, rate };
    const config = { vocabulary: 6000, layers: LM_RECIPES["lm-mad"].layers };
    const teach = (training: Training = {}) =>
      train(new TunedLm(corpus, { model, ranges, target }, config, { weights, where }, tuning, 2), training);
    expect(killedAfter(3, teach).outcome).toEqual(teach());
  });
});
