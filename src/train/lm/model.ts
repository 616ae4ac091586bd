import type { Ids, Tensor } from "../define.ts";
import type { Engine } from "../engine.ts";
import { type LstmConfig, type LstmState, lstmLayer, lstmParameters } from "../layers/lstm.ts";
import type { ParameterSpec, Parameters } from "../parameters.ts";
import { OPS } from "../table.ts";
import { type Lead, Tape } from "../tape.ts";

/** A word-level language model: embedding, layers of LSTM, logits by the same embedding and a bias. */
export interface LmConfig {
  readonly vocabulary: number;
  readonly layers: readonly LstmConfig[];
}

/** Rates of dropout, one mask for all steps of a run (Gal and Ghahramani 2016). */
export interface LmDropout {
  /** Of what every layer reads. */
  readonly input: number;
  /** Of what the logits read. */
  readonly output: number;
}

/** Names of tensors: a model of one layer calls it `cell`. */
const prefixOf = ({ layers }: LmConfig, layer: number): string =>
  layers.length === 1 ? "cell" : `cell.${layer}`;

export function lmParameters(config: LmConfig): ParameterSpec[] {
  const { vocabulary, layers } = config;
  const { input } = layers[0]!;
  return [
    { name: "embedding", shape: [vocabulary, input], initial: { uniform: 0.1 } },
    { name: "output.bias", shape: [vocabulary], initial: { constant: 0 } },
    ...layers.flatMap((layer, i) => lstmParameters(prefixOf(config, i), layer)),
  ];
}

/** The model on the tape, unrolled over `steps` steps of `batch` streams. Row t * batch + b is step t of stream b. */
export interface LmGraph {
  readonly tape: Tape;
  readonly words: Ids; // [steps * batch]
  readonly targets: Ids; // [steps * batch]
  readonly logits: Tensor; // [steps * batch][words]
  /** Negative log likelihood of each target, in nats (with smoothing, where there is any). */
  readonly losses: Tensor; // [steps * batch][1]
  readonly loss: Tensor; // [1][1], their mean, with the teacher's share where there is one
  /** The state of each layer before and after. */
  readonly states: readonly {
    readonly name: string;
    readonly before: LstmState;
    readonly after: LstmState;
  }[];
}

/** What a graph has in training and not in evaluation. */
export interface LmTraining {
  readonly dropout: LmDropout;
  /** Share of each target that is spread over all words. */
  readonly smoothing: number;
  /** Whose likelihoods of the next word, [steps * batch][words], are a share of the targets. */
  readonly teacher?: { readonly likelihoods: Tensor; readonly share: number };
}

/** @param lead  a machine that reads the same words; where it has its say there is no dropout */
export function lmGraph(
  engine: Engine,
  parameters: Parameters,
  config: LmConfig,
  { batch, steps }: { readonly batch: number; readonly steps: number },
  training?: LmTraining,
  lead?: Lead,
): LmGraph {
  const tape = new Tape(engine, lead);
  const rows = batch * steps;
  const words = tape.ids(rows);
  const targets = tape.ids(rows);
  const embedding = parameters.tensor("embedding");
  const drop = (x: Tensor, rate: number, site: number): Tensor =>
    rate > 0 ? tape.apply(OPS.dropout, [x], { rate, site, rows: batch }) : x;
  let x = tape.applyAt("embedded", OPS.gather, [embedding], { ids: words });
  const states: { name: string; before: LstmState; after: LstmState }[] = [];
  for (const [i, layer] of config.layers.entries()) {
    const before = { h: tape.tensor(batch, layer.hidden), c: tape.tensor(batch, layer.hidden) };
    const xs = drop(x, training?.dropout.input ?? 0, i);
    const hs = tape.tensor(rows, layer.hidden);
    const along = { xs, hs, start: before, reverse: false };
    const name = prefixOf(config, i);
    const after = lstmLayer(tape, parameters, name, layer, along);
    states.push({ name, before, after });
    x = hs;
  }
  const shown = drop(x, training?.dropout.output ?? 0, config.layers.length);
  const output = [shown, embedding, parameters.tensor("output.bias")];
  const logits = tape.applyAt("logits", OPS.linear, output, {});
  const smoothing = training?.smoothing ?? 0;
  const losses = tape.apply(OPS.crossEntropy, [logits], { targets, smoothing });
  const mean = (of: Tensor, share: number): Tensor =>
    tape.apply(OPS.affine, [tape.apply(OPS.sum, [of], {})], { factor: share / rows, offset: 0 });
  const graph = { tape, words, targets, logits, losses, states };
  if (training?.teacher === undefined) return { ...graph, loss: mean(losses, 1) };
  const { likelihoods: teacher, share } = training.teacher;
  const distances = tape.apply(OPS.distill, [logits], { teacher });
  const loss = tape.apply(OPS.add, [mean(losses, 1 - share), mean(distances, share)], {});
  return { ...graph, loss };
}
