import { widenConv } from "../../kernels/conv/widen.ts";
import { Floats } from "../../kernels/floats.ts";
import { widenLinear } from "../../kernels/linear/widen.ts";
import { widenLstm } from "../../kernels/lstm/widen.ts";
import type { QTesseract } from "./quantize.ts";

/** The model in floats of so many bits, for timing. */
export function widenTesseract(q: QTesseract, bits: number): QTesseract {
  const floats = new Floats(bits);
  return {
    image: floats.grid(q.image),
    conv: widenConv(q.conv, floats),
    pool: q.pool,
    bend: { table: floats.table(q.bend.table), grid: floats.grid(q.bend.grid) },
    column: widenLstm(q.column, floats),
    passes: q.passes.map((pass) => ({ q: widenLstm(pass.q, floats), reverse: pass.reverse })),
    output: widenLinear(q.output, floats),
    alphabet: q.alphabet,
  };
}
