import type { Settings } from "../arch/fields.ts";
import { pwlRounding, scalingOf } from "../arch/scaling.ts";
import { maxOf, minOf, saturate, signed } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import { requantize, type Scale } from "../fixed/requant.ts";
import { roundShift } from "../fixed/round.ts";
import { clamp } from "../isa/ops/convert.ts";
import { pwl } from "../isa/ops/pwl.ts";
import { add, affine, fill, larger, min, mul, rescale, sub } from "../isa/ops/vector.ts";
import { WORD_BITS } from "../isa/widths.ts";
import { lookup, type PwlTable } from "../pwl/table.ts";
import { type Numerics, scaleFor } from "../quant/numerics.ts";
import type { Address, Builder, Tensor } from "./builder.ts";
import { lowerConversion } from "./convert.ts";
import { type Floats, NO_SCALE, named } from "./floats.ts";

/** Sums, products, gains and lookups of tensors, which every recurrent kernel is made of: quantized, widened, exact, lowered. */

const WORD = signed(WORD_BITS);

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
  /**
   * Where given, `scale` leaves the product in words of 32 bits, and this right shift follows, rounded half away: with
   * a scale of 1 the product is rounded once, whatever the vector unit's own rounding is. The output's zero is then 0.
   */
  readonly once?: number;
}

/** Gains and biases, one for each channel: codes of `gainBits` bits, and integers in the LSBs of code times gain. */
export interface QGain {
  readonly a: Grid;
  readonly output: Grid;
  readonly gains: Int32Array;
  readonly biases: Float64Array;
  readonly gainBits: number;
  readonly scale: Scale;
}

/** How a tensor comes to another grid. */
export interface QRescale {
  readonly a: Grid;
  readonly output: Grid;
  readonly scale: Scale;
}

export const quantizeSum = (a: Grid, b: Grid, output: Grid, numerics: Numerics): QSum => ({
  a,
  b,
  output,
  aScale: scaleFor(a.scale / output.scale, "vector", numerics),
  bScale: scaleFor(b.scale / output.scale, "vector", numerics),
});

export const quantizeProduct = (a: Grid, b: Grid, output: Grid, numerics: Numerics): QProduct => ({
  a,
  b,
  output,
  scale: scaleFor((a.scale * b.scale) / output.scale, "vector", numerics),
});

export const quantizeRescale = (a: Grid, output: Grid, numerics: Numerics): QRescale => ({
  ...{ a, output },
  scale: scaleFor(a.scale / output.scale, "vector", numerics),
});

export const widenRescale = ({ a, output }: QRescale, floats: Floats): QRescale => ({
  ...{ a: floats.grid(a), output: floats.grid(output) },
  scale: NO_SCALE,
});

export const widenSum = ({ a, b, output }: QSum, floats: Floats): QSum => ({
  a: floats.grid(a),
  b: floats.grid(b),
  output: floats.grid(output),
  aScale: NO_SCALE,
  bScale: NO_SCALE,
});

export const widenProduct = ({ a, b, output, once }: QProduct, floats: Floats): QProduct =>
  named<QProduct>({
    a: floats.grid(a),
    b: floats.grid(b),
    output: floats.grid(output),
    scale: NO_SCALE,
    once: once === undefined ? undefined : 0,
  });

export const widenGain = ({ a, output, gains, biases }: QGain, floats: Floats): QGain => ({
  a: floats.grid(a),
  output: floats.grid(output),
  gains: floats.codes(gains),
  biases: floats.biases(biases),
  gainBits: floats.bits,
  scale: NO_SCALE,
});

/** saturate(rq(a - za) + sign * rq(b[i mod |b|] - zb) + zo). */
export function exactSum(q: QSum, a: Int32Array, b: Int32Array, sign: 1 | -1, arch: Settings): Int32Array {
  const { rounding } = scalingOf("vector", arch);
  return a.map((code, i) => {
    const left = requantize(code - q.a.zero, q.aScale, rounding);
    const right = requantize(b[i % b.length]! - q.b.zero, q.bScale, rounding);
    return saturate(left + sign * right + q.output.zero, q.output.format);
  });
}

/** saturate(rq((a - za)(b - zb)) + zo), element by element; with `once`, the shift between rq and zo. */
export function exactProduct(q: QProduct, a: Int32Array, b: Int32Array, arch: Settings): Int32Array {
  const { rounding } = scalingOf("vector", arch);
  const { once } = q;
  return a.map((code, i) => {
    const scaled = requantize((code - q.a.zero) * (b[i]! - q.b.zero), q.scale, rounding);
    const product = once === undefined ? scaled : roundShift(saturate(scaled, WORD), once, "half-away");
    return saturate(product + q.output.zero, q.output.format);
  });
}

