import type { Run } from "../define.ts";
import type { Engine } from "../engine.ts";
import type { LmGraph } from "./model.ts";
import { carryState, clearState, Streams } from "./streams.ts";

/** Of the graph that evaluates: the streams are part of the metric's definition, the steps are for speed. */
export const EVALUATION_SHAPE = { batch: 16, steps: 32 } as const;

/**
 * Mean negative log likelihood in nats of every word but the first of each stream, the text cut into 16 streams and the
 * state carried through each from zero. Perplexity is its exponential.
 *
 * @param graph    of EVALUATION_SHAPE, without dropout
 * @param forward  of that graph
 */
export function meanLoss(
  engine: Engine,
  graph: LmGraph,
  words: Int32Array,
  forward: (run: Run) => void = (run) => graph.tape.forward(run),
): number {
  const { batch, steps } = EVALUATION_SHAPE;
  const streams = new Streams(words, batch);
  clearState(engine, graph);
  let sum = 0;
  for (let from = 0; from < streams.length; from += steps) {
    streams.read(engine, graph, from, steps);
    forward({ engine, training: false, seed: 0, step: 0 });
    const there = Math.min(steps, streams.length - from) * batch;
    for (const loss of engine.floats(graph.losses.at, there)) sum += loss;
    carryState(engine, graph);
  }
  return sum / (streams.length * batch);
}
