import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { BOS, EOS } from "../../src/model/g2p/alphabet.ts";
import { runReal } from "../../src/model/g2p/real.ts";
import { loadG2p } from "../../src/model/g2p/weights.ts";
import type { Word } from "../../src/model/g2p/words.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { Engine } from "../../src/train/engine.ts";
import { type G2pConfig, g2pGraph, g2pParameters } from "../../src/train/g2p/model.ts";
import { G2P_RECIPES } from "../../src/train/g2p/recipes.ts";
import { type G2pRecipe, g2pSubject } from "../../src/train/g2p/subject.ts";
import { Parameters } from "../../src/train/parameters.ts";
import { store } from "../../src/train/store.ts";
import { type Training, train } from "../../src/train/trainer.ts";
import { freshFolder, killedAfter } from "./kept.ts";

const FILE = "experiments/models/g2p/g2p.safetensors";

test("with the published weights, every loss is the one of the model over the reals", () => {
  const engine = new Engine();
  const config: G2pConfig = { embedding: 48, hidden: 96, attention: 64, norm: "layer" };
  const parameters = new Parameters(engine, g2pParameters(config), 1);
  const tensors = readSafetensors(FILE);
  parameters.load(tensors, FILE);
  const [batch, letters, steps] = [3, 7, 6];
  const graph = g2pGraph(engine, parameters, config, { batch, letters, steps }, 0.5);
  const random = seedrandom("words");
  const draw = (n: number, from: number, to: number): number[] =>
    Array.from({ length: n }, () => from + (Number((random() * 1e6).toFixed(0)) % (to - from)));
  const words = Array.from({ length: batch }, () => draw(letters, 1, 28));
  const said = Array.from({ length: batch }, () => draw(steps - 1, 3, 42));
  const set = (at: number, row: number, value: number): void => {
    engine.ints(at, row + 1)[row] = value;
  };
  for (const [b, word] of words.entries()) {
    for (const [t, letter] of word.entries()) set(graph.letters.at, t * batch + b, letter);
    for (let t = 0; t < steps; t++) {
      set(graph.fed.at, t * batch + b, t === 0 ? BOS : said[b]![t - 1]!);
      set(graph.targets.at, t * batch + b, said[b]![t] ?? EOS);
    }
  }
  graph.tape.forward({ engine, training: false, seed: 0, step: 0 });
  const model = loadG2p(FILE);
  for (const [b, word] of words.entries()) {
    const { logits } = runReal(model, word, { teacher: said[b]! });
    for (const [t, scores] of logits.entries()) {
      const log = Math.log(scores.reduce((sum, x) => sum + Math.exp(x), 0));
      const wanted = log - scores[said[b]![t] ?? EOS]!;
      expect(engine.floats(graph.losses.at, batch * steps)[t * batch + b]).toBeCloseTo(wanted, 4);
    }
  }
});

describe("training", () => {
  /** Words of 2 to 4 letters that are said as they are spelt, letter by letter. */
  const words: Word[] = Array.from({ length: 90 }, (_, i) => {
    const letters = [2 + (i % 3), 2 + (i % 5), 2 + (i % 7), 2 + (i % 4)].slice(0, 2 + (i % 3));
    return { spelling: `WORD ${i}`, letters, pronunciations: [letters.map((letter) => letter + 4)] };
  });
  const given = { training: words, validation: words.slice(0, 20), test: words.slice(20, 30) };
  const recipe: G2pRecipe = {
    ...G2P_RECIPES["g2p-ln"],
    batch: 8,
    epochs: 4.5,
    rate: { rate: 0.02, warmup: 5, schedule: "constant" },
  };
  const teach = (training: Training = {}) => train(g2pSubject(given, recipe, 1), training);
  const undisturbed = teach();

  test("learns, and is measured by the model over the reals", () => {
    const { epochs } = undisturbed;
    expect(epochs).toHaveLength(5);
    expect(epochs.at(-1)!.validation).toBeLessThan(0.5 * epochs[0]!.validation);
    const { figures } = store("g2p", g2pSubject(given, recipe, 1), undisturbed, freshFolder());
    expect(figures["per_pct"]).toBeLessThan(60);
    expect(figures["wer_pct"]).toBeGreaterThanOrEqual(figures["per_pct"]!);
  });

  /** An epoch is 12 steps: in the first, in the second, at its end. */
  test.each([7, 17, 24])("killed after step %d and resumed, gives the same bytes", (last) => {
    expect(killedAfter(last, teach).outcome).toEqual(undisturbed);
  });
});