/** saturate(rq(a - za) + zo). */
export function exactRescale({ a, output, scale }: QRescale, codes: Int32Array, arch: Settings): Int32Array {
  const { rounding } = scalingOf("vector", arch);
  return codes.map((code) =>
    saturate(requantize(code - a.zero, scale, rounding) + output.zero, output.format),
  );
}

/** saturate(rq((a - za) gain + bias) + zo), the gains once over or again and again. */
export function exactGain(q: QGain, a: Int32Array, arch: Settings): Int32Array {
  const { rounding } = scalingOf("vector", arch);
  return a.map((code, i) => {
    const channel = i % q.gains.length;
    const sum = (code - q.a.zero) * q.gains[channel]! + q.biases[channel]!;
    return saturate(requantize(sum, q.scale, rounding) + q.output.zero, q.output.format);
  });
}

/** The smaller of two codes of one grid, element by element. */
export const exactMinimum = (a: Int32Array, b: Int32Array): Int32Array =>
  a.map((code, i) => Math.min(code, b[i]!));

export const exactLookup = (table: PwlTable, codes: Int32Array, arch: Settings): Int32Array =>
  codes.map((code) => lookup(table, code, pwlRounding(arch)));

export const elementsOf = ({ length, count }: Tensor): number => length * count;

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
  const n = elementsOf(output);
  const { once } = q;
  const { bits } = q.output.format;
  const multiply = (dst: Address, width: number, zero: number): void =>
    b.emit(mul, {
      dst,
      a: left.at,
      b: right.at,
      n,
      period: elementsOf(right),
      aBits: q.a.format.bits,
      bBits: q.b.format.bits,
      bits: width,
      aZero: q.a.zero,
      bZero: q.b.zero,
      zero,
      scale: b.image.scale(q.scale),
    });
  if (once === undefined) {
    multiply(output.at, bits, q.output.zero);
    return;
  }
  b.scratch(() => {
    const product = b.map.reserve(n, WORD_BITS);
    multiply(product, WORD_BITS, 0);
    lowerConversion(b, {
      ...{ dst: output.at, a: product, n, aBits: WORD_BITS, bits },
      ...{ shift: once, rounding: "half-away" },
    });
  });
}

export function lowerRescale(
  b: Builder,
  { a, output, scale }: QRescale,
  input: Tensor,
  result: Tensor,
): void {
  b.emit(rescale, {
    ...{ dst: result.at, a: input.at, n: elementsOf(result), scale: b.image.scale(scale) },
    ...{ aBits: a.format.bits, bits: output.format.bits, aZero: a.zero, zero: output.zero },
  });
}

/** The same codes at another place. */
export function lowerCopy(b: Builder, input: Tensor, result: Tensor): void {
  const { format } = input.grid;
  const whole = { lo: minOf(format), hi: maxOf(format) };
  b.emit(clamp, { dst: result.at, a: input.at, n: elementsOf(input), bits: format.bits, ...whole });
}

/** Writes one code everywhere. */
export const lowerFill = (b: Builder, tensor: Tensor, value: number): void =>
  b.emit(fill, { dst: tensor.at, n: elementsOf(tensor), bits: tensor.grid.format.bits, value });

/** Writes the code of 0. */
export const lowerZero = (b: Builder, tensor: Tensor): void => lowerFill(b, tensor, tensor.grid.zero);

/** All three on one grid. */
export const lowerMinimum = (b: Builder, left: Tensor, right: Tensor, output: Tensor): void =>
  b.emit(min, choiceOf(left, right, output));

/** The larger of two codes, all three tensors on one grid. */
export const lowerMaximum = (b: Builder, left: Tensor, right: Tensor, output: Tensor): void =>
  b.emit(larger, choiceOf(left, right, output));

const choiceOf = (left: Tensor, right: Tensor, output: Tensor) => ({
  ...{ dst: output.at, a: left.at, b: right.at },
  ...{ n: elementsOf(output), period: elementsOf(right), bits: output.grid.format.bits },
});

export function lowerLookup(b: Builder, table: PwlTable, input: Tensor, output: Tensor): void {
  b.emit(pwl, {
    dst: output.at,
    src: input.at,
    n: elementsOf(output),
    ...b.image.pwl(table),
  });
}

export function lowerGain(b: Builder, q: QGain, input: Tensor, output: Tensor): void {
  b.emit(affine, {
    dst: output.at,
    a: input.at,
    n: elementsOf(output),
    period: q.gains.length,
    gains: b.image.gains(q.gains, q.biases, q.gainBits),
    gainBits: q.gainBits,
    aBits: q.a.format.bits,
    bits: q.output.format.bits,
    aZero: q.a.zero,
    zero: q.output.zero,
    scale: b.image.scale(q.scale),
    drop: 0,
  });
}

/** `codes` of a constant vector on a grid whose zero stands for 0. */
export const zeros = (length: number, grid: Grid): Int32Array => new Int32Array(length).fill(grid.zero);
