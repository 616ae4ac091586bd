import { div, max, sum } from "../../isa/ops/reduce.ts";
import { sub } from "../../isa/ops/vector.ts";
import { WORD_BITS } from "../../isa/widths.ts";
import type { Builder, Tensor } from "../builder.ts";
import { lowerLookup } from "../elementwise.ts";
import type { QSoftmax } from "./quantize.ts";

/** Softmax over one vector of scores. */
export function lowerSoftmax(b: Builder, q: QSoftmax, scores: Tensor, output: Tensor): void {
  const n = scores.length;
  const { difference, exponential } = q;
  b.scratch(() => {
    const largest = b.map.reserve(1, WORD_BITS);
    const below = b.map.tensor(difference.output, n);
    const exponentials = b.map.tensor(exponential, n);
    const total = b.map.reserve(1, WORD_BITS);
    const codes = { a: scores.at, aBits: q.input.format.bits, aZero: q.input.zero };
    b.emit(max, { ...codes, dst: largest, groups: 1, n, bits: WORD_BITS });
    b.emit(sub, {
      ...codes,
      ...{ dst: below.at, b: largest, n, period: 1, bBits: WORD_BITS, bits: difference.output.format.bits },
      ...{ bZero: 0, zero: difference.output.zero },
      ...{ aScale: b.image.scale(difference.aScale), bScale: b.image.scale(difference.bScale) },
    });
    lowerLookup(b, q.exp, below, exponentials);
    const terms = {
      a: exponentials.at,
      aBits: exponential.format.bits,
      aZero: exponential.zero,
      groups: 1,
      n,
    };
    b.emit(sum, { ...terms, dst: total, bits: WORD_BITS });
    b.emit(div, {
      ...terms,
      ...{ dst: output.at, b: total, bBits: WORD_BITS, bits: output.grid.format.bits },
      ...{ zero: q.output.zero, factor: q.factor, shift: 0 },
    });
  });
}
