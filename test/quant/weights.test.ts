import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { maxOf, minOf, signed } from "../../src/fixed/format.ts";
import type { Grid } from "../../src/fixed/real.ts";
import { buildTable, type TableOptions } from "../../src/pwl/build.ts";
import { CURVES } from "../../src/pwl/curves.ts";
import { interpolate, place } from "../../src/pwl/placement.ts";
import { lookup } from "../../src/pwl/table.ts";
import { targets } from "../../src/pwl/targets.ts";
import { tableErrors, wantedOf } from "../../src/pwl/wanted.ts";
import { codeShares, countValues, emptyHistogram } from "../../src/quant/histogram.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { type CurveSite, tableFor } from "../../src/quant/tables.ts";

const format = signed(8);
const input: Grid = { format, scale: 4 / maxOf(format), zero: 0 };
const output: Grid = { format, scale: 1 / 127, zero: 0 };
const { f } = CURVES.tanh;
const CODES = 2 ** format.bits;

/** Lookups that are mostly small. */
const seen = emptyHistogram();
countValues(
  seen,
  Array.from({ length: 1000 }, (_, i) => 4 * ((i - 500) / 500) ** 3),
);

type Given = Readonly<Record<string, unknown>>;
const numericsOf = (recipe: Given) => ({ recipe: makeRecipe(recipe), arch: makeArch().settings });
const tanhAt = (site: CurveSite, recipe: Given) =>
  tableFor(
    site,
    CURVES.tanh,
    input,
    output,
    numericsOf({ pwl_pieces: 4, pwl_method: "optimal-rms", ...recipe }),
    seen,
  );

const anyWeights = fc
  .array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: CODES,
    maxLength: CODES,
  })
  .map((weights) => Float64Array.from(weights, (weight) => weight + 1e-3));

describe("a recipe's weights", () => {
  const options = { pieces: 4, method: "optimal-rms", slopeBits: 16 } as const;

  test("are flat where nothing is said, and then nothing need have been seen", () => {
    const flat = buildTable(f, input, output, options);
    expect(tanhAt("gate", {})).toEqual(flat);
    const { recipe, arch } = numericsOf({ pwl_pieces: 4, pwl_method: "optimal-rms" });
    expect(tableFor("gate", CURVES.tanh, input, output, { recipe, arch })).toEqual(flat);
  });

  test("are the shares of lookups, and a 64th spread over all codes, where they are observed", () => {
    const weights = codeShares(seen, input).map((share) => share + 1 / 64 / CODES);
    const observed = buildTable(f, input, output, { ...options, weights });
    expect(tanhAt("gate", { pwl_weights: "observed" })).toEqual(observed);
    expect(observed).not.toEqual(buildTable(f, input, output, options));
    const polished = buildTable(f, input, output, { ...options, weights, polish: "rms" });
    expect(tanhAt("gate", { pwl_weights: "observed", pwl_polish: "rms" })).toEqual(polished);
  });

  test("are a site's own where it has a word of its own", () => {
    const observed = tanhAt("cell", { pwl_weights: "observed" });
    expect(tanhAt("cell", { cell_weights: "observed" })).toEqual(observed);
    expect(tanhAt("gate", { cell_weights: "observed" })).toEqual(tanhAt("gate", {}));
    expect(tanhAt("cell", { pwl_weights: "observed", cell_weights: "flat" })).toEqual(tanhAt("cell", {}));
  });

  test("cannot be observed where nothing was", () => {
    const numerics = numericsOf({ exp_weights: "observed" });
    expect(() => tableFor("exp", CURVES.exp, input, output, numerics)).toThrow(
      "no lookups were observed at exp",
    );
  });

  test("that do not exist are refused by key and value", () => {
    expect(() => makeRecipe({ pwl_weights: "seen", gate_weights: 1 }, "a.yaml")).toThrow(
      'a.yaml: pwl_weights: "seen" is not one of flat, observed; gate_weights: 1 is not one of as-pwl, flat, observed',
    );
    expect(() => makeRecipe({ rsqrt_weights: "flat" })).toThrow("rsqrt_weights: no such parameter");
  });
});

describe("weights of inputs", () => {
  const curves = fc.constantFrom("sigmoid", "tanh", "gelu", "exp");

  test("optimal-rms is never worse by them than without them, nor genetic than optimal-rms", () => {
    fc.assert(
      fc.property(anyWeights, curves, fc.integer({ min: 1, max: 9 }), (weights, name, pieces) => {
        const values = targets(CURVES[name].f, input, minOf(format), maxOf(format), {
          ...output,
          format: signed(16),
        });
        const cost = (method: "optimal-rms" | "genetic", own?: Float64Array) =>
          interpolate(place(values, pieces, method, own)).reduce(
            (sum, y, i) => sum + weights[i]! * (y - values[i]!) ** 2,
            0,
          );
        const least = cost("optimal-rms", weights);
        const slack = 1 + 1e-9;
        expect(least).toBeLessThanOrEqual(cost("optimal-rms") * slack + 1e-12);
        expect(least).toBeLessThanOrEqual(cost("genetic", weights) * slack + 1e-12);
      }),
      { numRuns: 10 },
    );
  });

  const stored = fc.record({
    pieces: fc.integer({ min: 1, max: 9 }),
    method: fc.constantFrom("uniform", "slope", "optimal-rms"),
    slopeBits: fc.constantFrom(6, 16),
    offsetFraction: fc.constantFrom(0, 4),
    shifts: fc.constantFrom("shared", "per-piece"),
    symmetry: fc.constantFrom(undefined, 0),
  }) as fc.Arbitrary<TableOptions>;

  test("a table's squares are those of every lookup, each by its own code's weight, mirrored or not", () => {
    fc.assert(
      fc.property(anyWeights, stored, (weights, options) => {
        const table = buildTable(f, input, output, { ...options, weights });
        const { squares } = tableErrors(table, wantedOf(table, f, input, output, weights), "half-away");
        const values = targets(f, input, minOf(format), maxOf(format), output);
        const wanted = values.reduce((sum, y, i) => {
          const error = lookup(table, minOf(format) + i, "half-away") - y / output.scale;
          return sum + weights[i]! * error * error;
        }, 0);
        expect(squares).toBeCloseTo(wanted, 6);
      }),
    );
  });

  test("polishing for rms never adds to the weighted squares", () => {
    fc.assert(
      fc.property(anyWeights, stored, (weights, options) => {
        const squaresOf = (polish: "none" | "rms") => {
          const table = buildTable(f, input, output, { ...options, weights, polish });
          return tableErrors(table, wantedOf(table, f, input, output, weights), "half-away").squares;
        };
        expect(squaresOf("rms")).toBeLessThanOrEqual(squaresOf("none"));
      }),
      { numRuns: 30 },
    );
  });
});
