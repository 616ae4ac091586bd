import { hashOf } from "../../base/hash.ts";
import { floorDiv } from "../../fixed/round.ts";
import type { Corpus } from "../../model/lm/tokens.ts";
import type { Tensor as StoredTensor } from "../../model/safetensors.ts";
import { Engine } from "../engine.ts";
import { Parameters } from "../parameters.ts";
import { perplexity, type Subject } from "../trainer.ts";
import { EVALUATION_SHAPE, meanLoss } from "./evaluate.ts";
import { lmGraph, lmParameters } from "./model.ts";
import type { LmRecipe } from "./recipes.ts";
import { carryState, clearState, Streams, stateOf } from "./streams.ts";

/**
 * A language model, trained by truncated back-propagation: the text as streams side by side, read in order, the state
 * carried from step to step and zero at the start of each epoch. It is measured by perplexities, `meanLoss`.
 */
export function lmSubject(corpus: Corpus, recipe: LmRecipe, seed: number): Subject {
  const engine = new Engine();
  const config = { vocabulary: corpus.vocabulary.length, layers: recipe.layers };
  const parameters = new Parameters(engine, lmParameters(config), seed);
  const graph = lmGraph(engine, parameters, config, recipe, recipe);
  const evaluation = lmGraph(engine, parameters, config, EVALUATION_SHAPE);
  const streams = new Streams(corpus.training, recipe.batch);
  return {
    recipe,
    seed,
    data: hashOf({ vocabulary: corpus.vocabulary, words: corpus.training.length }),
    engine,
    parameters,
    stepsPerEpoch: floorDiv(streams.length, recipe.steps),
    carried: stateOf(graph, "state"),
    start: () => clearState(engine, graph),
    step(index, run) {
      streams.read(engine, graph, index * recipe.steps, recipe.steps);
      graph.tape.forward(run);
      graph.tape.backward(graph.loss, run);
      carryState(engine, graph);
      return engine.floats(graph.loss.at, 1)[0]!;
    },
    validate: () => meanLoss(engine, evaluation, corpus.validation),
    measure(weights: ReadonlyMap<string, StoredTensor>, where: string) {
      parameters.load(weights, where);
      const on = (words: Int32Array): number => perplexity(meanLoss(engine, evaluation, words));
      return { validation_perplexity: on(corpus.validation), test_perplexity: on(corpus.test) };
    },
  };
}
