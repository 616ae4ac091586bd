import { InputError } from "../../base/errors.ts";
import { type IntFormat, maxOf, saturate, signed } from "../../fixed/format.ts";
import { type Grid, roundReal, toFloat32 } from "../../fixed/real.ts";
import type { Scale } from "../../fixed/requant.ts";
import { factorOf } from "../../fixed/scale.ts";
import { WIDE_BITS, WORD_BITS } from "../../isa/widths.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { affineGrid, type Ranges } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo, scaleFor } from "../../quant/numerics.ts";
import { rsqrtTableFor } from "../../quant/tables.ts";
import { unitScale } from "../convert.ts";
import { type QSum, quantizeSum } from "../elementwise.ts";
import { largestOf, type QAffine, quantizeAffine } from "../gain.ts";
import type { NormParams } from "./real.ts";

/** What every norm has: rows of `n` codes, `groups` of them, each normalized by itself, gains over all of them. */
interface QNormBase {
  readonly n: number;
  readonly groups: number;
  readonly input: Grid;
  readonly output: Grid;
}

/** A norm that makes the normalized row before gain and shift. */
interface QNormalized extends QNormBase {
  /** Codes of the normalized row: a power-of-two scale, zero 0. */
  readonly normalized: Grid;
  readonly affine: QAffine;
}

/**
 * Layer norm in integers. With s1 = sum q and s2 = sum q^2 of a row of raw codes, n q - s1 is n times the distance
 * from the mean and v = n s2 - s1^2 is n^2 times the variance, both exact; the normalized value is their quotient
 * (n q - s1) / sqrt(v + epsilon). Zero points cancel. 1/sqrt comes from the PWL unit, or from an integer square
 * root and a division.
 */
export interface QLayerNorm extends QNormalized {
  readonly kind: "layer";
  /** Fraction bits of the normalized row. */
  readonly point: number;
  /** Added to n^2 times the variance, in squared input LSBs. */
  readonly epsilon: number;
  /** 1/sqrt on the mantissa; absent where the norm divides. */
  readonly table?: PwlTable;
}

/** MadNorm, docs/method.md, section 3: mean, centred value and mean deviation are tensors with grids of their own. */
export interface QMadNorm extends QNormalized {
  readonly kind: "mad";
  /** Fraction bits of the normalized row. */
  readonly point: number;
  readonly mean: Grid;
  /** Sum of input codes (less their zero) to the mean. */
  readonly meanScale: Scale;
  readonly centre: QSum;
  /** Sum of absolute centred codes to the deviation, which has DEVIATION_POINT more fraction bits than they. */
  readonly deviationScale: Scale;
  /** Normalized value = centred code * factor / deviation. */
  readonly factor: number;
}

/**
 * The layer norm of TensorFlow Lite's LSTM: the mean has NEWTON_POINT fraction bits and the variance none, 1/sqrt
 * comes from Newton's steps, the normalized row has 32 bits. Only of rows whose length is a power of two is the
 * variance exact.
 */
export interface QNewtonNorm extends QNormalized {
  readonly kind: "newton";
  /** Stands for a variance below 1, in squared input LSBs. */
  readonly guard: number;
}

/** Fraction bits of mean and normalized row, which the sum of gain and shift loses again. */
export const NEWTON_POINT = 10;

/**
 * I-BERT's layer norm as PULP's kernels have it: the mean truncated to a code, the deviation the integer root of the
 * variance, out = floor((trunc((q - mean) gain / deviation) + bias) / 2^shift). No real step lies between; zero points
 * of the input cancel but for the mean's truncation, and the output's is part of the biases.
 */
export interface QRootNorm extends QNormBase {
  readonly kind: "root";
  readonly gains: Int32Array;
  readonly gainBits: number;
  readonly biases: Float64Array;
  readonly shift: number;
  /** The row less its mean, and its quotient by the deviation. */
  readonly centred: IntFormat;
  readonly quotient: IntFormat;
  /** Width of the gains of 1 that come with the biases. */
  readonly onesBits: number;
  /** The vector unit's scale of 1. */
  readonly unit: Scale;
}

