import type { Settings } from "../../arch/fields.ts";
import { zeros } from "../../kernels/elementwise.ts";
import { exactEmbedding } from "../../kernels/embedding/exact.ts";
import { exactLinear } from "../../kernels/linear/exact.ts";
import { type CodeState, exactLstmCell } from "../../kernels/lstm/exact.ts";
import { exactMogrifier } from "../../kernels/mogrifier/exact.ts";
import { outputsOf } from "./metrics.ts";
import type { Passage } from "./passages.ts";
import type { QLm } from "./quantize.ts";

/** A passage by plain loops over integers: the truth that the machine is held to. */
export function runExact(q: QLm, { words, lead }: Passage, arch: Settings): number[] {
  const outputs: number[] = [];
  let states = q.layers.map(
    ({ cell: { hiddenSize: n, hidden, cell } }): CodeState => ({ h: zeros(n, hidden), c: zeros(n, cell) }),
  );
  for (let t = 0; t < words.length - 1; t++) {
    let x = exactEmbedding(q.embedding, words[t]!, arch);
    states = q.layers.map(({ mogrifier, cell }, i) => {
      const { h, c } = states[i]!;
      const read = exactMogrifier(mogrifier, { x, h }, arch);
      const state = exactLstmCell(cell, [read.x], { h: read.h, c }, arch);
      x = state.h;
      return state;
    });
    if (t < lead) continue;
    const logits = exactLinear(q.output, [x], arch);
    outputs.push(...outputsOf(logits, q.output.output.scale, words[t + 1]!));
  }
  return outputs;
}
