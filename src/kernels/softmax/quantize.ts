import type { Settings } from "../../arch/fields.ts";
import { pwlRounding } from "../../arch/scaling.ts";
import { InputError } from "../../base/errors.ts";
import { type IntFormat, maxOf, minOf, saturate, signed } from "../../fixed/format.ts";
import type { ExpPolynomial } from "../../fixed/polynomial.ts";
import { floorLog2, type Grid, roundReal, toFloat32 } from "../../fixed/real.ts";
import type { Scale } from "../../fixed/requant.ts";
import { factorOf } from "../../fixed/scale.ts";
import { polynomialExponential } from "../../isa/ops/functions.ts";
import { CURVES } from "../../pwl/curves.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { unitGrid } from "../../quant/grid.ts";
import type { Histogram } from "../../quant/histogram.ts";
import { type Numerics, powersOfTwo, scaleFor } from "../../quant/numerics.ts";
import { tableFor } from "../../quant/tables.ts";
import { type QSum, quantizeSum } from "../elementwise.ts";

interface QSoftmaxBase {
  readonly input: Grid;
  readonly output: Grid;
}

/** Integer softmax, docs/method.md, section 5: E_i = exp(q_i - max q) by PWL, alpha_i = round(E_i (2^b - 1) / sum E). */
export interface QPwlSoftmax extends QSoftmaxBase {
  readonly method: "pwl";
  /** Score less maximum: codes from the largest down, so that 0 is the largest code and far ones saturate. */
  readonly difference: QSum;
  readonly exp: PwlTable;
  readonly exponential: Grid;
  /** Alpha's largest code less its smallest: the numerator's factor. */
  readonly factor: number;
}

/**
 * The softmax of TensorFlow Lite and CMSIS-NN on gemmlowp's fixed-point functions: the score less the maximum is
 * brought to Q5.26, its exponential is a Q0.31, and the sum of these, without their last SUM_DROP bits, is inverted
 * by Newton's division. Alpha is in units of 2^-bits from the output's smallest code up.
 */
export interface QFixedSoftmax extends QSoftmaxBase {
  readonly method: "gemmlowp";
  /** A difference of scores to Q5.26. */
  readonly scale: Scale;
  /** Differences below this have no exponential: beyond the five integer bits. */
  readonly limit: number;
  /** An exponential as its sum sees it. */
  readonly terms: IntFormat;
}

/** Bits of an exponential that its sum does not see. */
export const SUM_DROP = 12;
/** Storage of an exponential without them: 2^19 is the largest. */
export const TERMS: IntFormat = signed(24);

/**
 * The same of 16-bit scores, by two tables of TABLE_PIECES equal pieces: exp over [-10, 0] and 1/(1 + x) over [0, 1],
 * both of 15 fraction bits. Alpha has 15 fraction bits and zero 0.
 */
export interface QTableSoftmax extends QSoftmaxBase {
  readonly method: "tables";
  /** A difference of scores to the codes of the exponential's table, whose largest stands for 0. */
  readonly scale: Scale;
  readonly exp: PwlTable;
  /** 1/(1 + x) of a sum's fraction: the smallest code stands for 0, the largest for just below 1. */
  readonly reciprocal: PwlTable;
}

/** I-BERT's softmax: exponentials by a polynomial of the second order, and the floor of their share. */
export interface QPolynomialSoftmax extends QSoftmaxBase {
  readonly method: "polynomial";
  readonly exp: ExpPolynomial;
  /** Alpha's largest code less its smallest. */
  readonly factor: number;
}

export type QSoftmax = QPwlSoftmax | QFixedSoftmax | QTableSoftmax | QPolynomialSoftmax;

/**
 * @param seen  scores less their maximum, as calibration saw them
 * @throws InputError where the machine or the recipe's widths do not suit `softmax_method`
 */
export function quantizeSoftmax(input: Grid, numerics: Numerics, seen?: Histogram): QSoftmax {
  switch (numerics.recipe.softmax_method) {
    case "pwl":
      return pwlSoftmax(input, numerics, seen);
    case "gemmlowp":
      return input.format.bits === TABLE_BITS ? tableSoftmax(input, numerics) : fixedSoftmax(input, numerics);
    case "polynomial":
      return polynomialSoftmax(input, numerics);
  }
}

function pwlSoftmax(input: Grid, numerics: Numerics, seen: Histogram | undefined): QPwlSoftmax {
  const { recipe } = numerics;
  const powers = powersOfTwo(numerics);
  const format = signed(recipe.score_bits);
  const below: Grid = { format, scale: input.scale, zero: maxOf(format) };
  const exponential = unitGrid(recipe.exp_bits, powers);
  return {
    method: "pwl",
    input,
    difference: quantizeSum(input, { ...input, zero: 0 }, below, numerics),
    exp: tableFor("exp", CURVES.exp, below, exponential, numerics, seen),
    exponential,
    factor: levelsOf(recipe.alpha_bits, powers),
    output: unitGrid(recipe.alpha_bits, powers),
  };
}

/** What `unitGrid` has between 0 and 1. */
const levelsOf = (bits: number, powers: boolean): number => (powers ? 2 ** bits : 2 ** bits - 1);

/** The largest magnitude that Q5.26 is used for. */
const LARGEST_Q5_26 = 31 * 2 ** 26;

function fixedSoftmax(input: Grid, numerics: Numerics): QFixedSoftmax {
  const { alpha_bits: bits } = numerics.recipe;
  const scale = scaleFor(input.scale * 2 ** 26, "vector", numerics);
  const octave = 2 ** (floorLog2(factorOf(scale)) + 1);
  const limit = Math.max(-roundReal(LARGEST_Q5_26 / octave, "floor"), minOf(signed(32)));
  const output: Grid = { format: signed(bits), scale: 2 ** -bits, zero: minOf(signed(bits)) };
  return { method: "gemmlowp", input, scale, limit, terms: TERMS, output };
}

