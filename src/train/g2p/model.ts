import { letters, phones } from "../../model/g2p/alphabet.ts";
import type { Ids, Tensor } from "../define.ts";
import type { Engine } from "../engine.ts";
import { attentionParameters, attentionTo } from "../layers/attention.ts";
import { type LstmConfig, type LstmState, lstmLayer, lstmParameters } from "../layers/lstm.ts";
import type { ParameterSpec, Parameters } from "../parameters.ts";
import { OPS } from "../table.ts";
import { type Lead, rowsOf, Tape } from "../tape.ts";

/** Letters to phones, as `model/g2p` computes it: its widths, and the norm of its cells. */
export interface G2pConfig {
  readonly embedding: number;
  readonly hidden: number;
  readonly attention: number;
  readonly norm: Exclude<LstmConfig["norm"], "none">;
}

const cellOf = ({ hidden, norm }: G2pConfig, input: number): LstmConfig => ({
  input,
  hidden,
  norm,
  forgetBias: 1,
  capped: false,
});

export function g2pParameters(config: G2pConfig): ParameterSpec[] {
  const { embedding, hidden, attention } = config;
  const memory = 2 * hidden;
  return [
    { name: "letters.embedding", shape: [letters.length, embedding], initial: { uniform: 0.5 } },
    { name: "phones.embedding", shape: [phones.length, embedding], initial: { uniform: 0.5 } },
    ...lstmParameters("encoder.forward", cellOf(config, embedding)),
    ...lstmParameters("encoder.backward", cellOf(config, embedding)),
    ...attentionParameters("attention", { memory, query: hidden, attention }),
    { name: "bridge.weight", shape: [hidden, memory], initial: { uniform: memory ** -0.5 } },
    { name: "bridge.bias", shape: [hidden], initial: { constant: 0 } },
    ...lstmParameters("decoder", cellOf(config, embedding + memory)),
    {
      name: "output.weight",
      shape: [phones.length, hidden + memory],
      initial: { uniform: (hidden + memory) ** -0.5 },
    },
    { name: "output.bias", shape: [phones.length], initial: { constant: 0 } },
  ];
}

/** The model on the tape, for words of one length, led by a teacher. Row t * batch + b is step t of word b. */
export interface G2pGraph {
  readonly tape: Tape;
  readonly letters: Ids; // [letters * batch]
  readonly fed: Ids; // [steps * batch], phones
  readonly targets: Ids; // [steps * batch], phones
  /** How much each target counts in the loss; 0 where a word is over. */
  readonly weights: Tensor; // [steps * batch][1]
  /** Negative log likelihood of each target, in nats. */
  readonly losses: Tensor; // [steps * batch][1]
  readonly logits: Tensor; // [steps * batch][phones]
  readonly loss: Tensor; // [1][1], the weighted sum, with the teacher's share where there is one
}

export interface G2pShape {
  readonly batch: number;
  readonly letters: number;
  readonly steps: number;
}

/** Whose likelihoods, [steps * batch][phones], are a share of the targets. */
export interface Teacher {
  readonly likelihoods: Tensor;
  readonly share: number;
}

/**
 * @param dropout  rate at both embeddings and at the output
 * @param lead     a machine that computes the same words
 */
