import type { Settings } from "../../arch/fields.ts";
import { scalingOf } from "../../arch/scaling.ts";
import { saturate, signed } from "../../fixed/format.ts";
import { polynomialGelu } from "../../fixed/polynomial.ts";
import { requantize } from "../../fixed/requant.ts";
import { WORD_BITS } from "../../isa/widths.ts";
import { exactCurve } from "../curve.ts";
import type { QActivation } from "./quantize.ts";

/** The activation of every code. */
export function exactActivation(q: QActivation, codes: Int32Array, arch: Settings): Int32Array {
  if (q.kind === "curve") return exactCurve(q.curve, codes, arch);
  const { rounding } = scalingOf("vector", arch);
  return codes.map((code) => {
    const y = saturate(polynomialGelu(code - q.input.zero, q.gelu), signed(WORD_BITS));
    return saturate(requantize(y, q.scale, rounding) + q.output.zero, q.output.format);
  });
}
