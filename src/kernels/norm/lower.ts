import { vectorRounding } from "../../arch/scaling.ts";
import { ROUNDINGS } from "../../fixed/round.ts";
import { rsqrt } from "../../isa/ops/pwl.ts";
import { center, div, isqrt, normalize, sum, sumabs, sumsq, variance } from "../../isa/ops/reduce.ts";
import { affine, rescale, sub } from "../../isa/ops/vector.ts";
import { WIDE_BITS, WORD_BITS } from "../../isa/widths.ts";
import type { PwlTable } from "../../pwl/table.ts";
import type { Builder, Tensor } from "../builder.ts";
import { eachVector } from "../vectors.ts";
import { lowerNewton, lowerRoot } from "./lower-published.ts";
import type { QLayerNorm, QMadNorm, QNewtonNorm, QNorm } from "./quantize.ts";

/** The norm of every vector of `input`, into `output`. */
export function lowerNorm(b: Builder, q: QNorm, input: Tensor, output: Tensor): void {
  b.scratch(() => {
    switch (q.kind) {
      case "root":
        return eachVector(b, input, output, (from, to) => lowerRoot(b, q, from, to));
      case "newton": {
        const words = b.map.tensor(q.normalized, input.length);
        return eachVector(b, input, output, (from, to) => {
          lowerNewton(b, q, from, words.at);
          lowerAffine(b, q, words, to);
        });
      }
      case "layer":
      case "mad": {
        const normalized = b.map.tensor(q.normalized, input.length, input.count);
        if (q.kind === "mad") lowerMad(b, q, input, normalized);
        else if (q.table === undefined) lowerDivided(b, q, input, normalized);
        else lowerRooted(b, q, q.table, input, normalized);
        lowerAffine(b, q, normalized, output);
      }
    }
  });
}

/** Gain and shift of every vector of `normalized`. */
function lowerAffine(
  b: Builder,
  q: QLayerNorm | QMadNorm | QNewtonNorm,
  normalized: Tensor,
  output: Tensor,
): void {
  const { gains, biases, gainBits, drop, scale } = q.affine;
  const channels = q.n * q.groups;
  b.emit(affine, {
    dst: output.at,
    a: normalized.at,
    n: channels * normalized.count,
    period: channels,
    gains: b.image.gains(gains, biases, gainBits),
    gainBits,
    aBits: q.normalized.format.bits,
    bits: q.output.format.bits,
    aZero: 0,
    zero: q.output.zero,
    drop,
    scale: b.image.scale(scale),
  });
}

/** n^2 times the variance of every row, epsilon added; also the sums. */
function statistics(b: Builder, q: QLayerNorm, input: Tensor, rows: number) {
  const aBits = q.input.format.bits;
  const sums = b.map.reserve(rows, WORD_BITS);
  const squares = b.map.reserve(rows, WIDE_BITS);
  const v = b.map.reserve(rows, WIDE_BITS);
  const shape = { a: input.at, groups: rows, n: q.n, aBits, aZero: 0 };
  b.emit(sum, { ...shape, dst: sums, bits: WORD_BITS });
  b.emit(sumsq, { ...shape, dst: squares, bits: WIDE_BITS });
  b.emit(variance, { dst: v, sums, squares, groups: rows, n: q.n, epsilon: q.epsilon });
  return { sums, v };
}

/** A table of mantissas as an instruction names it, whose widths are given. */
export function mantissaTable(b: Builder, of: PwlTable) {
  const { table, pieces, slopeBits, fraction } = b.image.pwl(of);
  return { table, pieces, slopeBits, fraction };
}

