import { argmax } from "../../kernels/argmax/real.ts";
import { attend, keys } from "../../kernels/attention/real.ts";
import { embedding } from "../../kernels/embedding/real.ts";
import { linear } from "../../kernels/linear/real.ts";
import { type LstmState, lstmCell, lstmSequence } from "../../kernels/lstm/real.ts";
import { prefixed, type Tap } from "../../kernels/tensors.ts";
import { BOS, EOS } from "./alphabet.ts";
import type { G2pParams } from "./weights.ts";

/** The most phones that greedy decoding may produce, in the model's metric and by default. */
export const MAX_PHONES = 22;

export interface RealOptions {
  /** Greedy decoding stops after so many phones even without `<eos>`; default MAX_PHONES. */
  readonly maxPhones?: number;
  /** Phones without `<eos>`, fed in place of the model's own choices; the run then has one step more than these. */
  readonly teacher?: readonly number[];
  readonly tap?: Tap;
}

/** What a run chose and why. */
export interface RealRun {
  /** The first maximum of each step's logits, up to the first `<eos>`, which is left out. */
  readonly phones: number[];
  readonly logits: Float64Array[]; // [steps][phones], `<eos>` step included
}

/** What the decoder needs to know of a word. */
export interface Encoded {
  readonly memory: readonly Float64Array[]; // [letters][2 hidden], forward half first
  readonly keys: readonly Float64Array[]; // [letters][attention]
  readonly start: Float64Array; // [hidden], the decoder's first h
}

/**
 * Reads a word, given as indices into the letter alphabet. Sites: `letters`, `encoder.forward.*` and
 * `encoder.backward.*` (the LSTM kernel's), `keys`, `bridge` (before tanh), `start` (after it).
 *
 * @throws RangeError for no letters, or an index outside the alphabet
 */
export function encode(p: G2pParams, letters: readonly number[], tap?: Tap): Encoded {
  if (letters.length === 0) throw new RangeError("a word needs a letter");
  const xs = letters.map((letter) => embedded(p.letters, letter, "letters", tap));
  const forward = lstmSequence(p.encoder.forward, xs, false, prefixed(tap, "encoder.forward"));
  const backward = lstmSequence(p.encoder.backward, xs, true, prefixed(tap, "encoder.backward"));
  const memory = forward.map((h, t) => concatenated(h, backward[t]!));
  const made = memory.map((entry) => keys(p.attention, entry));
  for (const key of made) tap?.("keys", key);
  const bridge = linear(p.bridge, concatenated(forward.at(-1)!, backward[0]!));
  tap?.("bridge", bridge, "lookedUp");
  const start = bridge.map(Math.tanh);
  tap?.("start", start);
  return { memory, keys: made, start };
}

/**
 * Encodes and decodes one word in double precision, greedily or led by a teacher. Sites: those of `encode`, and for
 * each step `phones` (the embedding fed), `decoder.*`, `attention.*` (the kernels'), `logits`.
 *
 * @throws RangeError for no letters, or an index outside its alphabet
 */
export function runReal(p: G2pParams, letters: readonly number[], options: RealOptions = {}): RealRun {
  const { teacher, tap } = options;
  const steps = teacher ? teacher.length + 1 : (options.maxPhones ?? MAX_PHONES);
  const word = encode(p, letters, tap);
  const hidden = p.decoder.hidden;
  let state: LstmState = { h: word.start, c: new Float64Array(hidden) };
  let context: Float64Array = new Float64Array(word.memory[0]!.length);
  const logits: Float64Array[] = [];
  const chosen: number[] = [];
  for (let step = 0; step < steps; step++) {
    const fed = step === 0 ? BOS : (teacher ?? chosen)[step - 1]!;
    const input = concatenated(embedded(p.phones, fed, "phones", tap), context);
    state = lstmCell(p.decoder, input, state, prefixed(tap, "decoder"));
    context = attend(p.attention, state.h, word.keys, word.memory, prefixed(tap, "attention")).context;
    const scores = linear(p.output, concatenated(state.h, context));
    tap?.("logits", scores);
    logits.push(scores);
    chosen.push(argmax(scores));
    if (!teacher && chosen[step] === EOS) break;
  }
  const end = chosen.indexOf(EOS);
  return { phones: end === -1 ? chosen : chosen.slice(0, end), logits };
}

function embedded(table: G2pParams["letters"], index: number, site: string, tap?: Tap): Float64Array {
  const row = embedding(table, index);
  tap?.(site, row);
  return row;
}

function concatenated(a: Float64Array, b: Float64Array): Float64Array {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
