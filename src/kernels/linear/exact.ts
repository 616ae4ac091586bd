import type { Settings } from "../../arch/fields.ts";
import { fit, saturate, signed } from "../../fixed/format.ts";
import { requantize } from "../../fixed/requant.ts";
import { type Product, passLength } from "../../isa/array.ts";
import type { QLinear } from "./quantize.ts";

/**
 * A sum of `product.k` terms, added to `acc`, by its definition: the accumulator takes its range at the end of each
 * array pass, which shows only where it is too narrow for the sum.
 */
export function exactSumOfProducts(
  acc: number,
  term: (i: number) => number,
  product: Product,
  arch: Settings,
): number {
  const accumulator = signed(arch["acc.bits"]);
  const pass = passLength(product, arch);
  let total = acc;
  for (let from = 0; from < product.k; from += pass) {
    for (let i = from; i < Math.min(product.k, from + pass); i++) total += term(i);
    total = fit(total, accumulator, arch["acc.overflow"]);
  }
  return total;
}

/** The layer by its definition: sums of products, requantized once. */
export function exactLinear(q: QLinear, inputs: readonly Int32Array[], arch: Settings): Int32Array {
  return Int32Array.from({ length: q.rows }, (_, row) => {
    let acc = 0;
    for (const [p, { weights, input }] of q.parts.entries()) {
      const k = weights.columns;
      const product = { m: q.rows, k, n: 1, weightBits: weights.bits, activationBits: input.format.bits };
      acc = exactSumOfProducts(acc, (i) => weights.codes[row * k + i]! * inputs[p]![i]!, product, arch);
    }
    const scale = q.scales[q.scales.length === 1 ? 0 : row]!;
    const code = requantize(acc + q.bias[row]!, scale, arch["requant.rounding"]) + q.output.zero;
    return saturate(code, q.output.format);
  });
}
