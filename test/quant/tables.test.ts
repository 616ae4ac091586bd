import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { maxOf, signed } from "../../src/fixed/format.ts";
import type { Grid } from "../../src/fixed/real.ts";
import { buildTable } from "../../src/pwl/build.ts";
import { CURVES } from "../../src/pwl/curves.ts";
import { tableCost } from "../../src/pwl/table.ts";
import { makeRecipe, RECIPE_FIELDS } from "../../src/quant/recipe.ts";
import { MIRRORED_SITES, TABLE_SITES, type TableSite, WEIGHTED_SITES } from "../../src/quant/sites.ts";
import { type CurveSite, rsqrtTableFor, tableFaults, tableFor } from "../../src/quant/tables.ts";

const SITES = Object.keys(TABLE_SITES) as TableSite[];
const CURVE_SITES = Object.keys(WEIGHTED_SITES) as CurveSite[];
const input: Grid = { format: signed(8), scale: 4 / maxOf(signed(8)), zero: 0 };
const output: Grid = { format: signed(8), scale: 1 / 127, zero: 0 };

type Given = Readonly<Record<string, unknown>>;
const numericsOf = (recipe: Given = {}, machine: Given = {}) => ({
  recipe: makeRecipe(recipe),
  arch: makeArch(machine).settings,
});
const tanhAt = (site: CurveSite, recipe: Given = {}, machine: Given = {}) =>
  tableFor(site, CURVES.tanh, input, output, numericsOf(recipe, machine));
const faultsOf = (recipe: Given, machine: Given = {}) => tableFaults(numericsOf(recipe, machine));

test("what a recipe says of all tables holds at each site that says nothing itself", () => {
  for (const site of CURVE_SITES) {
    expect(tanhAt(site).knots.length).toBe(16);
    expect(tanhAt(site, { pwl_pieces: 5 }).knots.length).toBe(5);
    expect(tanhAt(site, { pwl_pieces: 5, [`${site}_pieces`]: 9 }).knots.length).toBe(9);
    expect(tanhAt(site, { [`${site}_slope_bits`]: 6 }).slopeBits).toBe(6);
  }
  expect(tanhAt("gate", { cell_pieces: 4 })).toEqual(tanhAt("gate"));
});

test("a site's method and polish are its own too", () => {
  const { f } = CURVES.tanh;
  const options = { pieces: 16, slopeBits: 16, method: "uniform", polish: "rms" } as const;
  const wanted = buildTable(f, input, output, options);
  expect(tanhAt("cell", { cell_method: "uniform", cell_polish: "rms" })).toEqual(wanted);
  expect(tanhAt("cell", { pwl_method: "uniform", pwl_polish: "rms" })).toEqual(wanted);
  const polished = { pwl_method: "uniform", pwl_polish: "rms", cell_polish: "none" };
  expect(tanhAt("cell", polished)).toEqual(buildTable(f, input, output, { ...options, polish: "none" }));
});

test("tables are as wide as the unit, or narrower", () => {
  const unit = { "pwl.slopeBits": 12, "pwl.offsetFraction": 5, "pwl.shifts": "per-piece" };
  const whole = tanhAt("gate", {}, unit);
  expect([whole.slopeBits, whole.offsetFraction, whole.shifts.length]).toEqual([12, 5, 16]);
  const narrow = tanhAt("gate", { pwl_slope_bits: 7, gate_offset_fraction: 2 }, unit);
  expect([narrow.slopeBits, narrow.offsetFraction]).toEqual([7, 2]);
  expect(tanhAt("gate", { pwl_offset_fraction: 0 }, unit).offsetFraction).toBe(0);
});

