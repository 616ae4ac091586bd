import { embedding } from "../../kernels/embedding/real.ts";
import { linear } from "../../kernels/linear/real.ts";
import { type LstmState, lstmCell, zeroState } from "../../kernels/lstm/real.ts";
import { prefixed, type Tap } from "../../kernels/tensors.ts";
import { outputsOf } from "./metrics.ts";
import type { Passage } from "./passages.ts";
import type { LmParams } from "./weights.ts";

/**
 * Reads a passage in double precision, from the zero state. Sites: `embedded`, `cell.*` (the LSTM kernel's) of every
 * word read, `logits` of every word predicted.
 *
 * @returns what `outputsOf` makes of each predicted word's logits, one after the other
 */
export function runReal(p: LmParams, { words, lead }: Passage, tap?: Tap): number[] {
  const output = { weight: p.embedding, bias: p.bias };
  const outputs: number[] = [];
  let state: LstmState = zeroState(p.cell);
  for (let t = 0; t < words.length - 1; t++) {
    const x = embedding(p.embedding, words[t]!);
    tap?.("embedded", x);
    state = lstmCell(p.cell, x, state, prefixed(tap, "cell"));
    if (t < lead) continue;
    const logits = linear(output, state.h);
    tap?.("logits", logits);
    outputs.push(...outputsOf(logits, 1, words[t + 1]!));
  }
  return outputs;
}
