import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { signed } from "../../src/fixed/format.ts";
import { encode } from "../../src/fixed/real.ts";
import { exactActivation } from "../../src/kernels/activation/exact.ts";
import { lowerActivation } from "../../src/kernels/activation/lower.ts";
import { type QActivation, quantizeActivation } from "../../src/kernels/activation/quantize.ts";
import {
  codeTableOf,
  elementaryCurveOf,
  mirroredCurveOf,
  polynomialGeluOf,
} from "../../src/kernels/activation/reference.ts";
import { CURVES, type CurveName, erf } from "../../src/pwl/curves.ts";
import { Ranges } from "../../src/quant/grid.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { exactDivide } from "../support/exact.ts";
import { bothOf } from "./given.ts";

const arch = makeArch({ "pwl.maxPieces": 256, "activation.bytes": 16_384 });

const run = (q: QActivation, codes: readonly number[]): number[] =>
  bothOf(
    {
      ...{ input: q.input, output: q.output },
      exact: (row) => exactActivation(q, row, arch.settings),
      lower: (b, input, output) => lowerActivation(b, q, input, output),
    },
    [codes],
    arch,
  );

const BYTES = Array.from({ length: 256 }, (_, i) => i - 128);
/** Of 16 bits, both ends among them. */
const WORDS = Array.from({ length: 521 }, (_, i) => Math.min(i * 126 - 32_768, 32_767));

test("the error function, to the last places", () => {
  // Abramowitz & Stegun, table 7.1.
  expect(erf(0)).toBe(0);
  expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
  expect(erf(1)).toBeCloseTo(0.8427007929, 10);
  expect(erf(2)).toBeCloseTo(0.995322265, 10);
  expect(erf(-2)).toBe(-erf(2));
  expect(erf(5.9)).toBe(1);
  expect(erf(7)).toBe(1);
});

describe("curves from the references' numbers", () => {
  test.each(["sigmoid", "tanh", "gelu"] as const)(
    "%s of 8 bits is the rounded function, code for code",
    (curve) => {
      const scales = { inputScale: 0.041, inputZero: -13, outputScale: 1 / 128, outputZero: -7 };
      const q = codeTableOf({ curve, ...scales }, arch.settings);
      const grid = { format: signed(8), scale: scales.outputScale, zero: scales.outputZero };
      const want = BYTES.map((code) => encode(CURVES[curve].f(0.041 * (code + 13)), grid));
      expect(run(q, BYTES)).toEqual(want);
    },
  );

  test.each([
    { name: "sigmoid", f: (x: number) => 1 / (1 + Math.exp(-x)) },
    { name: "tanh", f: Math.tanh },
  ] as const)("$name of 16 bits, both ways, stays near the function", ({ name, f }) => {
    const elementary = run(elementaryCurveOf(name, 3), WORDS);
    const mirrored = run(mirroredCurveOf(name, 3, 0), WORDS);
    const furthest = (codes: number[]) =>
      Math.max(...codes.map((code, i) => Math.abs(code - f(WORDS[i]! / 4096) * 32_768)));
    expect(furthest(elementary)).toBeLessThan(11.9);
    expect(furthest(mirrored)).toBeLessThan(1.5);
  });

  test("a mirrored curve of a factor and a shift is that of the factor they make", () => {
    expect(run(mirroredCurveOf("tanh", 3 * 2 ** 13, 13), WORDS)).toEqual(
      run(mirroredCurveOf("tanh", 3, 0), WORDS),
    );
  });

  test("GELU by I-BERT's polynomial is its definition, and a scale", () => {
    const gelu = { one: 7000, b: -142 };
    const scale = { multiplier: 37_450, shift: 28 };
    const want = BYTES.map((x) => {
      const q = Math.min(Math.abs(x), -gelu.b);
      const erfOf = gelu.one - (q + gelu.b) ** 2;
      const y = x * Math.floor((gelu.one + Math.sign(x) * erfOf) / 2);
      return Number(exactDivide(BigInt(y) * BigInt(scale.multiplier), 1n << 28n, "half-away"));
    });
    expect(run(polynomialGeluOf({ inputBits: 8, outputBits: 8, gelu, scale }), BYTES)).toEqual(want);
  });
});

describe("what a recipe cannot have", () => {
  const quantize = (name: "tanh" | "gelu", recipe: Readonly<Record<string, unknown>>, bits: number) => {
    const ranges = new Ranges();
    ranges.observe("output", [-1, 4]);
    const numerics = { recipe: makeRecipe(recipe), arch: arch.settings };
    return quantizeActivation(name, { format: signed(bits), scale: 0.0003, zero: 0 }, ranges, numerics);
  };

  test.each([
    ["tanh", { gate_curve: "gemmlowp" }, 16, /gate_curve/],
    ["tanh", { gate_curve: "gemmlowp" }, 8, /gate_curve/],
    ["gelu", { softmax_method: "polynomial" }, 16, /GELU of 16 bits in steps of 0\.0003/],
  ] as const)("%s under %o of %i bits is refused", (name, recipe, bits, wording) => {
    expect(() => quantize(name, recipe, bits)).toThrow(InputError);
    expect(() => quantize(name, recipe, bits)).toThrow(wording);
  });
});

describe("a unit that stores half of a symmetric curve", () => {
  const unit = makeArch({ "pwl.symmetry": "point", "pwl.maxPieces": 16 }).settings;
  const pieces = (name: CurveName, recipe: Readonly<Record<string, unknown>>) => {
    const ranges = new Ranges();
    ranges.observe("output", [-4, 4]);
    const input = { format: signed(8), scale: 1 / 32, zero: 0 };
    const q = quantizeActivation(name, input, ranges, { recipe: makeRecipe(recipe), arch: unit });
    if (q.kind !== "curve" || q.curve.kind !== "pwl") return expect.fail("no table");
    return [q.curve.table.knots.length, q.curve.table.mirror !== undefined];
  };

  test.each(["sigmoid", "sigmoid2", "tanh", "hard-sigmoid"] as const)(
    "does so of %s, if the recipe does",
    (name) => {
      expect(pieces(name, { activation_pieces: 32, pwl_method: "uniform" })).toEqual([16, true]);
      const whole = { activation_pieces: 16, pwl_method: "uniform", activation_symmetry: "none" };
      expect(pieces(name, whole)).toEqual([16, false]);
    },
  );

  test("has no room for as many pieces of one without symmetry", () => {
    const refused = () => pieces("silu", { activation_pieces: 32, pwl_method: "uniform" });
    expect(refused).toThrow(InputError);
    expect(refused).toThrow("activation_pieces: 32 pieces exceed pwl.maxPieces 16");
  });
});
