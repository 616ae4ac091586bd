import type { Settings } from "../arch/fields.ts";
import { InputError } from "../base/errors.ts";
import { logistic as fixedLogistic, tanh as fixedTanh } from "../fixed/elementary.ts";
import { signed } from "../fixed/format.ts";
import { interpolateMirrored } from "../fixed/interpolate.ts";
import { ceilLog2, floorLog2, type Grid } from "../fixed/real.ts";
import { roundShift } from "../fixed/round.ts";
import { nearestScale } from "../fixed/scale.ts";
import { logistic, tanh } from "../isa/ops/functions.ts";
import { mirrored } from "../isa/ops/mirrored.ts";
import { CURVES } from "../pwl/curves.ts";
import { mirroredSigmoid } from "../pwl/mirrored.ts";
import type { PwlTable } from "../pwl/table.ts";
import type { Histogram } from "../quant/histogram.ts";
import type { Numerics } from "../quant/numerics.ts";
import type { Recipe } from "../quant/recipe.ts";
import { type CurveSite, tableFor } from "../quant/tables.ts";
import type { Builder, Tensor } from "./builder.ts";
import { elementsOf, exactLookup, lowerLookup } from "./elementwise.ts";
import type { Floats } from "./floats.ts";

/** The curves of gates by every arithmetic that a recipe can name: quantized, widened, exact, lowered. */

/**
 * The sigmoid or (`odd`) the tanh of a tensor.
 *
 * - `pwl`: a table of pieces.
 * - `gemmlowp`: fixed-point arithmetic on 16 bits, `integerBits` of them before the point, to Q0.15.
 * - `mirrored`: a table of the sigmoid's positive half in steps of 1/24, interpolated and mirrored, to Q0.15. A code
 *   times factor / 2^shift, rounded, is the distance from 0 in steps of 1/(24 * 512).
 */
export type QCurve =
  | { readonly kind: "pwl"; readonly table: PwlTable }
  | { readonly kind: "gemmlowp"; readonly odd: boolean; readonly integerBits: number }
  | {
      readonly kind: "mirrored";
      readonly odd: boolean;
      readonly factor: number;
      readonly shift: number;
    };

/** Where both fixed-point curves leave their results: Q0.15. */
export const FIXED_POINT: Grid = { format: signed(16), scale: 2 ** -15, zero: 0 };

/** The most integer bits that gemmlowp's curves take in 16 bits. */
const MAX_INTEGER_BITS = 6;
/** Steps of the mirrored table, each in 512 parts, from 0 to 1. */
const MIRRORED_STEPS = 24 * 512;
/** Width of the factor that brings a grid to these steps: the largest takes any code but that of 0 to the flat ends. */
const MIRRORED_FACTOR_BITS = 17;

/**
 * The sigmoid or tanh from a grid to a grid: FIXED_POINT, but for a table of pieces.
 *
 * @param site    whose recipe such a table has
 * @param seen    the real values that calibration saw looked up
 * @throws InputError where the recipe's method has nothing for the input's grid
 */
export function quantizeCurve(
  name: "sigmoid" | "tanh",
  method: Recipe["gate_curve"],
  input: Grid,
  output: Grid,
  numerics: Numerics,
  site: CurveSite,
  seen: Histogram | undefined,
): QCurve {
  const odd = name === "tanh";
  switch (method) {
    case "pwl":
      return { kind: "pwl", table: tableFor(site, CURVES[name], input, output, numerics, seen) };
    case "gemmlowp": {
      const integerBits = ceilLog2(input.scale) + FIXED_POINT.format.bits - 1;
      const isFixedPoint = floorLog2(input.scale) === ceilLog2(input.scale) && input.zero === 0;
      if (input.format.bits !== FIXED_POINT.format.bits || !isFixedPoint || !inRange(integerBits)) {
        throw new InputError(
          "recipe: gate_curve",
          `gemmlowp takes 16 bits with 0 … ${MAX_INTEGER_BITS} before the point, not ${input.format.bits} bits in steps of ${input.scale} for ${name}`,
        );
      }
      return { kind: "gemmlowp", odd, integerBits };
    }
    case "mirrored":
      return { kind: "mirrored", odd, ...mirroredSteps(input.scale) };
  }
}

const inRange = (integerBits: number): boolean => integerBits >= 0 && integerBits <= MAX_INTEGER_BITS;

/** What brings codes of this scale to steps of the mirrored table, without factors of two that a shift undoes. */
export function mirroredSteps(scale: number): { readonly factor: number; readonly shift: number } {
  const steps = Math.min(MIRRORED_STEPS * scale, 2 ** MIRRORED_FACTOR_BITS - 1);
  let { multiplier: factor, shift } = nearestScale(steps, "multiplier", MIRRORED_FACTOR_BITS);
  while (shift > 0 && factor % 2 === 0) {
    factor /= 2;
    shift--;
  }
  return { factor, shift };
}

/** The curve in floats, by the same instruction; that of `mirrored` has results of 16 bits, and so has its table. */
export function widenCurve(q: QCurve, floats: Floats): QCurve {
  switch (q.kind) {
    case "pwl":
      return { kind: q.kind, table: floats.table(q.table) };
    case "gemmlowp":
      return q;
    case "mirrored":
      return { kind: q.kind, odd: q.odd, factor: 1, shift: 0 };
  }
}

const MIRRORED_SIGMOID = mirroredSigmoid();

export function exactCurve(q: QCurve, codes: Int32Array, arch: Settings): Int32Array {
  switch (q.kind) {
    case "pwl":
      return exactLookup(q.table, codes, arch);
    case "gemmlowp": {
      const curve = q.odd ? fixedTanh : fixedLogistic;
      return codes.map((code) => curve(code, q.integerBits, 16));
    }
    case "mirrored":
      return codes.map((code) =>
        interpolateMirrored(MIRRORED_SIGMOID, roundShift(code * q.factor, q.shift, "half-up"), q.odd),
      );
  }
}

export function lowerCurve(b: Builder, q: QCurve, input: Tensor, output: Tensor): void {
  const shape = { dst: output.at, src: input.at, n: elementsOf(output) };
  const { bits } = input.grid.format;
  switch (q.kind) {
    case "pwl":
      lowerLookup(b, q.table, input, output);
      return;
    case "gemmlowp":
      b.emit(q.odd ? tanh : logistic, { ...shape, bits, integerBits: q.integerBits });
      return;
    case "mirrored":
      b.emit(mirrored, {
        ...{ ...shape, inBits: bits, factor: q.factor, shift: q.shift },
        ...{ odd: q.odd ? 1 : 0, table: b.image.mirrored() },
      });
  }
}