export function g2pGraph(
  engine: Engine,
  parameters: Parameters,
  config: G2pConfig,
  shape: G2pShape,
  dropout: number,
  { lead, teacher }: { readonly lead?: Lead; readonly teacher?: Teacher } = {},
): G2pGraph {
  const { batch } = shape;
  const tape = new Tape(engine, lead);
  const drop = (x: Tensor, site: number): Tensor =>
    dropout > 0 ? tape.apply(OPS.dropout, [x], { rate: dropout, site, rows: x.rows }) : x;
  const read = tape.ids(batch * shape.letters);
  const fed = tape.ids(batch * shape.steps);
  const targets = tape.ids(batch * shape.steps);
  const xs = drop(
    tape.applyAt("letters", OPS.gather, [parameters.tensor("letters.embedding")], { ids: read }),
    0,
  );
  const { memory, state } = encoded(tape, parameters, config, xs, batch);
  const ys = drop(
    tape.applyAt("phones", OPS.gather, [parameters.tensor("phones.embedding")], { ids: fed }),
    1,
  );
  const shown = decoded(tape, parameters, config, { memory, state, ys });
  const output = [drop(shown, 2), parameters.tensor("output.weight"), parameters.tensor("output.bias")];
  const logits = tape.applyAt("logits", OPS.linear, output, {});
  const losses = tape.apply(OPS.crossEntropy, [logits], { targets, smoothing: 0 });
  const weights = tape.tensor(batch * shape.steps, 1);
  const mean = (of: Tensor): Tensor => tape.apply(OPS.sum, [tape.apply(OPS.multiply, [of, weights], {})], {});
  const graph = { tape, letters: read, fed, targets, weights, logits, losses };
  if (teacher === undefined) return { ...graph, loss: mean(losses) };
  const distances = tape.apply(OPS.distill, [logits], { teacher: teacher.likelihoods });
  const shares = [
    tape.apply(OPS.affine, [mean(losses)], { factor: 1 - teacher.share, offset: 0 }),
    tape.apply(OPS.affine, [mean(distances)], { factor: teacher.share, offset: 0 }),
  ];
  return { ...graph, loss: tape.apply(OPS.add, shares, {}) };
}

/** Both directions side by side, and the decoder's first state, from the two last ones. */
function encoded(
  tape: Tape,
  parameters: Parameters,
  config: G2pConfig,
  xs: Tensor,
  batch: number,
): { memory: Tensor; state: LstmState } {
  const zeros = (): LstmState => ({
    h: tape.tensor(batch, config.hidden),
    c: tape.tensor(batch, config.hidden),
  });
  const run = (prefix: string, reverse: boolean) => {
    const hs = tape.tensor(xs.rows, config.hidden);
    const along = { xs, hs, start: zeros(), reverse };
    const last = lstmLayer(tape, parameters, prefix, cellOf(config, config.embedding), along);
    return { hs, last };
  };
  const forward = run("encoder.forward", false);
  const backward = run("encoder.backward", true);
  const memory = tape.apply(OPS.concatenate, [forward.hs, backward.hs], {});
  const ends = tape.apply(OPS.concatenate, [forward.last.h, backward.last.h], {});
  const bridge = [ends, parameters.tensor("bridge.weight"), parameters.tensor("bridge.bias")];
  const h = tape.applyAt("start", OPS.tanh, [tape.apply(OPS.linear, bridge, {})], {});
  return { memory, state: { h, c: zeros().c } };
}

/** h and context of each step, side by side: [steps * batch][hidden + memory]. */
function decoded(
  tape: Tape,
  parameters: Parameters,
  config: G2pConfig,
  given: { readonly memory: Tensor; readonly state: LstmState; readonly ys: Tensor },
): Tensor {
  const { memory, ys } = given;
  let { state } = given;
  const batch = state.h.rows;
  const attend = attentionTo(tape, parameters, "attention", memory, batch);
  const cell = cellOf(config, config.embedding + memory.columns);
  const shown = tape.tensor(ys.rows, config.hidden + memory.columns);
  let context = tape.tensor(batch, memory.columns);
  for (let at = 0; at < ys.rows; at += batch) {
    const xs = tape.apply(OPS.concatenate, [rowsOf(ys, at, batch), context], {});
    const hs = tape.tensor(batch, config.hidden);
    state = lstmLayer(tape, parameters, "decoder", cell, { xs, hs, start: state, reverse: false });
    context = attend(state.h);
    tape.apply(OPS.concatenate, [state.h, context], {}, rowsOf(shown, at, batch));
  }
  return shown;
}
