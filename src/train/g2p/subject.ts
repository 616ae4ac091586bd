import { score } from "../../model/g2p/metrics.ts";
import { runReal } from "../../model/g2p/real.ts";
import { loadG2p } from "../../model/g2p/weights.ts";
import type { Run } from "../define.ts";
import { Engine } from "../engine.ts";
import { Parameters } from "../parameters.ts";
import type { Recipe, Subject } from "../trainer.ts";
import {
  type Batch,
  batchesOf,
  batchesOfEpoch,
  byLength,
  examplesOf,
  type G2pWords,
  hashOfExamples,
  meanOver,
  putBatch,
} from "./batches.ts";
import { type G2pConfig, g2pGraph, g2pParameters } from "./model.ts";

export interface G2pRecipe extends Recipe {
  readonly config: G2pConfig;
  readonly dropout: number;
  readonly batch: number;
}

/**
 * Letters to phones, led by a teacher; every listed pronunciation is an example. Batches are of words of one length, drawn
 * anew for each epoch from its number and the seed. Weights are measured over the reals, by greedy decoding of the test words.
 */
export function g2pSubject(words: G2pWords, recipe: G2pRecipe, seed: number): Subject {
  const engine = new Engine();
  const parameters = new Parameters(engine, g2pParameters(recipe.config), seed);
  const training = examplesOf(words.training);
  const validation = batchesOf(examplesOf(words.validation), recipe.batch);
  const graphs = byLength(recipe.batch, [...training, ...validation.flat()], (shape) =>
    g2pGraph(engine, parameters, recipe.config, shape, recipe.dropout),
  );
  const lossOf = (batch: Batch, run: Run): number => {
    const graph = graphs(batch);
    putBatch(engine, graph, batch);
    graph.tape.forward(run);
    return engine.floats(graph.loss.at, 1)[0]!;
  };
  let order: readonly Batch[] = [];
  return {
    recipe,
    seed,
    data: hashOfExamples({ words: words.training.length, examples: training }),
    engine,
    parameters,
    stepsPerEpoch: batchesOf(training, recipe.batch).length,
    carried: [],
    start(epoch) {
      order = batchesOfEpoch(training, recipe.batch, seed, epoch);
    },
    step(index, run) {
      const batch = order[index]!;
      const loss = lossOf(batch, run);
      const { tape, loss: total } = graphs(batch);
      tape.backward(total, run);
      return loss;
    },
    validate: () =>
      meanOver(validation, (batch) => lossOf(batch, { engine, training: false, seed: 0, step: 0 })),
    measure(weights, where) {
      const model = loadG2p(where, recipe.config.norm, weights);
      const { per, wer } = score(
        words.test.map(({ letters }) => runReal(model, letters).phones),
        words.test,
      );
      return { per_pct: 100 * per, wer_pct: 100 * wer };
    },
  };
}
