import { ROUNDINGS } from "../../fixed/round.ts";
import { rsqrtByNewton } from "../../isa/ops/functions.ts";
import { center, div, isqrt, rowscale, sum, sumsq } from "../../isa/ops/reduce.ts";
import { average, moments } from "../../isa/ops/statistics.ts";
import { affine } from "../../isa/ops/vector.ts";
import { WIDE_BITS, WORD_BITS } from "../../isa/widths.ts";
import type { Address, Builder, Tensor } from "../builder.ts";
import { lowerConversion } from "../convert.ts";
import { NEWTON_POINT, type QNewtonNorm, type QRootNorm } from "./quantize.ts";

/** The norms of published integer programs, a vector at a time: their rows are 32-bit words on the way and take room. */

/** The normalized words of one vector. */
export function lowerNewton(b: Builder, q: QNewtonNorm, from: Tensor, words: Address): void {
  const { groups, n } = q;
  const aBits = q.input.format.bits;
  const [sums, mean, mantissa, exponent] = words4(b, groups);
  const squares = b.map.reserve(groups, WIDE_BITS);
  const variance = b.map.reserve(groups, WIDE_BITS);
  const codes = { groups, n, a: from.at, aBits };
  b.emit(sum, { ...codes, dst: sums, aZero: 0, bits: WORD_BITS });
  b.emit(sumsq, { ...codes, dst: squares, aZero: 0, bits: WIDE_BITS });
  b.emit(moments, { mean, variance, sums, squares, groups, n, guard: q.guard });
  b.emit(rsqrtByNewton, { dst: mantissa, exponent, src: variance, n: groups });
  b.emit(center, { ...codes, dst: words, sums: mean, factor: 2 ** NEWTON_POINT });
  b.emit(rowscale, {
    ...{ dst: words, a: words, mantissa, exponent, groups, n, aBits: WORD_BITS, bits: WORD_BITS },
    ...{ point: 0, aZero: 0, zero: 0 },
  });
}

/** Four statistics of each row. */
function words4(b: Builder, groups: number): readonly [number, number, number, number] {
  const one = () => b.map.reserve(groups, WORD_BITS);
  return [one(), one(), one(), one()];
}

/** The whole norm of one vector. */
export function lowerRoot(b: Builder, q: QRootNorm, from: Tensor, to: Tensor): void {
  const { groups, n } = q;
  const channels = groups * n;
  const [tBits, quotientBits] = [q.centred.bits, q.quotient.bits];
  const words = b.map.reserve(channels, WORD_BITS);
  const centred = b.map.reserve(channels, tBits);
  const quotients = b.map.reserve(channels, quotientBits);
  const deviations = lowerDeviations(b, q, from, words, centred);
  lowerGained(b, q, centred, tBits, words, { gains: q.gains, biases: [], bits: q.gainBits });
  b.emit(div, {
    ...{ dst: quotients, a: words, b: deviations, groups, n, aBits: WORD_BITS, bBits: WORD_BITS },
    ...{ bits: quotientBits, aZero: 0, zero: 0, factor: 1, shift: 0 },
    rounding: ROUNDINGS.indexOf("truncate"),
  });
  lowerGained(b, q, quotients, quotientBits, words, { gains: [], biases: q.biases, bits: q.onesBits });
  lowerConversion(b, {
    ...{ dst: to.at, a: words, n: channels, aBits: WORD_BITS, bits: q.output.format.bits },
    ...{ shift: q.shift, rounding: "floor" },
  });
}

/** The rows less their means into `centred`, by way of `words`; the integer root of each row's variance. */
function lowerDeviations(b: Builder, q: QRootNorm, from: Tensor, words: Address, centred: Address): Address {
  const { groups, n } = q;
  const aBits = q.input.format.bits;
  const tBits = q.centred.bits;
  const [sums, mean, deviation] = words4(b, groups);
  const squares = b.map.reserve(groups, WIDE_BITS);
  b.emit(sum, { dst: sums, a: from.at, groups, n, aBits, aZero: 0, bits: WORD_BITS });
  b.emit(average, {
    ...{ dst: mean, a: sums, groups, n, aBits: WORD_BITS, bits: WORD_BITS, plus: 0 },
    rounding: ROUNDINGS.indexOf("truncate"),
  });
  b.emit(center, { dst: words, a: from.at, sums: mean, groups, n, aBits, factor: 1 });
  lowerConversion(b, { dst: centred, a: words, n: groups * n, aBits: WORD_BITS, bits: tBits, shift: 0 });
  b.emit(sumsq, { dst: squares, a: centred, groups, n, aBits: tBits, aZero: 0, bits: WIDE_BITS });
  b.emit(average, {
    ...{ dst: squares, a: squares, groups, n, aBits: WIDE_BITS, bits: WIDE_BITS, plus: 1 },
    rounding: ROUNDINGS.indexOf("floor"),
  });
  b.emit(isqrt, { dst: deviation, a: squares, groups });
  return deviation;
}

/** words = a * gain + bias, channel by channel; no gains stand for ones, no biases for zeros. */
function lowerGained(
  b: Builder,
  q: QRootNorm,
  a: Address,
  aBits: number,
  words: Address,
  by: { readonly gains: ArrayLike<number>; readonly biases: ArrayLike<number>; readonly bits: number },
): void {
  const channels = q.groups * q.n;
  const orAll = (values: ArrayLike<number>, value: number) =>
    values.length > 0 ? values : new Int32Array(channels).fill(value);
  b.emit(affine, {
    ...{ dst: words, a, n: channels, period: channels, gainBits: by.bits, aBits, bits: WORD_BITS },
    ...{ aZero: 0, zero: 0, drop: 0, scale: b.image.scale(q.unit) },
    gains: b.image.gains(orAll(by.gains, 1), orAll(by.biases, 0), by.bits),
  });
}
