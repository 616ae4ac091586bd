import { InputError } from "../../base/errors.ts";
import { maxOf, saturate, signed } from "../../fixed/format.ts";
import { type Grid, roundReal } from "../../fixed/real.ts";
import type { Scale } from "../../fixed/requant.ts";
import { factorOf } from "../../fixed/scale.ts";
import { GAIN_BIAS_BITS } from "../../isa/tables.ts";
import { WIDE_BITS } from "../../isa/widths.ts";
import { buildMantissaTable } from "../../pwl/build.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { affineGrid, type Ranges } from "../../quant/grid.ts";
import { type Numerics, powersOfTwo, scaleAbove, scaleFor } from "../../quant/numerics.ts";
import { type QSum, quantizeSum } from "../elementwise.ts";
import type { NormParams } from "./real.ts";

/** y * gain + shift on the way to the output's grid: gains are codes, shifts are biases in the product's LSBs. */
export interface QAffine {
  readonly gains: Int32Array;
  readonly biases: Float64Array;
  readonly gainBits: number;
  readonly scale: Scale;
}

/** What every norm has: rows of `n` codes, `groups` of them, each normalized by itself, gains over all of them. */
interface QNormBase {
  readonly n: number;
  readonly groups: number;
  readonly input: Grid;
  /** Codes of the normalized row: a power-of-two scale, 2^-point, zero 0. */
  readonly normalized: Grid;
  readonly point: number;
  readonly affine: QAffine;
  readonly output: Grid;
}

/**
 * Layer norm in integers. With s1 = sum q and s2 = sum q^2 of a row of raw codes, n q - s1 is n times the distance
 * from the mean and v = n s2 - s1^2 is n^2 times the variance, both exact; the normalized value is their quotient
 * (n q - s1) / sqrt(v + epsilon). Zero points cancel. 1/sqrt comes from the PWL unit, or from an integer square
 * root and a division.
 */
export interface QLayerNorm extends QNormBase {
  readonly kind: "layer";
  /** Added to n^2 times the variance, in squared input LSBs. */
  readonly epsilon: number;
  /** 1/sqrt on the mantissa; absent where the norm divides. */
  readonly table?: PwlTable;
}

/** MadNorm, docs/method.md, section 3: mean, centred value and mean deviation are tensors with grids of their own. */
export interface QMadNorm extends QNormBase {
  readonly kind: "mad";
  readonly mean: Grid;
  /** Sum of input codes (less their zero) to the mean. */
  readonly meanScale: Scale;
  readonly centre: QSum;
  /** Sum of absolute centred codes to the deviation, which has DEVIATION_POINT more fraction bits than they. */
  readonly deviationScale: Scale;
  /** Normalized value = centred code * factor / deviation. */
  readonly factor: number;
}

export type QNorm = QLayerNorm | QMadNorm;

/** Fraction bits that the deviation has beyond the centred value: it is a mean, and finer than its terms. */
const DEVIATION_POINT = 4;
/** How far the requantizer's scale for a mean may be off: a hundredth of the mean shifts a row by less than a code. */
const MEAN_TOLERANCE = 1 / 64;
/** A gain of this size stands for none, where a norm has only zeros. */
const LEAST_GAIN = 1e-9;
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
  const bits = numerics.recipe.normalized_bits;
  const { lo, hi } = ranges.of("normalized");
  const point = pointFor(Math.max(-lo, hi), bits);
  const normalized: Grid = { format: signed(bits), scale: 2 ** -point, zero: 0 };
  const affine = quantizeAffine(p, normalized, output, numerics, extra);
  const base = { n, groups, input, normalized, point, affine, output };
  return p.kind === "layer" ? layerNorm(p, base, numerics) : madNorm(base, ranges, numerics);
}

/** Most fraction bits that leave room for the largest normalized value; `normalize` takes up to 14. */
function pointFor(largest: number, bits: number): number {
  let point = 0;
  while (point < 14 && largest * 2 ** (point + 1) <= maxOf(signed(bits))) point++;
  return point;
}

function layerNorm(p: NormParams, base: QNormBase, numerics: Numerics): QLayerNorm {
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
  // Uniform knots: on [1, 4) the curve is so even that the greedy rule only loses.
  const table = buildMantissaTable(
    "rsqrt",
    numerics.recipe.rsqrt_pieces,
    "uniform",
    numerics.arch["pwl.slopeBits"],
  );
  return { ...fitted, table };
}

function madNorm(base: QNormBase, ranges: Ranges, numerics: Numerics): QMadNorm {
  const { n, input, point } = base;
  const bits = numerics.recipe.product_bits;
  const powers = powersOfTwo(numerics);
  const mean = affineGrid(ranges.of("mean"), bits, powers);
  const centred = affineGrid(ranges.of("centred"), bits, powers);
  const meanFactor = input.scale / (n * mean.scale);
  const meanScale = scaleFor(meanFactor, numerics);
  if (Math.abs(factorOf(meanScale) / meanFactor - 1) > MEAN_TOLERANCE) {
    throw new InputError(
      `a MadNorm of ${n} codes`,
      `requant.kind ${numerics.arch["requant.kind"]} has no scale near ${meanFactor}, which takes their mean`,
    );
  }
  const deviationScale = scaleFor(2 ** DEVIATION_POINT / n, numerics);
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

function quantizeAffine(
  p: NormParams,
  normalized: Grid,
  output: Grid,
  numerics: Numerics,
  extra: ArrayLike<number> | undefined,
): QAffine {
  refuseWideMultiplier(numerics);
  const gainBits = numerics.recipe.gain_bits;
  const format = signed(gainBits);
  const shifts = Float64Array.from(p.shift, (s, i) => s + (extra?.[i] ?? 0));
  const largest = (values: Float64Array) =>
    values.reduce((most, x) => Math.max(most, Math.abs(x)), LEAST_GAIN);
  const forGains = (normalized.scale * largest(p.gain)) / maxOf(format);
  const forShifts = largest(shifts) / 2 ** (GAIN_BIAS_BITS - 2);
  const { scale, factor } = scaleAbove(Math.max(forGains, forShifts) / output.scale, numerics);
  const step = factor * output.scale; // real value of an LSB of code times gain
  const gains = Int32Array.from(p.gain, (g) =>
    saturate(roundReal((g * normalized.scale) / step, "half-away"), format),
  );
  const biases = shifts.map((s) => roundReal(s / step, "half-away"));
  return { gains, biases, gainBits, scale };
}

/** The vector unit's own multiplier, which the sum of gain and shift goes through, may be narrower than the requantizer's. */
const VECTOR_MULTIPLIER_BITS = 16;

function refuseWideMultiplier({ arch }: Numerics): void {
  const bits = arch["requant.multiplierBits"];
  if (arch["requant.kind"] !== "multiplier" || bits <= VECTOR_MULTIPLIER_BITS) return;
  throw new InputError(
    `requant.multiplierBits: ${bits}`,
    `a norm's gain goes through the vector unit, whose multiplier takes ${VECTOR_MULTIPLIER_BITS} bits`,
  );
}
