import { floorDiv } from "../../fixed/round.ts";
import type { QG2p } from "../../model/g2p/quantize.ts";
import type { G2pParams } from "../../model/g2p/weights.ts";
import type { Tensor as StoredTensor } from "../../model/safetensors.ts";
import { loadKernels } from "../../simd/load.ts";
import type { Run } from "../define.ts";
import { Engine } from "../engine.ts";
import { begunFrom, type Frozen, hashOfTarget, type Start, sessionOf, type Tuning } from "../machine.ts";
import type { Parameters } from "../parameters.ts";
import { perplexity, type Subject } from "../trainer.ts";
import {
  type Batch,
  batchesOf,
  batchesOfEpoch,
  byLength,
  type Example,
  examplesOf,
  type G2pWords,
  hashOfExamples,
  meanOver,
} from "./batches.ts";
import { forwardG2p, type LedG2p, layersOfG2p, ledG2p } from "./led.ts";
import { type G2pConfig, type G2pGraph, g2pParameters } from "./model.ts";

/**
 * Letters to phones, trained with the machine's own integers in the forward pass, as `g2pSubject` trains it in floats. A lane of
 * the machine is a word of a batch.
 */
export class TunedG2p implements Subject {
  readonly recipe: Tuning;
  readonly seed: number;
  readonly data: string;
  readonly engine = new Engine();
  readonly parameters: Parameters;
  readonly stepsPerEpoch: number;
  readonly carried = [];
  readonly #frozen: Frozen<G2pParams, QG2p>;
  readonly #backend = loadKernels();
  readonly #training: readonly Example[];
  readonly #validation: readonly Batch[];
  readonly #graphs: (batch: Batch) => LedG2p;
  readonly #batches: number;
  #order: readonly Batch[] = [];

  constructor(
    words: G2pWords,
    frozen: Frozen<G2pParams, QG2p>,
    config: G2pConfig,
    start: Start,
    recipe: Tuning,
    seed: number,
  ) {
    const { engine } = this;
    this.recipe = recipe;
    this.seed = seed;
    this.#frozen = frozen;
    this.#training = examplesOf(words.training);
    this.#validation = batchesOf(examplesOf(words.validation.slice(0, recipe.validationWords)), recipe.batch);
    const learnt = hashOfExamples({ words: words.training.length, examples: this.#training });
    this.data = `${learnt} ${hashOfTarget(frozen)}`;
    this.parameters = begunFrom(engine, g2pParameters(config), start);
    const distilled =
      recipe.distill > 0
        ? { teaching: begunFrom(engine, g2pParameters(config), start), share: recipe.distill }
        : undefined;
    this.#graphs = byLength(recipe.batch, [...this.#training, ...this.#validation.flat()], (shape) =>
      ledG2p(engine, this.parameters, config, shape, distilled),
    );
    this.#batches = batchesOf(this.#training, recipe.batch).length;
    this.stepsPerEpoch = Math.min(recipe.stretch, this.#batches);
  }

  /** What is left of the pass that the stretch begins in, and the pass behind it. */
  start(epoch: number): void {
    const first = (epoch * this.stepsPerEpoch) % this.#batches;
    const pass = floorDiv(epoch * this.stepsPerEpoch, this.#batches);
    const order = [pass, pass + 1].flatMap((p) =>
      batchesOfEpoch(this.#training, this.recipe.batch, this.seed, p),
    );
    this.#order = order.slice(first);
  }

  step(index: number, run: Run): number {
    const graph = this.#forward(this.#order[index]!, run, ({ tape, loss }) => tape.backward(loss, run));
    return this.engine.floats(graph.loss.at, 1)[0]!;
  }

  validate(): number {
    const run = { engine: this.engine, training: false, seed: 0, step: 0 };
    return meanOver(this.#validation, (batch) => lossOf(this.engine, this.#forward(batch, run)));
  }

  measure(weights: ReadonlyMap<string, StoredTensor>, where: string): Readonly<Record<string, number>> {
    this.parameters.load(weights, where);
    return { validation_perplexity: perplexity(this.validate()) };
  }

  /** @param then  done while the weights are what the machine's codes stand for */
  #forward(batch: Batch, run: Run, then?: (graph: G2pGraph) => void): G2pGraph {
    const graph = this.#graphs(batch);
    const shape = { size: batch[0]!.letters.length, lanes: this.recipe.batch, backend: this.#backend };
    const session = sessionOf(this.#frozen, this.parameters, layersOfG2p, shape);
    forwardG2p(graph, session, batch, run);
    then?.(graph.led);
    session.close();
    return graph.led;
  }
}

/** The mean loss of the last batch without the teacher's share. */
function lossOf(engine: Engine, { losses, weights }: G2pGraph): number {
  const n = losses.rows;
  const [each, weight] = [engine.floats(losses.at, n), engine.floats(weights.at, n)];
  return each.reduce((sum, loss, i) => sum + loss * weight[i]!, 0);
}
