import type { Settings } from "../../arch/fields.ts";
import { zeros } from "../../kernels/elementwise.ts";
import { exactEmbedding } from "../../kernels/embedding/exact.ts";
import { exactLinear } from "../../kernels/linear/exact.ts";
import { type CodeState, exactLstmCell } from "../../kernels/lstm/exact.ts";
import { outputsOf } from "./metrics.ts";
import type { Passage } from "./passages.ts";
import type { QLm } from "./quantize.ts";

/** A passage by plain loops over integers: the truth that the machine is held to. */
export function runExact(q: QLm, { words, lead }: Passage, arch: Settings): number[] {
  const outputs: number[] = [];
  const { hiddenSize, hidden, cell } = q.cell;
  let state: CodeState = { h: zeros(hiddenSize, hidden), c: zeros(hiddenSize, cell) };
  for (let t = 0; t < words.length - 1; t++) {
    state = exactLstmCell(q.cell, [exactEmbedding(q.embedding, words[t]!, arch)], state, arch);
    if (t < lead) continue;
    const logits = exactLinear(q.output, [state.h], arch);
    outputs.push(...outputsOf(logits, q.output.output.scale, words[t + 1]!));
  }
  return outputs;
}