function lowerRooted(b: Builder, q: QLayerNorm, table: PwlTable, input: Tensor, normalized: Tensor): void {
  const groups = q.groups * input.count;
  const { sums, v } = statistics(b, q, input, groups);
  const mantissa = b.map.reserve(groups, WORD_BITS);
  const exponent = b.map.reserve(groups, WORD_BITS);
  b.emit(rsqrt, {
    dst: mantissa,
    exponent,
    src: v,
    n: groups,
    ...mantissaTable(b, table),
  });
  b.emit(normalize, {
    dst: normalized.at,
    a: input.at,
    sums,
    mantissa,
    exponent,
    groups,
    n: q.n,
    aBits: q.input.format.bits,
    bits: q.normalized.format.bits,
    factor: q.n,
    point: q.point,
    zero: 0,
  });
}

/** By square root and division, a vector at a time: distances from the mean are 32-bit words and take room. */
function lowerDivided(b: Builder, q: QLayerNorm, input: Tensor, normalized: Tensor): void {
  eachVector(b, input, normalized, (from, to) => {
    const { sums, v } = statistics(b, q, from, q.groups);
    const roots = b.map.reserve(q.groups, WORD_BITS);
    const distances = b.map.reserve(q.n * q.groups, WORD_BITS);
    const shape = { groups: q.groups, n: q.n };
    b.emit(isqrt, { dst: roots, a: v, groups: q.groups });
    b.emit(center, { ...shape, dst: distances, a: from.at, sums, aBits: q.input.format.bits, factor: q.n });
    b.emit(div, {
      ...shape,
      dst: to.at,
      a: distances,
      b: roots,
      aBits: WORD_BITS,
      bBits: WORD_BITS,
      bits: q.normalized.format.bits,
      aZero: 0,
      zero: 0,
      factor: 2 ** q.point,
      shift: 0,
      rounding: divisionRounding(b),
    });
  });
}

/** Row by row, as each is centred by a mean of its own. */
function lowerMad(b: Builder, q: QMadNorm, input: Tensor, normalized: Tensor): void {
  const rows = { length: q.n, count: q.groups * input.count };
  eachVector(b, { ...input, ...rows }, { ...normalized, ...rows }, (from, to) => {
    const total = b.map.reserve(1, WORD_BITS);
    const mean = b.map.tensor(q.mean, 1);
    const centred = b.map.tensor(q.centre.output, q.n);
    const deviation = b.map.reserve(1, WORD_BITS);
    const { input: x, centre } = q;
    b.emit(sum, {
      dst: total,
      a: from.at,
      groups: 1,
      n: q.n,
      aBits: x.format.bits,
      bits: WORD_BITS,
      aZero: x.zero,
    });
    b.emit(rescale, {
      ...{ dst: mean.at, a: total, n: 1, aBits: WORD_BITS, bits: q.mean.format.bits },
      ...{ aZero: 0, zero: q.mean.zero, scale: b.image.scale(q.meanScale) },
    });
    b.emit(sub, {
      ...{ dst: centred.at, a: from.at, b: mean.at, n: q.n, period: 1 },
      ...{ aBits: x.format.bits, bBits: q.mean.format.bits, bits: centre.output.format.bits },
      ...{ aZero: x.zero, bZero: q.mean.zero, zero: centre.output.zero },
      ...{ aScale: b.image.scale(centre.aScale), bScale: b.image.scale(centre.bScale) },
    });
    const codes = {
      a: centred.at,
      aBits: centre.output.format.bits,
      aZero: centre.output.zero,
      groups: 1,
      n: q.n,
    };
    b.emit(sumabs, { ...codes, dst: total, bits: WORD_BITS });
    b.emit(rescale, {
      ...{ dst: deviation, a: total, n: 1, aBits: WORD_BITS, bits: WORD_BITS },
      ...{ aZero: 0, zero: 0, scale: b.image.scale(q.deviationScale) },
    });
    b.emit(div, {
      ...codes,
      ...{ dst: to.at, b: deviation, bBits: WORD_BITS, bits: q.normalized.format.bits },
      ...{ zero: 0, factor: q.factor, shift: 0, rounding: divisionRounding(b) },
    });
  });
}

/** The vector unit's rounding, as a division takes it. */
const divisionRounding = (b: Builder): number => ROUNDINGS.indexOf(vectorRounding(b.settings));