/** What the norm of an input has between its steps. */
export const rootFormats = ({ format }: Grid): Pick<QRootNorm, "centred" | "quotient" | "onesBits"> => ({
  centred: signed(format.bits + 1),
  quotient: signed(16),
  onesBits: 2,
});

export type QNorm = QLayerNorm | QMadNorm | QNewtonNorm | QRootNorm;

/** Fraction bits that the deviation has beyond the centred value: it is a mean, and finer than its terms. */
const DEVIATION_POINT = 4;
/** How far the requantizer's scale for a mean may be off: a hundredth of the mean shifts a row by less than a code. */
const MEAN_TOLERANCE = 1 / 64;
/** The field of `variance` that holds epsilon. */
const EPSILON_BITS = 32;

/**
 * @param ranges  sites `mean`, `centred`, `normalized` of the float norm
 * @param groups  equal parts of the vector, each normalized by itself
 * @param output  grid of the result, gain and shift included
 * @param extra   added to the shift, such as an LSTM's forget bias
 */
export function quantizeNorm(
  p: NormParams,
  input: Grid,
  ranges: Ranges,
  groups: number,
  output: Grid,
  numerics: Numerics,
  extra?: ArrayLike<number>,
): QNorm {
  const n = p.gain.length / groups;
  const base = { n, groups, input, output };
  if (p.kind === "layer") {
    const { norm_inverse } = numerics.recipe;
    if (norm_inverse === "newton") return newtonNorm(p, base, numerics, extra);
    if (norm_inverse === "root") return rootNorm(p, base, numerics, extra);
  }
  const bits = numerics.recipe.normalized_bits;
  const { lo, hi } = ranges.of("normalized");
  const point = pointFor(Math.max(-lo, hi), bits);
  const normalized: Grid = { format: signed(bits), scale: 2 ** -point, zero: 0 };
  const affine = quantizeAffine(shifted(p, extra), normalized, output, 0, numerics);
  const made = { ...base, normalized, point, affine };
  return p.kind === "layer" ? layerNorm(p, made, numerics) : madNorm(made, ranges, numerics);
}

/** Most fraction bits that leave room for the largest normalized value; `normalize` takes up to 14. */
function pointFor(largest: number, bits: number): number {
  let point = 0;
  while (point < 14 && largest * 2 ** (point + 1) <= maxOf(signed(bits))) point++;
  return point;
}

type Pointed = QNormalized & { readonly point: number };

function layerNorm(p: NormParams, base: Pointed, numerics: Numerics): QLayerNorm {
  const { n, input } = base;
  const inputBits = input.format.bits;
  if (n * n * 2 ** (2 * inputBits - 2) >= 2 ** (WIDE_BITS - 1)) {
    throw new InputError(
      `a layer norm of ${n} codes of ${inputBits} bits`,
      `its variance does not fit the vector unit's ${WIDE_BITS} bits`,
    );
  }
  // At least 1: a row of equal codes is then a row of zeros, not a division by zero.
  const epsilon = Math.max(1, roundReal((p.epsilon * n * n) / input.scale ** 2, "half-away"));
  if (epsilon >= 2 ** EPSILON_BITS) {
    throw new InputError(
      `a layer norm of ${n} codes of ${inputBits} bits`,
      `its epsilon of ${epsilon} squared input steps exceeds ${EPSILON_BITS} bits`,
    );
  }
  const fitted = { ...base, kind: "layer", epsilon } as const;
  if (numerics.recipe.norm_inverse === "division") return fitted;
  return { ...fitted, table: rsqrtTableFor(numerics) };
}

function newtonNorm(
  p: NormParams,
  base: QNormBase,
  numerics: Numerics,
  extra: ArrayLike<number> | undefined,
): QNewtonNorm {
  const normalized: Grid = { format: signed(WORD_BITS), scale: 2 ** -NEWTON_POINT, zero: 0 };
  const affine = quantizeAffine(shifted(p, extra), normalized, base.output, NEWTON_POINT, numerics);
  const gainScale = factorOf(affine.scale) * base.output.scale;
  return { ...base, kind: "newton", normalized, affine, guard: guardOf(gainScale) };
}

