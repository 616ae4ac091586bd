import { hashOf } from "../../base/hash.ts";
import { floorDiv } from "../../fixed/round.ts";
import type { QLm } from "../../model/lm/quantize.ts";
import type { Corpus } from "../../model/lm/tokens.ts";
import type { LmParams } from "../../model/lm/weights.ts";
import type { Tensor as StoredTensor } from "../../model/safetensors.ts";
import { loadKernels } from "../../simd/load.ts";
import type { Run } from "../define.ts";
import { Engine } from "../engine.ts";
import { begunFrom, type Frozen, hashOfTarget, type Session, type Start, sessionOf } from "../machine.ts";
import type { Parameters } from "../parameters.ts";
import { OPS } from "../table.ts";
import { perplexity, type Subject } from "../trainer.ts";
import { EVALUATION_SHAPE, meanLoss } from "./evaluate.ts";
import { forwardLm, type LedLm, layersOfLm, ledLm } from "./led.ts";
import { type LmConfig, type LmGraph, lmGraph, lmParameters } from "./model.ts";
import type { LmTuning } from "./recipes.ts";
import { carryState, clearState, Streams, stateOf } from "./streams.ts";

/** All inputs share their programs. */
const SIZE = 1;

/**
 * A language model, trained with the machine's own integers in the forward pass, as `lmSubject` trains it in floats. The seed says
 * where in the text it begins.
 */
export class TunedLm implements Subject {
  readonly recipe: LmTuning;
  readonly seed: number;
  readonly data: string;
  readonly engine = new Engine();
  readonly parameters: Parameters;
  readonly stepsPerEpoch: number;
  readonly carried: Subject["carried"];
  readonly #corpus: Corpus;
  readonly #frozen: Frozen<LmParams, QLm>;
  readonly #backend = loadKernels();
  readonly #own: LedLm;
  readonly #evaluation: LedLm;
  readonly #teacher: LmGraph | undefined;
  /** Those that are trained with: the machine's, and the teacher's where there is one. */
  readonly #graphs: readonly LmGraph[];
  readonly #streams: Streams;
  readonly #stepsOfText: number;
  #first = 0;

  constructor(
    corpus: Corpus,
    frozen: Frozen<LmParams, QLm>,
    config: LmConfig,
    start: Start,
    recipe: LmTuning,
    seed: number,
  ) {
    const { engine } = this;
    this.recipe = recipe;
    this.seed = seed;
    const { vocabulary, training: words } = corpus;
    this.data = hashOf({ vocabulary, words: words.length, target: hashOfTarget(frozen) });
    this.parameters = begunFrom(engine, lmParameters(config), start);
    this.#corpus = corpus;
    this.#frozen = frozen;
    const shape = { batch: recipe.batch, steps: recipe.steps };
    const teacher = recipe.distill > 0 ? teacherOf(engine, config, start, shape) : undefined;
    const training = {
      dropout: { input: 0, output: 0 },
      smoothing: 0,
      ...(teacher && { teacher: { likelihoods: teacher.likelihoods, share: recipe.distill } }),
    };
    this.#own = ledLm(engine, this.parameters, config, shape, training);
    this.#evaluation = ledLm(engine, this.parameters, config, EVALUATION_SHAPE);
    this.#teacher = teacher?.graph;
    this.#graphs = teacher ? [this.#own.graph, teacher.graph] : [this.#own.graph];
    this.#streams = new Streams(begunAt(words, seed), recipe.batch);
    this.#stepsOfText = floorDiv(this.#streams.length, recipe.steps);
    this.stepsPerEpoch = Math.min(recipe.stretch, this.#stepsOfText);
    this.carried = this.#graphs.flatMap((graph, i) => stateOf(graph, i === 0 ? "state" : "teacher"));
  }

  start(epoch: number): void {
    this.#first = epoch * this.stepsPerEpoch;
  }

  step(index: number, run: Run): number {
    const { engine, recipe } = this;
    const at = (this.#first + index) % this.#stepsOfText;
    for (const graph of this.#graphs) {
      if (at === 0) clearState(engine, graph);
      this.#streams.read(engine, graph, at * recipe.steps, recipe.steps);
    }
    this.#teacher?.tape.forward({ ...run, training: false });
    const session = this.#open(recipe.batch);
    forwardLm(this.#own, session, run);
    const { tape, loss } = this.#own.graph;
    tape.backward(loss, run);
    session.close();
    for (const graph of this.#graphs) carryState(engine, graph);
    return engine.floats(loss.at, 1)[0]!;
  }

  validate(): number {
    return this.#lossOn(this.#corpus.validation.subarray(0, this.recipe.validationWords));
  }

  measure(weights: ReadonlyMap<string, StoredTensor>, where: string): Readonly<Record<string, number>> {
    this.parameters.load(weights, where);
    return { validation_perplexity: perplexity(this.#lossOn(this.#corpus.validation)) };
  }

  #open(lanes: number): Session {
    const shape = { size: SIZE, lanes, backend: this.#backend };
    return sessionOf(this.#frozen, this.parameters, layersOfLm, shape);
  }

  #lossOn(words: Int32Array): number {
    const session = this.#open(EVALUATION_SHAPE.batch);
    const forward = (run: Run): void => forwardLm(this.#evaluation, session, run);
    const loss = meanLoss(this.engine, this.#evaluation.graph, words, forward);
    session.close();
    return loss;
  }
}

/** The float model, for its likelihoods of each word. */
function teacherOf(
  engine: Engine,
  config: LmConfig,
  begin: Start,
  shape: { readonly batch: number; readonly steps: number },
) {
  const graph = lmGraph(engine, begunFrom(engine, lmParameters(config), begin), config, shape);
  return { graph, likelihoods: graph.tape.apply(OPS.softmax, [graph.logits], {}) };
}

/** How far apart two seeds begin, in words. */
const SEED_STRIDE = 101_009;

/** The same text from another word on, what came before it at the end. */
function begunAt(words: Int32Array, seed: number): Int32Array {
  const start = ((seed - 1) * SEED_STRIDE) % words.length;
  const begun = new Int32Array(words.length);
  begun.set(words.subarray(start));
  begun.set(words.subarray(0, start), words.length - start);
  return begun;
}
