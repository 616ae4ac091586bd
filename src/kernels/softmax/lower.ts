import { vectorRounding } from "../../arch/scaling.ts";
import { InputError } from "../../base/errors.ts";
import { maxOf } from "../../fixed/format.ts";
import { ROUNDINGS, type Rounding } from "../../fixed/round.ts";
import { exp, polynomialExponential, reciprocalByNewton } from "../../isa/ops/functions.ts";
import { center, div, max, rowscale, sum } from "../../isa/ops/reduce.ts";
import { fill, rescale, sub } from "../../isa/ops/vector.ts";
import { WIDE_BITS, WORD_BITS } from "../../isa/widths.ts";
import type { Address, Builder, Tensor } from "../builder.ts";
import { lowerConversion } from "../convert.ts";
import { lowerLookup } from "../elementwise.ts";
import { eachVector } from "../vectors.ts";
import { FRACTION_MANTISSA, FRACTION_ZERO, ROW_POINT } from "./exact.ts";
import {
  type QFixedSoftmax,
  type QPolynomialSoftmax,
  type QPwlSoftmax,
  type QSoftmax,
  type QTableSoftmax,
  SUM_DROP,
} from "./quantize.ts";

/** Softmax over every vector of scores, into the same vector of `output`. */
export function lowerSoftmax(b: Builder, q: QSoftmax, scores: Tensor, output: Tensor): void {
  b.scratch(() => {
    switch (q.method) {
      case "pwl":
        return eachVector(b, scores, output, (from, to) => lowerByPwl(b, q, from, to));
      case "gemmlowp":
        return lowerFixed(b, q, scores, output);
      case "tables":
        return lowerByTables(b, q, scores, output);
      case "polynomial":
        return lowerByPolynomial(b, q, scores, output);
    }
  });
}

/** The rows that reductions take: one for each vector. */
const rowsOf = ({ count, length }: Tensor) => ({ groups: count, n: length });

/** The largest raw code of each row. */
function lowerLargest(b: Builder, q: QSoftmax, scores: Tensor): number {
  const largest = b.map.reserve(scores.count, WORD_BITS);
  const aBits = q.input.format.bits;
  b.emit(max, { ...rowsOf(scores), dst: largest, a: scores.at, aBits, aZero: 0, bits: WORD_BITS });
  return largest;
}

function lowerByPwl(b: Builder, q: QPwlSoftmax, scores: Tensor, output: Tensor): void {
  const n = scores.length;
  const { difference, exponential } = q;
  const largest = b.map.reserve(1, WORD_BITS);
  const below = b.map.tensor(difference.output, n);
  const exponentials = b.map.tensor(exponential, n);
  const total = b.map.reserve(1, WORD_BITS);
  const codes = { a: scores.at, aBits: q.input.format.bits, aZero: q.input.zero };
  b.emit(max, { ...codes, dst: largest, groups: 1, n, bits: WORD_BITS });
  b.emit(sub, {
    ...codes,
    ...{ dst: below.at, b: largest, n, period: 1, bBits: WORD_BITS, bits: difference.output.format.bits },
    ...{ bZero: 0, zero: difference.output.zero },
    ...{ aScale: b.image.scale(difference.aScale), bScale: b.image.scale(difference.bScale) },
  });
  lowerLookup(b, q.exp, below, exponentials);
  const terms = { a: exponentials.at, aBits: exponential.format.bits, aZero: exponential.zero };
  b.emit(sum, { ...terms, groups: 1, n, dst: total, bits: WORD_BITS });
  lowerShares(
    b,
    output,
    { ...terms, b: total, bBits: WORD_BITS, factor: q.factor },
    vectorRounding(b.settings),
  );
}

/** Each term's share of its row's sum, times the factor. */
function lowerShares(
  b: Builder,
  output: Tensor,
  terms: {
    readonly a: Address;
    readonly aBits: number;
    readonly aZero: number;
    readonly b: Address;
    readonly bBits: number;
    readonly factor: number;
  },
  rounding: Rounding,
): void {
  const { format, zero } = output.grid;
  b.emit(div, {
    ...terms,
    ...rowsOf(output),
    ...{ dst: output.at, bits: format.bits, zero, shift: 0, rounding: ROUNDINGS.indexOf(rounding) },
  });
}

/** Most equal exponentials whose sum Newton's reciprocal takes as it is. */
const MOST_TERMS = 2 ** 13 - 1;