/** What TensorFlow Lite puts in the place of a variance below 1, from the real value of a gain's LSB. */
export const guardOf = (gainScale: number): number =>
  Math.max(1, roundReal(toFloat32(GUARD_STEPS * toFloat32(gainScale)), "truncate"));
const GUARD_STEPS = 10_000;

/** Most bits that are dropped at the end; gains so small that it takes more are as good as none. */
const MOST_ROOT_SHIFT = 14;

function rootNorm(
  p: NormParams,
  base: QNormBase,
  numerics: Numerics,
  extra: ArrayLike<number> | undefined,
): QRootNorm {
  const { n, input, output } = base;
  const gainBits = numerics.recipe.gain_bits;
  const formats = rootFormats(input);
  if (
    formats.centred.bits + gainBits >= WORD_BITS ||
    n * 2 ** (2 * input.format.bits) >= 2 ** (WIDE_BITS - 1)
  ) {
    throw new InputError(
      `a layer norm of ${n} codes of ${input.format.bits} bits, norm_inverse root`,
      `gains of ${gainBits} bits or its sum of squares exceed ${WORD_BITS} or ${WIDE_BITS} bits`,
    );
  }
  // A normalized value is at most sqrt(n); its product with a gain is a quotient.
  const most = Math.min(maxOf(signed(gainBits)), maxOf(formats.quotient) / Math.sqrt(n));
  const largest = largestOf(p.gain) / output.scale;
  let shift = MOST_ROOT_SHIFT;
  while (shift >= 0 && largest * 2 ** shift > most) shift--;
  if (shift < 0) {
    throw new InputError(
      `recipe: gain_bits: ${gainBits}`,
      `norm_inverse root has gains in output steps, which reach ${largest}`,
    );
  }
  const code = (x: number) => roundReal((x / output.scale) * 2 ** shift, "half-away");
  // Half a step on top makes the floor at the end the nearest.
  const end = output.zero * 2 ** shift + (shift > 0 ? 2 ** (shift - 1) : 0);
  return {
    ...{ ...base, ...formats, kind: "root", gainBits, shift, unit: unitScale(numerics.arch) },
    gains: Int32Array.from(p.gain, code),
    biases: shiftsOf(p, extra).map((s) => saturate(code(s) + end, signed(ROOT_BIAS_BITS))),
  };
}

/** A bias leaves room for what is added to it, also where tflite-double doubles it. */
const ROOT_BIAS_BITS = 30;

function madNorm(base: Pointed, ranges: Ranges, numerics: Numerics): QMadNorm {
  const { n, input, point } = base;
  const bits = numerics.recipe.product_bits;
  const powers = powersOfTwo(numerics);
  const mean = affineGrid(ranges.of("mean"), bits, powers);
  const centred = affineGrid(ranges.of("centred"), bits, powers);
  const meanFactor = input.scale / (n * mean.scale);
  const meanScale = scaleFor(meanFactor, "vector", numerics);
  if (Math.abs(factorOf(meanScale) / meanFactor - 1) > MEAN_TOLERANCE) {
    throw new InputError(
      `a MadNorm of ${n} codes`,
      `requant.kind ${numerics.arch["requant.kind"]} has no scale near ${meanFactor}, which takes their mean`,
    );
  }
  const deviationScale = scaleFor(2 ** DEVIATION_POINT / n, "vector", numerics);
  return {
    ...base,
    kind: "mad",
    mean,
    meanScale,
    centre: quantizeSum(input, mean, centred, numerics),
    deviationScale,
    // What the requantizer's scale has too much or too little, the numerator has as well.
    factor: roundReal(factorOf(deviationScale) * n * 2 ** point, "half-away"),
  };
}

/** The shifts of the norm, and what else is added. */
const shiftsOf = (p: NormParams, extra: ArrayLike<number> | undefined): Float64Array =>
  Float64Array.from(p.shift, (s, i) => s + (extra?.[i] ?? 0));

const shifted = (p: NormParams, extra: ArrayLike<number> | undefined) => ({
  gain: p.gain,
  shift: shiftsOf(p, extra),
});
