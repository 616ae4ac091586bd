import { widenEmbedding } from "../../kernels/embedding/widen.ts";
import { Floats } from "../../kernels/floats.ts";
import { widenLinear } from "../../kernels/linear/widen.ts";
import { widenLstm } from "../../kernels/lstm/widen.ts";
import { widenMogrifier } from "../../kernels/mogrifier/widen.ts";
import type { QLm } from "./quantize.ts";

/** The model in floats of so many bits, for timing. */
export function widenLm(q: QLm, bits: number): QLm {
  const floats = new Floats(bits);
  return {
    embedding: widenEmbedding(q.embedding, floats),
    layers: q.layers.map(({ name, mogrifier, cell }) => ({
      name,
      mogrifier: widenMogrifier(mogrifier, floats),
      cell: widenLstm(cell, floats),
    })),
    output: widenLinear(q.output, floats),
  };
}
