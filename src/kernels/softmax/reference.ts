import type { Settings } from "../../arch/fields.ts";
import { minOf, signed } from "../../fixed/format.ts";
import type { ExpPolynomial } from "../../fixed/polynomial.ts";
import { quantizedMultiplier } from "../../fixed/scale.ts";
import {
  type QFixedSoftmax,
  type QPolynomialSoftmax,
  type QTableSoftmax,
  TERMS,
  tabulatedSoftmax,
} from "./quantize.ts";

/**
 * Softmaxes from the integers that the references state. Scores may have any zero point, as only differences count;
 * what a code stands for is the reference's business, so scales of grids are 1.
 */

/** CMSIS-NN's and TensorFlow Lite's softmax of 8-bit scores. */
export interface FixedSoftmaxParameters {
  /** A difference of scores to Q5.26: multiplier / 2^31 * 2^leftShift. */
  readonly multiplier: number;
  readonly leftShift: number;
  /** Differences below it give the smallest code. */
  readonly diffMin: number;
  /** 8, or 16. */
  readonly outputBits: number;
}

/** Rows of up to 8191 scores, where the sum ends. Bit-exact under tflite-double. */
export const fixedSoftmaxOf = (p: FixedSoftmaxParameters): QFixedSoftmax => ({
  method: "gemmlowp",
  input: { format: signed(8), scale: 1, zero: 0 },
  scale: quantizedMultiplier(p.multiplier, p.leftShift),
  limit: p.diffMin,
  terms: TERMS,
  output: { format: signed(p.outputBits), scale: 1, zero: minOf(signed(p.outputBits)) },
});

/** The same of 16-bit scores. */
export interface TableSoftmaxParameters {
  /** A difference of scores to the codes of the exponential's table: multiplier / 2^31 * 2^shift. */
  readonly multiplier: number;
  readonly shift: number;
}

/**
 * Bit-exact where the vector unit's rounding is tflite-double.
 * @throws InputError where the PWL unit cannot compute the tables as they are meant
 */
export const tableSoftmaxOf = (p: TableSoftmaxParameters, arch: Settings): QTableSoftmax =>
  tabulatedSoftmax(
    { format: signed(16), scale: 1, zero: 0 },
    quantizedMultiplier(p.multiplier, p.shift),
    arch,
  );

/** I-BERT's softmax as Deeploy and PULP have it: 2^outputBits levels, the smallest code for 0. */
export interface PolynomialSoftmaxParameters {
  readonly inputBits: number;
  readonly exp: ExpPolynomial;
  readonly outputBits: number;
}

export const polynomialSoftmaxOf = (p: PolynomialSoftmaxParameters): QPolynomialSoftmax => ({
  method: "polynomial",
  input: { format: signed(p.inputBits), scale: 1, zero: 0 },
  exp: p.exp,
  factor: 2 ** p.outputBits - 1,
  output: { format: signed(p.outputBits), scale: 1, zero: minOf(signed(p.outputBits)) },
});