/** Width of everything that goes through the two tables. */
const TABLE_BITS = 16;
const TABLE_PIECES = 512;
const TABLE_SHIFT = 7;
/** Where the table of exponentials begins. */
const LOWEST_EXPONENT = -10;

function tableSoftmax(input: Grid, numerics: Numerics): QTableSoftmax {
  const { alpha_bits: bits } = numerics.recipe;
  if (bits !== TABLE_BITS) {
    throw new InputError(
      `recipe: alpha_bits: ${bits}`,
      `softmax_method gemmlowp gives ${TABLE_BITS} bits where scores have ${TABLE_BITS}`,
    );
  }
  const step = -LOWEST_EXPONENT / (2 ** TABLE_BITS - 1);
  return tabulatedSoftmax(input, scaleFor(input.scale / step, "vector", numerics), numerics.arch);
}

/**
 * @param scale  a difference of scores to 65535ths of the table's range
 * @throws InputError where the PWL unit cannot compute the tables as they are meant
 */
export function tabulatedSoftmax(input: Grid, scale: Scale, arch: Settings): QTableSoftmax {
  if (pwlRounding(arch) !== "half-up") {
    throw new InputError(
      `pwl.rounding: ${arch["pwl.rounding"]}`,
      "a softmax of 16-bit scores by gemmlowp's tables needs half-up",
    );
  }
  if (arch["pwl.maxPieces"] < TABLE_PIECES) {
    throw new InputError(
      `pwl.maxPieces: ${arch["pwl.maxPieces"]}`,
      `a softmax of 16-bit scores by gemmlowp's tables needs ${TABLE_PIECES}`,
    );
  }
  const slopeBits = arch["pwl.slopeBits"];
  return {
    ...{ method: "tables", input, scale },
    exp: sampledTable(Math.exp, LOWEST_EXPONENT, 0, slopeBits),
    reciprocal: sampledTable((x) => 1 / (1 + x), 0, 1, slopeBits),
    output: { format: signed(TABLE_BITS), scale: 2 ** -15, zero: 0 },
  };
}

/**
 * TensorFlow Lite's table of a function by TABLE_PIECES + 1 samples, each moved by half of what the chord behind it
 * misses in its middle. It is evaluated in float32, as there: in double two entries of exp come out otherwise.
 */
function sampledTable(f: (x: number) => number, lo: number, hi: number, slopeBits: number): PwlTable {
  const single = toFloat32;
  const half = (x: number) => roundReal(x, "half-away");
  const step = single((hi - lo) / TABLE_PIECES);
  const at = (x: number) => single(single(f(single(x))) * 2 ** 15);
  const samples = Array.from({ length: TABLE_PIECES }, (_, i) => {
    const x = single(lo + single(i * step));
    const value = half(at(x));
    const chord = half(single(single(at(lo + single((i + 1) * step)) + value) / 2));
    const miss = chord - half(at(x + single(step / 2)));
    return saturate(value - half(miss / 2), signed(TABLE_BITS));
  });
  const ends = [...samples, saturate(half(at(hi)), signed(TABLE_BITS))];
  const slopes = Int32Array.from(samples, (value, i) => ends[i + 1]! - value);
  const steepest = slopes.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);
  if (steepest > maxOf(signed(slopeBits))) {
    throw new InputError(`pwl.slopeBits: ${slopeBits}`, `gemmlowp's tables have slopes up to ${steepest}`);
  }
  return {
    ...{ in: signed(TABLE_BITS), out: signed(TABLE_BITS), slopeBits, slopes, offsetFraction: 0 },
    knots: Int32Array.from(samples, (_, i) => minOf(signed(TABLE_BITS)) + i * 2 ** TABLE_SHIFT),
    bases: Int32Array.from(samples),
    shifts: Int32Array.of(TABLE_SHIFT),
  };
}

/** a (x + b)^2 + c, which is exp(x) over -ln 2 < x <= 0 to within 0.002: I-BERT, section 3.5. */
const EXP_POLYNOMIAL = { a: 0.3585, b: 1.353, c: 0.344 };
const EXPONENTIAL_BITS = 31;

/** The coefficients in score steps, the first as large as leaves an exponential of 1 within 31 bits. */
function polynomialSoftmax(input: Grid, numerics: Numerics): QPolynomialSoftmax {
  const { scale } = input;
  const { fields } = polynomialExponential;
  const powers = powersOfTwo(numerics);
  const round = (x: number) => roundReal(x, "half-away");
  // What 1 is in units of the square of a score step.
  const one = 1 / (EXP_POLYNOMIAL.a * scale * scale);
  const b = round(EXP_POLYNOMIAL.b / scale);
  const most = (2 ** EXPONENTIAL_BITS - 1) / (b * b + EXP_POLYNOMIAL.c * one + 1);
  const a = Math.min(fields.ca.max, roundReal(most, "floor"));
  const log2 = round(Math.LN2 / scale);
  if (a < 1 || log2 < 1 || b > fields.cb.max) {
    throw new InputError(
      `scores in steps of ${scale}`,
      "softmax_method polynomial takes steps between 0.00004 and 1: score_bits says how fine they are",
    );
  }
  const { alpha_bits: bits } = numerics.recipe;
  return {
    ...{ method: "polynomial", input, output: unitGrid(bits, powers), factor: levelsOf(bits, powers) },
    exp: { log2, a, b, c: round(EXP_POLYNOMIAL.c * a * one) },
  };
}
