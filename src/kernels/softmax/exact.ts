import type { Settings } from "../../arch/fields.ts";
import { scalingOf, vectorRounding } from "../../arch/scaling.ts";
import { expNegative } from "../../fixed/elementary.ts";
import { saturate, signed, wrap } from "../../fixed/format.ts";
import { reciprocalNewton } from "../../fixed/newton.ts";
import { polynomialExp } from "../../fixed/polynomial.ts";
import { requantize } from "../../fixed/requant.ts";
import { divide, roundShift } from "../../fixed/round.ts";
import { WORD_BITS } from "../../isa/widths.ts";
import { exactLookup, exactSum } from "../elementwise.ts";
import { scaleByMantissa } from "../mantissa.ts";
import {
  type QFixedSoftmax,
  type QPolynomialSoftmax,
  type QPwlSoftmax,
  type QSoftmax,
  type QTableSoftmax,
  SUM_DROP,
} from "./quantize.ts";

/** The softmax of one vector of scores. */
export function exactSoftmax(q: QSoftmax, scores: Int32Array, arch: Settings): Int32Array {
  switch (q.method) {
    case "pwl":
      return exactByPwl(q, scores, arch);
    case "gemmlowp":
      return exactFixed(q, scores, arch);
    case "tables":
      return exactByTables(q, scores, arch);
    case "polynomial":
      return exactByPolynomial(q, scores);
  }
}

const largestOf = (scores: Int32Array): number =>
  scores.reduce((most, code) => Math.max(most, code), Number.NEGATIVE_INFINITY);

const sumOf = (terms: ArrayLike<number>): number => Array.from(terms).reduce((total, e) => total + e, 0);

function exactByPwl(q: QPwlSoftmax, scores: Int32Array, arch: Settings): Int32Array {
  // The maximum leaves the reduction with the scores' zero point taken off.
  const largest = largestOf(scores) - q.input.zero;
  const below = exactSum(q.difference, scores, Int32Array.of(largest), -1, arch);
  const exponentials = exactLookup(q.exp, below, arch).map((code) => code - q.exponential.zero);
  const sum = sumOf(exponentials);
  const rounding = vectorRounding(arch);
  return exponentials.map((e) =>
    saturate(divide(e * q.factor, Math.max(sum, 1), rounding) + q.output.zero, q.output.format),
  );
}

const WORD = signed(WORD_BITS);

function exactFixed(q: QFixedSoftmax, scores: Int32Array, arch: Settings): Int32Array {
  const { rounding } = scalingOf("vector", arch);
  const largest = largestOf(scores);
  const exponentials = scores.map((code) => {
    const below = code - largest;
    if (below < q.limit) return 0;
    return expNegative(Math.min(saturate(requantize(below, q.scale, rounding), WORD), 0));
  });
  const sum = sumOf(exponentials.map((e) => roundShift(e, SUM_DROP, "half-away")));
  const inverse = reciprocalNewton(sum);
  const { format, zero } = q.output;
  const point = format.bits - SUM_DROP;
  return exponentials.map((e) => saturate(scaleByMantissa(e, inverse, point, arch) + zero, format));
}

function exactByTables(q: QTableSoftmax, scores: Int32Array, arch: Settings): Int32Array {
  const { rounding } = scalingOf("vector", arch);
  const largest = largestOf(scores);
  const { in: codes } = q.exp;
  const top = 2 ** (codes.bits - 1) - 1;
  const below = scores.map((code) => saturate(requantize(code - largest, q.scale, rounding) + top, codes));
  const exponentials = exactLookup(q.exp, below, arch);
  const sum = sumOf(exponentials);
  const { exponent } = reciprocalNewton(sum);
  const fraction = scaleByMantissa(sum, { mantissa: FRACTION_MANTISSA, exponent }, ROW_POINT, arch);
  const [inverse] = exactLookup(q.reciprocal, Int32Array.of(wrap(fraction - FRACTION_ZERO, codes)), arch);
  const doubled = { mantissa: 2 * inverse!, exponent };
  return exponentials.map((e) =>
    saturate(scaleByMantissa(e, doubled, ROW_POINT, arch) + q.output.zero, q.output.format),
  );
}

/**
 * Newton's reciprocal of a sum below 2^31 with h leading zeros has the exponent 62 - h. Less this point it takes the
 * sum, times FRACTION_MANTISSA, to 17 bits with a leading one, and less FRACTION_ZERO to the codes of the table of
 * 1/(1 + x).
 */
export const ROW_POINT = 30;
export const FRACTION_MANTISSA = 2 ** 17;
export const FRACTION_ZERO = 2 ** 16 + 2 ** 15;

function exactByPolynomial(q: QPolynomialSoftmax, scores: Int32Array): Int32Array {
  const largest = largestOf(scores);
  const exponentials = scores.map((code) => saturate(polynomialExp(code - largest, q.exp), WORD));
  const sum = Math.max(sumOf(exponentials), 1);
  const { format, zero } = q.output;
  return exponentials.map((e) => saturate(divide(e * q.factor, sum, "floor") + zero, format));
}
