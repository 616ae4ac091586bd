import type { Settings } from "../arch/fields.ts";
import { saturate } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import { plainRounding, requantize, type Scale } from "../fixed/requant.ts";
import { pwl } from "../isa/ops/pwl.ts";
import { add, mul, sub } from "../isa/ops/vector.ts";
import { lookup, type PwlTable } from "../pwl/table.ts";
import { type Numerics, scaleFor } from "../quant/numerics.ts";
import type { Builder, Tensor } from "./builder.ts";

/** Sums and products of two tensors, which every recurrent kernel is made of: quantized, exact, lowered. */

/** How two operands come to the scale of their sum. */
export interface QSum {
  readonly a: Grid;
  readonly b: Grid;
  readonly output: Grid;
  readonly aScale: Scale;
  readonly bScale: Scale;
}

/** How a product comes to its scale. */
export interface QProduct {
  readonly a: Grid;
  readonly b: Grid;
  readonly output: Grid;
  readonly scale: Scale;
}

export const quantizeSum = (a: Grid, b: Grid, output: Grid, numerics: Numerics): QSum => ({
  a,
  b,
  output,
  aScale: scaleFor(a.scale / output.scale, numerics),
  bScale: scaleFor(b.scale / output.scale, numerics),
});

export const quantizeProduct = (a: Grid, b: Grid, output: Grid, numerics: Numerics): QProduct => ({
  a,
  b,
  output,
  scale: scaleFor((a.scale * b.scale) / output.scale, numerics),
});

/** saturate(rq(a - za) + sign * rq(b[i mod |b|] - zb) + zo). */
export function exactSum(q: QSum, a: Int32Array, b: Int32Array, sign: 1 | -1, arch: Settings): Int32Array {
  const rounding = arch["requant.rounding"];
  return a.map((code, i) => {
    const left = requantize(code - q.a.zero, q.aScale, rounding);
    const right = requantize(b[i % b.length]! - q.b.zero, q.bScale, rounding);
    return saturate(left + sign * right + q.output.zero, q.output.format);
  });
}

/** saturate(rq((a - za)(b - zb)) + zo), element by element. */
export function exactProduct(q: QProduct, a: Int32Array, b: Int32Array, arch: Settings): Int32Array {
  return a.map((code, i) => {
    const product = (code - q.a.zero) * (b[i]! - q.b.zero);
    return saturate(requantize(product, q.scale, arch["requant.rounding"]) + q.output.zero, q.output.format);
  });
}

export const exactLookup = (table: PwlTable, codes: Int32Array, arch: Settings): Int32Array =>
  codes.map((code) => lookup(table, code, plainRounding(arch["requant.rounding"])));

const elementsOf = ({ length, count }: Tensor): number => length * count;

/** `sub` where sign is -1. The second operand repeats where it is shorter. */
export function lowerSum(
  b: Builder,
  q: QSum,
  left: Tensor,
  right: Tensor,
  output: Tensor,
  sign: 1 | -1 = 1,
): void {
  const op = sign === 1 ? add : sub;
  b.emit(op as typeof add, {
    dst: output.at,
    a: left.at,
    b: right.at,
    n: elementsOf(output),
    period: elementsOf(right),
    aBits: q.a.format.bits,
    bBits: q.b.format.bits,
    bits: q.output.format.bits,
    aZero: q.a.zero,
    bZero: q.b.zero,
    zero: q.output.zero,
    aScale: b.image.scale(q.aScale),
    bScale: b.image.scale(q.bScale),
  });
}

export function lowerProduct(b: Builder, q: QProduct, left: Tensor, right: Tensor, output: Tensor): void {
  b.emit(mul, {
    dst: output.at,
    a: left.at,
    b: right.at,
    n: elementsOf(output),
    period: elementsOf(right),
    aBits: q.a.format.bits,
    bBits: q.b.format.bits,
    bits: q.output.format.bits,
    aZero: q.a.zero,
    bZero: q.b.zero,
    zero: q.output.zero,
    scale: b.image.scale(q.scale),
  });
}

export function lowerLookup(b: Builder, table: PwlTable, input: Tensor, output: Tensor): void {
  b.emit(pwl, {
    dst: output.at,
    src: input.at,
    n: elementsOf(output),
    inBits: table.in.bits,
    bits: table.out.bits,
    table: b.image.pwl(table),
    pieces: table.knots.length,
  });
}

/** `codes` of a constant vector on a grid whose zero stands for 0. */
export const zeros = (length: number, grid: Grid): Int32Array => new Int32Array(length).fill(grid.zero);
