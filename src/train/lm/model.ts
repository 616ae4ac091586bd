import type { Ids, Tensor } from "../define.ts";
import type { Engine } from "../engine.ts";
import { type LstmConfig, type LstmState, lstmLayer, lstmParameters } from "../layers/lstm.ts";
import type { ParameterSpec, Parameters } from "../parameters.ts";
import { OPS } from "../table.ts";
import { Tape } from "../tape.ts";

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
  /** Negative log likelihood of each target, in nats (with smoothing, where there is any). */
  readonly losses: Tensor; // [steps * batch][1]
  readonly loss: Tensor; // [1][1], their mean
  /** The state of each layer before and after. */
  readonly states: readonly { readonly before: LstmState; readonly after: LstmState }[];
}

/** @param dropout  in training; absent in evaluation, as is smoothing of the targets */
export function lmGraph(
  engine: Engine,
  parameters: Parameters,
  config: LmConfig,
  { batch, steps }: { readonly batch: number; readonly steps: number },
  training?: { readonly dropout: LmDropout; readonly smoothing: number },
): LmGraph {
  const tape = new Tape(engine);
  const rows = batch * steps;
  const words = tape.ids(rows);
  const targets = tape.ids(rows);
  const embedding = parameters.tensor("embedding");
  const drop = (x: Tensor, rate: number, site: number): Tensor =>
    rate > 0 ? tape.apply(OPS.dropout, [x], { rate, site, rows: batch }) : x;
  let x = tape.apply(OPS.gather, [embedding], { ids: words });
  const states: { before: LstmState; after: LstmState }[] = [];
  for (const [i, layer] of config.layers.entries()) {
    const before = { h: tape.tensor(batch, layer.hidden), c: tape.tensor(batch, layer.hidden) };
    const xs = drop(x, training?.dropout.input ?? 0, i);
    const hs = tape.tensor(rows, layer.hidden);
    const along = { xs, hs, start: before, reverse: false };
    const after = lstmLayer(tape, parameters, prefixOf(config, i), layer, along);
    states.push({ before, after });
    x = hs;
  }
  const shown = drop(x, training?.dropout.output ?? 0, config.layers.length);
  const logits = tape.apply(OPS.linear, [shown, embedding, parameters.tensor("output.bias")], {});
  const smoothing = training?.smoothing ?? 0;
  const losses = tape.apply(OPS.crossEntropy, [logits], { targets, smoothing });
  const total = tape.apply(OPS.sum, [losses], {});
  const loss = tape.apply(OPS.affine, [total], { factor: 1 / rows, offset: 0 });
  return { tape, words, targets, losses, loss, states };
}
