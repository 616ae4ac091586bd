import { widenSum } from "../elementwise.ts";
import { type Floats, NO_SCALE, named } from "../floats.ts";
import type { QAffine } from "../gain.ts";
import type { QLayerNorm, QNorm } from "./quantize.ts";

/** The norm in floats, by the same steps. */
export function widenNorm(q: QNorm, floats: Floats): QNorm {
  const { n, groups } = q;
  const base = { n, groups, input: floats.grid(q.input), output: floats.grid(q.output) };
  switch (q.kind) {
    case "layer":
      return named<QLayerNorm>({
        ...base,
        kind: q.kind,
        normalized: floats.grid(q.normalized),
        affine: widenAffine(q.affine, floats),
        point: 0,
        epsilon: 0,
        table: q.table && floats.table(q.table),
      });
    case "mad":
      return {
        ...base,
        kind: q.kind,
        normalized: floats.grid(q.normalized),
        affine: widenAffine(q.affine, floats),
        point: 0,
        mean: floats.grid(q.mean),
        meanScale: NO_SCALE,
        centre: widenSum(q.centre, floats),
        deviationScale: NO_SCALE,
        factor: 1,
      };
    case "newton":
      return {
        ...base,
        kind: q.kind,
        // Centred and normalized in place: the instructions that do it have words, however narrow a float is.
        normalized: { ...q.normalized, scale: 1 },
        affine: widenAffine(q.affine, floats),
        guard: 0,
      };
    case "root":
      return {
        ...base,
        kind: q.kind,
        gains: floats.codes(q.gains),
        gainBits: floats.bits,
        biases: floats.biases(q.biases),
        onesBits: floats.bits,
        centred: floats.format(q.centred),
        quotient: floats.format(q.quotient),
        shift: 0,
        unit: NO_SCALE,
      };
  }
}

const widenAffine = ({ gains, biases }: QAffine, floats: Floats): QAffine => ({
  gains: floats.codes(gains),
  biases: floats.biases(biases),
  gainBits: floats.bits,
  drop: 0,
  scale: NO_SCALE,
});
