import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { isLegalScale, REQUANT_KINDS } from "../../src/fixed/requant.ts";
import { factorOf } from "../../src/fixed/scale.ts";
import { type Numerics, powersOfTwo, scaleFor, scaleForWeights } from "../../src/quant/numerics.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";

const numericsOf = (kind: string, scales = "auto"): Numerics => ({
  recipe: makeRecipe({ scales }),
  arch: makeArch({ "requant.kind": kind }).settings,
});

/** How much too large the smallest scale of a kind may be. */
const EXCESS = { shift: 2, "two-shift": 4 / 3, multiplier: 1 + 2 ** -15 };

describe.each(REQUANT_KINDS)("scales of kind %s", (kind) => {
  const numerics = numericsOf(kind);
  const { "requant.multiplierBits": bits } = numerics.arch;
  const factors = fc.double({ min: 2 ** -30, max: 2 ** 10, noNaN: true });

  test("the scale above is legal, at least the factor, and no more above it than its kind allows", () => {
    fc.assert(
      fc.property(factors, (factor) => {
        const above = scaleForWeights(factor, "requant", numerics);
        expect(isLegalScale(above.scale, kind, bits)).toBe(true);
        expect(above.factor).toBe(factorOf(above.scale));
        expect(above.factor).toBeGreaterThanOrEqual(factor);
        expect(above.factor / factor).toBeLessThanOrEqual(EXCESS[kind]);
      }),
    );
  });

  test("of weights that nothing is folded into, the factor is the need and the scale the nearest", () => {
    const unfolded = { ...numerics, recipe: makeRecipe({ fold_scale: "no" }) };
    fc.assert(
      fc.property(factors, (factor) => {
        const chosen = scaleForWeights(factor, "requant", unfolded);
        expect(chosen).toEqual({ factor, scale: scaleFor(factor, "requant", numerics) });
        // The worst is halfway between two scales of which the smaller is 1 and the larger EXCESS.
        const worst = (EXCESS[kind] - 1) / 2;
        expect(Math.abs(factorOf(chosen.scale) / factor - 1)).toBeLessThanOrEqual(worst);
      }),
    );
  });

  test("the scale for a factor is legal and no further from it than the one above", () => {
    fc.assert(
      fc.property(factors, (factor) => {
        const scale = scaleFor(factor, "requant", numerics);
        expect(isLegalScale(scale, kind, bits)).toBe(true);
        const miss = Math.abs(factorOf(scale) - factor);
        expect(miss).toBeLessThanOrEqual(scaleForWeights(factor, "requant", numerics).factor - factor);
      }),
    );
  });
});

describe("scales of activations", () => {
  test.each([
    ["auto", "multiplier", false],
    ["auto", "two-shift", true],
    ["auto", "shift", true],
    ["free", "two-shift", false],
    ["power-of-two", "multiplier", true],
  ])("%s on a requantizer of kind %s: powers of two: %s", (scales, kind, powers) => {
    expect(powersOfTwo(numericsOf(kind, scales))).toBe(powers);
  });

  test("free scales need a requantizer that can multiply", () => {
    expect(() => powersOfTwo(numericsOf("shift", "free"))).toThrow(InputError);
  });
});
