import type { Settings } from "../../arch/fields.ts";
import { signed } from "../../fixed/format.ts";
import type { GeluPolynomial } from "../../fixed/polynomial.ts";
import type { Grid } from "../../fixed/real.ts";
import type { Scale } from "../../fixed/requant.ts";
import { buildTable } from "../../pwl/build.ts";
import { CURVES, type CurveName } from "../../pwl/curves.ts";
import { FIXED_POINT } from "../curve.ts";
import { fixedPoint, type QCurved, type QPolynomialGelu } from "./quantize.ts";

/** Activations from the numbers that the references state. */

/** TensorFlow Lite's LOGISTIC, TANH and GELU of 8 bits: a table of 256 codes, rounded half away. */
export interface CodeTableParameters {
  readonly curve: CurveName;
  readonly inputScale: number;
  readonly inputZero: number;
  readonly outputScale: number;
  readonly outputZero: number;
}

const CODES = 256;

/** A piece for every code: the machine's `pwl.maxPieces` has to be 256 or more. */
export function codeTableOf(p: CodeTableParameters, arch: Settings): QCurved {
  const input: Grid = { format: signed(8), scale: p.inputScale, zero: p.inputZero };
  const output: Grid = { format: signed(8), scale: p.outputScale, zero: p.outputZero };
  const options = { pieces: CODES, method: "uniform", slopeBits: arch["pwl.slopeBits"] } as const;
  const table = buildTable(CURVES[p.curve].f, input, output, options);
  return { kind: "curve", input, output, curve: { kind: "pwl", table } };
}

/** gemmlowp's, which TensorFlow Lite has for 16-bit codes whose scale is a power of two: Q3.12 in its LSTM. */
export const elementaryCurveOf = (name: "sigmoid" | "tanh", integerBits: number): QCurved => ({
  ...{ kind: "curve", input: fixedPoint(integerBits), output: FIXED_POINT },
  curve: { kind: "gemmlowp", odd: name === "tanh", integerBits },
});

/** The interpolated table of CMSIS-NN and TensorFlow Lite: d = (x * multiplier + half) / 2^shift. */
export const mirroredCurveOf = (name: "sigmoid" | "tanh", multiplier: number, shift: number): QCurved => ({
  ...{ kind: "curve", input: { ...FIXED_POINT, scale: 1 }, output: FIXED_POINT },
  curve: { kind: "mirrored", odd: name === "tanh", factor: multiplier, shift },
});

/** iGELU of Deeploy and PULP, and the scale that follows it there as a requantization. */
export const polynomialGeluOf = (p: {
  readonly inputBits: number;
  readonly outputBits: number;
  readonly gelu: GeluPolynomial;
  readonly scale: Scale;
}): QPolynomialGelu => ({
  ...{ kind: "polynomial", gelu: p.gelu, scale: p.scale },
  input: { format: signed(p.inputBits), scale: 1, zero: 0 },
  output: { format: signed(p.outputBits), scale: 1, zero: 0 },
});