describe("symmetry", () => {
  const unit = { "pwl.symmetry": "point" };

  test("a unit that mirrors stores half of a symmetric curve, unless the recipe has it whole there", () => {
    const stored = (recipe: Given) => tableCost(tanhAt("cell", recipe, unit)).pieces;
    expect(stored({})).toBe(8);
    expect(stored({ pwl_symmetry: "none" })).toBe(16);
    expect(stored({ cell_symmetry: "none" })).toBe(16);
    expect(stored({ pwl_symmetry: "none", cell_symmetry: "point" })).toBe(8);
    expect(tableCost(tanhAt("cell")).pieces).toBe(16);
  });

  test("an exponential and 1/sqrt are stored whole", () => {
    const exp = tableFor("exp", CURVES.exp, { ...input, zero: 127 }, output, numericsOf({}, unit));
    expect(exp.mirror).toBeUndefined();
    expect(rsqrtTableFor(numericsOf({}, unit)).knots.length).toBe(32);
  });
});

test("1/sqrt has pieces and method of its own, and the widths of all tables", () => {
  const table = rsqrtTableFor(numericsOf({ pwl_pieces: 4, pwl_method: "slope", pwl_slope_bits: 9 }));
  expect([table.knots.length, table.slopeBits]).toEqual([32, 9]);
  const steps = [...table.knots].slice(1).map((knot, i) => knot - table.knots[i]!);
  expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1);
});

describe("what a unit does not hold", () => {
  const unit = { "pwl.maxPieces": 32, "pwl.slopeBits": 10, "pwl.offsetFraction": 3 };

  test("is told by the key that asks for it, once", () => {
    expect(faultsOf({ pwl_pieces: 40 }, unit)).toEqual(["pwl_pieces: 40 pieces exceed pwl.maxPieces 32"]);
    expect(faultsOf({ cell_pieces: 40, attention_slope_bits: 11, gate_offset_fraction: 4 }, unit)).toEqual([
      "gate_offset_fraction: 4 bits exceed pwl.offsetFraction 3",
      "cell_pieces: 40 pieces exceed pwl.maxPieces 32",
      "attention_slope_bits: 11 bits exceed pwl.slopeBits 10",
    ]);
    expect(faultsOf({ pwl_slope_bits: 1 })).toEqual([
      "pwl_slope_bits: a slope has 2 bits or more, or 0 for as many as the unit's",
    ]);
  });

  test("counts what is stored of a mirrored curve", () => {
    const half = { ...unit, "pwl.symmetry": "point" };
    expect(faultsOf({ cell_pieces: 64 }, half)).toEqual([]);
    expect(faultsOf({ cell_pieces: 65 }, half)).toEqual([
      "cell_pieces: 33 pieces of half a curve exceed pwl.maxPieces 32",
    ]);
    expect(faultsOf({ cell_pieces: 64, cell_symmetry: "none" }, half)).toHaveLength(1);
  });

  test("is nothing where the recipe has no such table", () => {
    expect(faultsOf({ rsqrt_pieces: 40, norm_inverse: "division" }, unit)).toEqual([]);
    expect(faultsOf({ exp_pieces: 40, softmax_method: "gemmlowp" }, unit)).toEqual([]);
    expect(faultsOf({ cell_pieces: 40, gate_curve: "mirrored" }, unit)).toEqual([]);
    expect(faultsOf({ rsqrt_pieces: 40 }, unit)).toHaveLength(1);
  });

  test("is refused when a table is made", () => {
    expect(() => tanhAt("gate", { pwl_slope_bits: 11 }, unit)).toThrow(
      "recipe: pwl_slope_bits: 11 bits exceed pwl.slopeBits 10",
    );
  });
});

test("every site has keys of its own for all that is said of all tables", () => {
  for (const key of Object.keys(RECIPE_FIELDS).filter((name) => name.startsWith("pwl_"))) {
    const property = key.slice("pwl_".length);
    const own: Readonly<Record<string, readonly string[]>> = {
      symmetry: Object.keys(MIRRORED_SITES),
      weights: CURVE_SITES,
    };
    const sites = own[property] ?? SITES;
    for (const site of sites) expect(RECIPE_FIELDS).toHaveProperty(`${site}_${property}`);
  }
});
