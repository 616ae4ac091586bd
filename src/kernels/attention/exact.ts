import type { Settings } from "../../arch/fields.ts";
import { saturate } from "../../fixed/format.ts";
import { requantize } from "../../fixed/requant.ts";
import { exactLookup, exactSum } from "../elementwise.ts";
import { exactLinear, exactSumOfProducts } from "../linear/exact.ts";
import { exactSoftmax } from "../softmax/exact.ts";
import type { QAttention } from "./quantize.ts";

/** The key of one memory entry. */
export const exactKey = (q: QAttention, entry: Int32Array, arch: Settings): Int32Array =>
  exactLinear(q.key, [entry], arch);

/** The context that a hidden state finds in the memory. */
export function exactAttend(
  q: QAttention,
  hidden: Int32Array,
  keys: readonly Int32Array[],
  memory: readonly Int32Array[],
  arch: Settings,
): Int32Array {
  const query = exactLinear(q.query, [hidden], arch);
  const scores = keys.map((key) => {
    const bent = exactLookup(q.tanh, exactSum(q.sum, key, query, 1, arch), arch);
    return exactLinear(q.score, [bent], arch)[0]!;
  });
  const alpha = exactSoftmax(q.softmax, Int32Array.from(scores), arch);
  const { output } = q.softmax;
  const widths = { weightBits: q.memory.format.bits, activationBits: output.format.bits };
  const product = { m: memory[0]!.length, k: memory.length, n: 1, ...widths };
  return Int32Array.from(memory[0]!, (_, i) => {
    const term = (t: number) => (alpha[t]! - output.zero) * (memory[t]![i]! - q.memory.zero);
    const acc = exactSumOfProducts(0, term, product, arch);
    return saturate(
      requantize(acc, q.contextScale, arch["requant.rounding"]) + q.context.zero,
      q.context.format,
    );
  });
}
