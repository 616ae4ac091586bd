import { InputError } from "../../base/errors.ts";
import type { GeluPolynomial } from "../../fixed/polynomial.ts";
import { ceilLog2, type Grid, roundReal } from "../../fixed/real.ts";
import type { Scale } from "../../fixed/requant.ts";
import { factorOf } from "../../fixed/scale.ts";
import { reach } from "../../isa/define.ts";
import { CURVES, type CurveName } from "../../pwl/curves.ts";
import {
  affineGrid,
  bipolarGrid,
  type Range,
  type Ranges,
  symmetricGrid,
  unitGrid,
} from "../../quant/grid.ts";
import { type Numerics, powersOfTwo, scaleFor } from "../../quant/numerics.ts";
import type { Recipe } from "../../quant/recipe.ts";
import { tableFor } from "../../quant/tables.ts";
import { FIXED_POINT, type QCurve, quantizeCurve } from "../curve.ts";

interface QActivationBase {
  readonly input: Grid;
  readonly output: Grid;
}

/** A curve of one instruction. By straight pieces, with one for every code, it is the rounded function itself. */
export interface QCurved extends QActivationBase {
  readonly kind: "curve";
  readonly curve: QCurve;
}

/** I-BERT's GELU, whose error function is a polynomial of the second order, and a scale to the output. */
export interface QPolynomialGelu extends QActivationBase {
  readonly kind: "polynomial";
  readonly gelu: GeluPolynomial;
  readonly scale: Scale;
}

/** One nonlinearity of a tensor, element by element. */
export type QActivation = QCurved | QPolynomialGelu;

/**
 * How a recipe has the curve computed: sigmoid and tanh as `gate_curve` says, GELU by I-BERT's polynomial where
 * `softmax_method` is I-BERT's too, everything else by straight pieces.
 */
function methodOf(name: CurveName, recipe: Recipe): Recipe["gate_curve"] | "polynomial" {
  if (name === "sigmoid" || name === "tanh") return recipe.gate_curve;
  return name === "gelu" && recipe.softmax_method === "polynomial" ? "polynomial" : "pwl";
}

const MAX_INTEGER_BITS = 6;

/** 16 bits, `integerBits` of them before the point. */
export const fixedPoint = (integerBits: number): Grid => ({
  ...FIXED_POINT,
  scale: FIXED_POINT.scale * 2 ** integerBits,
});

/** The grid that the curve reads where its method asks for one of its own. */
export function inputGridOf(name: CurveName, range: Range, numerics: Numerics): Grid | undefined {
  switch (methodOf(name, numerics.recipe)) {
    case "gemmlowp":
      return fixedPoint(Math.min(ceilLog2(Math.max(-range.lo, range.hi, 1)), MAX_INTEGER_BITS));
    case "mirrored":
      return symmetricGrid(range, FIXED_POINT.format.bits, powersOfTwo(numerics));
    default:
      return undefined;
  }
}

/**
 * @param ranges  sites `input`, where weights are observed, and `output` of the curve
 * @throws InputError where the input's grid or the machine does not suit the method
 */
export function quantizeActivation(
  name: CurveName,
  input: Grid,
  ranges: Ranges,
  numerics: Numerics,
): QActivation {
  const method = methodOf(name, numerics.recipe);
  if (method === "polynomial") return polynomialGelu(input, outputOf(name, ranges, numerics), numerics);
  const output = method === "pwl" ? outputOf(name, ranges, numerics) : FIXED_POINT;
  const seen = ranges.lookupsOf("input");
  const curve =
    name === "sigmoid" || name === "tanh"
      ? quantizeCurve(name, method, input, output, numerics, "activation", seen)
      : { kind: "pwl" as const, table: tableFor("activation", CURVES[name], input, output, numerics, seen) };
  return { kind: "curve", input, output, curve };
}

function outputOf(name: CurveName, ranges: Ranges, numerics: Numerics): Grid {
  const bits = numerics.recipe.activation_bits;
  const powers = powersOfTwo(numerics);
  if (name === "sigmoid") return unitGrid(bits, powers);
  return name === "tanh" ? bipolarGrid(bits, powers) : affineGrid(ranges.of("output"), bits, powers);
}

/** The error function about 1 - a (x - b)^2 for 0 < x < b, and 1 from there on: I-BERT, section 3.4. */
const ERF_POLYNOMIAL = { a: 0.2888, b: 1.769 };
/** How far the scale of the result may be off. */
const SCALE_TOLERANCE = 1 / 64;

function polynomialGelu(input: Grid, output: Grid, numerics: Numerics): QPolynomialGelu {
  const step = input.scale / Math.SQRT2;
  const one = roundReal(1 / (ERF_POLYNOMIAL.a * step * step), "half-away");
  const bend = roundReal(ERF_POLYNOMIAL.b / step, "half-away");
  if (one < 1 || bend < 1 || one * reach(input.format.bits, input.zero) >= 2 ** 31) {
    throw new InputError(
      `a GELU of ${input.format.bits} bits in steps of ${input.scale}`,
      "its polynomial does not fit 32 bits",
    );
  }
  const factor = input.scale / (one * output.scale);
  const scale = scaleFor(factor, "vector", numerics);
  if (Math.abs(factorOf(scale) / factor - 1) > SCALE_TOLERANCE) {
    throw new InputError(
      `requant.kind: ${numerics.arch["requant.kind"]}`,
      `has no scale near ${factor}, which a polynomial GELU asks for`,
    );
  }
  return { kind: "polynomial", input, output, gelu: { one, b: -bend }, scale };
}
