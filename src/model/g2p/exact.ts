import type { Settings } from "../../arch/fields.ts";
import { exactArgmax } from "../../kernels/argmax/exact.ts";
import { exactAttend, exactKey } from "../../kernels/attention/exact.ts";
import { exactLookup, zeros } from "../../kernels/elementwise.ts";
import { exactEmbedding } from "../../kernels/embedding/exact.ts";
import { exactLinear } from "../../kernels/linear/exact.ts";
import { type CodeState, exactLstmCell } from "../../kernels/lstm/exact.ts";
import type { QLstm } from "../../kernels/lstm/quantize.ts";
import { BOS, EOS } from "./alphabet.ts";
import type { QG2p } from "./quantize.ts";
import { MAX_PHONES } from "./real.ts";

/** One word by plain loops over integers: the truth that the machine is held to. */
export function runExact(
  q: QG2p,
  letters: readonly number[],
  arch: Settings,
): { phones: number[]; logits: Int32Array[] } {
  const xs = letters.map((letter) => exactEmbedding(q.letters, letter, arch));
  const forward = sequence(q.forward, xs, arch);
  const backward = sequence(q.backward, xs.toReversed(), arch).reverse();
  const memory = forward.map((h, t) => Int32Array.of(...h, ...backward[t]!));
  const keys = memory.map((entry) => exactKey(q.attention, entry, arch));
  const bridge = exactLinear(q.bridge, [forward.at(-1)!, backward[0]!], arch);
  const { hiddenSize, cell } = q.decoder;
  let state: CodeState = { h: exactLookup(q.bridgeTanh, bridge, arch), c: zeros(hiddenSize, cell) };
  let context = zeros(memory[0]!.length, q.context);
  const phones: number[] = [];
  const logits: Int32Array[] = [];
  let token = BOS;
  while (phones.length < MAX_PHONES) {
    state = exactLstmCell(q.decoder, [exactEmbedding(q.phones, token, arch), context], state, arch);
    context = exactAttend(q.attention, state.h, keys, memory, arch);
    logits.push(exactLinear(q.output, [state.h, context], arch));
    token = exactArgmax(logits.at(-1)!);
    if (token === EOS) break;
    phones.push(token);
  }
  return { phones, logits };
}

function sequence(q: QLstm, xs: readonly Int32Array[], arch: Settings): Int32Array[] {
  let state: CodeState = { h: zeros(q.hiddenSize, q.hidden), c: zeros(q.hiddenSize, q.cell) };
  return xs.map((x) => {
    state = exactLstmCell(q, [x], state, arch);
    return state.h;
  });
}