function lowerFixed(b: Builder, q: QFixedSoftmax, scores: Tensor, output: Tensor): void {
  const rows = rowsOf(scores);
  const n = scores.count * scores.length;
  if (scores.length > MOST_TERMS) {
    throw new InputError(
      `a softmax of ${scores.length} scores`,
      `softmax_method gemmlowp takes up to ${MOST_TERMS}: the sum of their exponentials has 32 bits`,
    );
  }
  const { bits } = output.grid.format;
  const { bits: termBits } = q.terms;
  const largest = lowerLargest(b, q, scores);
  const exponentials = b.map.reserve(n, WORD_BITS);
  const terms = b.map.reserve(n, termBits);
  const total = b.map.reserve(scores.count, WIDE_BITS);
  b.emit(exp, {
    ...{ ...rows, dst: exponentials, a: scores.at, b: largest, aBits: q.input.format.bits },
    ...{ limit: q.limit, scale: b.image.scale(q.scale) },
  });
  lowerConversion(b, {
    ...{ dst: terms, a: exponentials, n, aBits: WORD_BITS, bits: termBits },
    ...{ shift: SUM_DROP, rounding: "half-away" },
  });
  b.emit(sum, { ...rows, dst: total, a: terms, aBits: termBits, aZero: 0, bits: WIDE_BITS });
  const inverse = lowerInverse(b, total, scores.count);
  b.emit(rowscale, {
    ...{ ...rows, ...inverse, dst: output.at, a: exponentials, aBits: WORD_BITS, aZero: 0 },
    ...{ bits, zero: output.grid.zero, point: bits - SUM_DROP },
  });
}

/** Newton's reciprocal of each sum. */
function lowerInverse(b: Builder, total: Address, rows: number) {
  const mantissa = b.map.reserve(rows, WORD_BITS);
  const exponent = b.map.reserve(rows, WORD_BITS);
  b.emit(reciprocalByNewton, { dst: mantissa, exponent, src: total, n: rows });
  return { mantissa, exponent };
}

function lowerByTables(b: Builder, q: QTableSoftmax, scores: Tensor, output: Tensor): void {
  const rows = rowsOf(scores);
  const count = scores.count;
  const n = count * scores.length;
  const bits = q.exp.in.bits;
  const grid = { ...q.input, format: q.exp.in };
  const differences = b.map.reserve(n, WORD_BITS);
  const below = b.map.tensor(grid, scores.length, count);
  const total = b.map.reserve(count, WORD_BITS);
  const wideTotal = b.map.reserve(count, WIDE_BITS);
  const largest = lowerLargest(b, q, scores);
  b.emit(center, { ...rows, dst: differences, a: scores.at, sums: largest, aBits: bits, factor: 1 });
  b.emit(rescale, {
    ...{ dst: below.at, a: differences, n, aBits: WORD_BITS, bits, aZero: 0, zero: maxOf(q.exp.in) },
    scale: b.image.scale(q.scale),
  });
  lowerLookup(b, q.exp, below, below);
  const terms = { ...rows, a: below.at, aBits: bits, aZero: 0 };
  b.emit(sum, { ...terms, dst: total, bits: WORD_BITS });
  lowerConversion(b, { dst: wideTotal, a: total, n: count, aBits: WORD_BITS, bits: WIDE_BITS, shift: 0 });
  const { mantissa, exponent } = lowerInverse(b, wideTotal, count);
  // Of Newton's reciprocal only the exponent counts; the mantissas' place is used again.
  b.emit(fill, { dst: mantissa, n: count, bits: WORD_BITS, value: FRACTION_MANTISSA });
  b.emit(rowscale, {
    ...{ dst: total, a: total, mantissa, exponent, groups: count, n: 1, aBits: WORD_BITS, bits: WORD_BITS },
    ...{ point: ROW_POINT, aZero: 0, zero: -FRACTION_ZERO },
  });
  const fraction = b.map.tensor(grid, count);
  lowerConversion(b, {
    ...{ dst: fraction.at, a: total, n: count, aBits: WORD_BITS, bits, shift: 0, overflow: "wrap" },
  });
  lowerLookup(b, q.reciprocal, fraction, fraction);
  lowerConversion(b, { dst: mantissa, a: fraction.at, n: count, aBits: bits, bits: WORD_BITS, shift: -1 });
  b.emit(rowscale, {
    ...{ ...terms, dst: output.at, mantissa, exponent, point: ROW_POINT },
    ...{ bits: output.grid.format.bits, zero: output.grid.zero },
  });
}

function lowerByPolynomial(b: Builder, q: QPolynomialSoftmax, scores: Tensor, output: Tensor): void {
  const rows = rowsOf(scores);
  const exponentials = b.map.reserve(scores.count * scores.length, WORD_BITS);
  const total = b.map.reserve(scores.count, WIDE_BITS);
  const largest = lowerLargest(b, q, scores);
  const { log2, a: ca, b: cb, c: cc } = q.exp;
  b.emit(polynomialExponential, {
    ...{ ...rows, dst: exponentials, a: scores.at, b: largest, aBits: q.input.format.bits },
    ...{ log2, ca, cb, cc },
  });
  const terms = { a: exponentials, aBits: WORD_BITS, aZero: 0 };
  b.emit(sum, { ...rows, ...terms, dst: total, bits: WIDE_BITS });
  lowerShares(b, output, { ...terms, b: total, bBits: WIDE_BITS, factor: q.factor }, "floor");
}
