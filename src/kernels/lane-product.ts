import type { Settings } from "../arch/fields.ts";
import { saturate } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import { requantize, type Scale } from "../fixed/requant.ts";
import { lanemul } from "../isa/ops/lanemul.ts";
import { requant } from "../isa/ops/requant.ts";
import { type Numerics, scaleFor } from "../quant/numerics.ts";
import type { Builder, Tensor } from "./builder.ts";
import { type Floats, NO_SCALE } from "./floats.ts";
import { exactSumOfProducts } from "./linear/exact.ts";

/** Products of two activations, which attention is made of: quantized, widened, exact, lowered. */

/** A vector [k] times a matrix [k][m] that is no weight, to [m]. */
export interface QLaneProduct {
  readonly matrix: Grid;
  readonly vector: Grid;
  readonly output: Grid;
  readonly scale: Scale;
}

export const quantizeLaneProduct = (
  matrix: Grid,
  vector: Grid,
  output: Grid,
  numerics: Numerics,
): QLaneProduct => ({
  ...{ matrix, vector, output },
  scale: scaleFor((matrix.scale * vector.scale) / output.scale, "requant", numerics),
});

export const widenLaneProduct = ({ matrix, vector, output }: QLaneProduct, floats: Floats): QLaneProduct => ({
  ...{ matrix: floats.grid(matrix), vector: floats.grid(vector), output: floats.grid(output) },
  scale: NO_SCALE,
});

/** saturate(rq(sum over k of (x[k] - zx)(a[k][m] - za)) + zo), the matrix as its rows. */
export function exactLaneProduct(
  q: QLaneProduct,
  matrix: readonly Int32Array[],
  vector: Int32Array,
  arch: Settings,
): Int32Array {
  const m = matrix[0]!.length;
  const widths = { weightBits: q.matrix.format.bits, activationBits: q.vector.format.bits };
  const product = { m, k: vector.length, n: 1, ...widths };
  return Int32Array.from({ length: m }, (_, i) => {
    const term = (k: number) => (vector[k]! - q.vector.zero) * (matrix[k]![i]! - q.matrix.zero);
    const acc = exactSumOfProducts(0, term, product, arch);
    return saturate(requantize(acc, q.scale, arch["requant.rounding"]) + q.output.zero, q.output.format);
  });
}

/** @param acc  the first of as many accumulators as the matrix has columns */
export function lowerLaneProduct(
  b: Builder,
  q: QLaneProduct,
  matrix: Tensor,
  vector: Tensor,
  output: Tensor,
  acc = 0,
): void {
  const m = matrix.length;
  b.emit(lanemul, {
    ...{ a: matrix.at, x: vector.at, acc, m, k: matrix.count },
    ...{ aBits: q.matrix.format.bits, xBits: q.vector.format.bits },
    ...{ aZero: q.matrix.zero, xZero: q.vector.zero },
  });
  b.emit(requant, {
    ...{ dst: output.at, acc, m, n: 1, perChannel: 0, bits: q.output.format.bits, zero: q.output.zero },
    scales: b.image.channels(new Array<number>(m).fill(0), [q.scale]),
  });
}
