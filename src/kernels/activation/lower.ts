import { gelu } from "../../isa/ops/functions.ts";
import { rescale } from "../../isa/ops/vector.ts";
import { WORD_BITS } from "../../isa/widths.ts";
import type { Builder, Tensor } from "../builder.ts";
import { lowerCurve } from "../curve.ts";
import { elementsOf } from "../elementwise.ts";
import type { QActivation, QPolynomialGelu } from "./quantize.ts";

/** The activation of every element of `input`, into `output`. */
export function lowerActivation(b: Builder, q: QActivation, input: Tensor, output: Tensor): void {
  if (q.kind === "curve") lowerCurve(b, q.curve, input, output);
  else lowerGelu(b, q, input, output);
}

function lowerGelu(b: Builder, q: QPolynomialGelu, input: Tensor, output: Tensor): void {
  const n = elementsOf(input);
  b.scratch(() => {
    const words = b.map.reserve(n, WORD_BITS);
    b.emit(gelu, {
      ...{ dst: words, src: input.at, n, aBits: q.input.format.bits, aZero: q.input.zero },
      ...{ one: q.gelu.one, cb: -q.gelu.b },
    });
    b.emit(rescale, {
      ...{ dst: output.at, a: words, n, aBits: WORD_BITS, bits: q.output.format.bits },
      ...{ aZero: 0, zero: q.output.zero, scale: b.image.scale(q.scale) },
    });
  });
}
