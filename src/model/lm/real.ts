import { embedding } from "../../kernels/embedding/real.ts";
import { linear } from "../../kernels/linear/real.ts";
import { type LstmState, lstmCell, zeroState } from "../../kernels/lstm/real.ts";
import { mogrify } from "../../kernels/mogrifier/real.ts";
import { prefixed, type Tap } from "../../kernels/tensors.ts";
import { outputsOf } from "./metrics.ts";
import type { Passage } from "./passages.ts";
import type { LmLayer, LmParams } from "./weights.ts";

/**
 * Reads a passage in double precision, from the zero state. Sites: `embedded`, `cell.*` of every word read (the LSTM
 * kernel's, and the mogrifier kernel's under `cell.mogrifier`; with `cell` the name of each layer), `logits` of every
 * word predicted.
 *
 * @returns what `outputsOf` makes of each predicted word's logits, one after the other
 */
export function runReal(p: LmParams, { words, lead }: Passage, tap?: Tap): number[] {
  const output = { weight: p.embedding, bias: p.bias };
  const outputs: number[] = [];
  let states = p.layers.map(({ cell }) => zeroState(cell));
  for (let t = 0; t < words.length - 1; t++) {
    let x = embedding(p.embedding, words[t]!);
    tap?.("embedded", x);
    states = p.layers.map((layer, i) => {
      const state = stepOf(layer, x, states[i]!, prefixed(tap, layer.name));
      x = state.h;
      return state;
    });
    if (t < lead) continue;
    const logits = linear(output, x);
    tap?.("logits", logits);
    outputs.push(...outputsOf(logits, 1, words[t + 1]!));
  }
  return outputs;
}

function stepOf({ rounds, cell }: LmLayer, x: Float64Array, { h, c }: LstmState, tap?: Tap): LstmState {
  const read = mogrify(rounds, x, h, prefixed(tap, "mogrifier"));
  return lstmCell(cell, read.x, { h: read.h, c }, tap);
}
