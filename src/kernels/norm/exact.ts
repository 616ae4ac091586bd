import type { Settings } from "../../arch/fields.ts";
import { pwlRounding, scalingOf, vectorRounding } from "../../arch/scaling.ts";
import { saturate, signed } from "../../fixed/format.ts";
import { isqrt } from "../../fixed/isqrt.ts";
import { rsqrtNewton } from "../../fixed/newton.ts";
import { requantize } from "../../fixed/requant.ts";
import { divide, floorDiv, mulShift, roundShift } from "../../fixed/round.ts";
import { WORD_BITS } from "../../isa/widths.ts";
import { rsqrtOf } from "../../pwl/mantissa.ts";
import { exactSum } from "../elementwise.ts";
import type { QAffine } from "../gain.ts";
import { scaleByMantissa } from "../mantissa.ts";
import {
  NEWTON_POINT,
  type QLayerNorm,
  type QMadNorm,
  type QNewtonNorm,
  type QNorm,
  type QRootNorm,
} from "./quantize.ts";

/** The norm by its definition, on `groups` rows of `n` codes. */
export function exactNorm(q: QNorm, x: Int32Array, arch: Settings): Int32Array {
  const rows = new Int32Array(x.length);
  for (let from = 0; from < x.length; from += q.n) {
    rows.set(exactRow(q, x.subarray(from, from + q.n), from, arch), from);
  }
  return q.kind === "root" ? rows : exactAffine(q.affine, rows, q, arch);
}

/** A row before gain and shift; where these are part of the norm, the channel `from` is its first. */
function exactRow(q: QNorm, row: Int32Array, from: number, arch: Settings): Int32Array {
  switch (q.kind) {
    case "layer":
      return layerRow(q, row, arch);
    case "mad":
      return madRow(q, row, arch);
    case "newton":
      return newtonRow(q, row, arch);
    case "root":
      return rootRow(q, row, from, arch);
  }
}

function sumsOf(row: Int32Array) {
  let sum = 0;
  let squares = 0;
  for (const code of row) {
    sum += code;
    squares += code * code;
  }
  return { sum, squares };
}

const WORD = signed(WORD_BITS);

function newtonRow(q: QNewtonNorm, row: Int32Array, arch: Settings): Int32Array {
  const { sum, squares } = sumsOf(row);
  const one = 2 ** NEWTON_POINT;
  const mean = divide(sum * one, q.n, "truncate");
  const variance = roundShift(squares * floorDiv(one * one, q.n) - mean * mean, 2 * NEWTON_POINT, "truncate");
  const inverse = rsqrtNewton(variance < 1 ? q.guard : variance);
  return row.map((code) => saturate(scaleByMantissa(one * code - mean, inverse, 0, arch), WORD));
}

function rootRow(q: QRootNorm, row: Int32Array, from: number, arch: Settings): Int32Array {
  const { rounding } = scalingOf("vector", arch);
  const same = (x: number): number => saturate(requantize(x, q.unit, rounding), WORD);
  const mean = divide(sumsOf(row).sum, q.n, "truncate");
  const centred = row.map((code) => saturate(code - mean, q.centred));
  const deviation = isqrt(floorDiv(sumsOf(centred).squares, q.n) + 1);
  return centred.map((distance, i) => {
    const product = same(distance * q.gains[from + i]!);
    const normalized = saturate(divide(product, deviation, "truncate"), q.quotient);
    return saturate(roundShift(same(normalized + q.biases[from + i]!), q.shift, "floor"), q.output.format);
  });
}

function layerRow(q: QLayerNorm, row: Int32Array, arch: Settings): Int32Array {
  const rounding = vectorRounding(arch);
  const { sum, squares } = sumsOf(row);
  const v = Math.max(q.n * squares - sum * sum, 0) + q.epsilon;
  const quotient = (distance: number): number => {
    if (q.table === undefined) {
      return divide(distance * 2 ** q.point, Math.max(isqrt(v), 1), rounding);
    }
    const { mantissa, exponent } = rsqrtOf(q.table, Math.max(v, 1), pwlRounding(arch));
    return mulShift(distance, mantissa, Math.max(0, exponent - q.point), rounding);
  };
  return row.map((code) => saturate(quotient(q.n * code - sum), q.normalized.format));
}

function madRow(q: QMadNorm, row: Int32Array, arch: Settings): Int32Array {
  const { rounding } = scalingOf("vector", arch);
  const sum = row.reduce((total, code) => total + code - q.input.zero, 0);
  const mean = saturate(requantize(sum, q.meanScale, rounding) + q.mean.zero, q.mean.format);
  const centred = exactSum(q.centre, row, Int32Array.of(mean), -1, arch);
  const zero = q.centre.output.zero;
  const absolutes = centred.reduce((total, code) => total + Math.abs(code - zero), 0);
  const deviation = saturate(requantize(absolutes, q.deviationScale, rounding), signed(32));
  return centred.map((code) =>
    saturate(
      divide((code - zero) * q.factor, Math.max(deviation, 1), vectorRounding(arch)),
      q.normalized.format,
    ),
  );
}

function exactAffine(
  affine: QAffine,
  x: Int32Array,
  { output }: Pick<QNorm, "output">,
  arch: Settings,
): Int32Array {
  const { rounding } = scalingOf("vector", arch);
  return x.map((code, i) => {
    const sum = roundShift(code * affine.gains[i]! + affine.biases[i]!, affine.drop, "half-away");
    return saturate(requantize(sum, affine.scale, rounding) + output.zero, output.format);
  });
}
