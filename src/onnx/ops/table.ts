import { CONVOLUTIONS } from "./conv.ts";
import { CURVE_OPS } from "./curves.ts";
import type { Op } from "./define.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { ifOp } from "./if.ts";
import { LAYOUT } from "./layout.ts";
import { PRODUCTS } from "./matmul.ts";
import { NORMS } from "./norm.ts";
import { pad } from "./pad.ts";
import { POOLS } from "./pool.ts";
import { RECURRENT } from "./recurrent.ts";
import { REDUCTION_OPS } from "./reduce.ts";
import { SHAPES } from "./shape.ts";

/** Every operator that is read, by its name. Adding one is a record, and a place in its family's list. */
export const OPS: ReadonlyMap<string, Op> = new Map(
  [
    ...[...PRODUCTS, ...CONVOLUTIONS, ...RECURRENT, ...NORMS, ...CURVE_OPS, ...ELEMENTWISE],
    ...[...REDUCTION_OPS, ...POOLS, ...LAYOUT, ...SHAPES, pad, ifOp],
  ].map((op) => [op.name, op]),
);

/** What does instead of operators that are not read. */
const INSTEAD: readonly { readonly names: RegExp; readonly advice: string }[] = [
  {
    names: /^(Q|De?q|Dynamic)uantize|^QLinear|Integer$|^Quantize/i,
    advice: "import the model before quantization: a recipe quantizes it here",
  },
  { names: /^(Loop|Scan)$/, advice: "export the recurrence as LSTM, GRU or RNN, or unrolled" },
  { names: /^Einsum$/, advice: "write it as MatMul and Transpose" },
  {
    names: /^(GroupNormalization|RMSNormalization|MeanVarianceNormalization|LpNormalization)$/,
    advice: "export it as ReduceMean, Sub, Pow, Sqrt and Div",
  },
  { names: /^(Attention|MultiHeadAttention|RotaryEmbedding)$/, advice: "export it as MatMul and Softmax" },
  {
    names: /^(Sequence|Optional|String|Split(ToSequence)|Concat(FromSequence))/,
    advice: "export tensors instead of sequences",
  },
  {
    names: /^(ConvTranspose|Resize|Upsample|DepthToSpace)$/,
    advice: "cut the model before it: what enlarges images is not computed",
  },
  { names: /^STFT|DFT|MelWeightMatrix$/, advice: "write the transform as Conv with a constant kernel" },
];

/** Advice for one operator that is not read. */
export function insteadOf(domain: string, name: string): string {
  if (domain !== "")
    return `it is not ONNX's own but of ${domain}: save the model without the optimizations of a runtime`;
  return INSTEAD.find(({ names }) => names.test(name))?.advice ?? "export the model with other operators";
}
