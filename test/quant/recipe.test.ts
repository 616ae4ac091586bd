import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { hashRecipe, makeRecipe, RECIPE_FIELDS, settleRecipe } from "../../src/quant/recipe.ts";

describe("recipes", () => {
  test("what is not given is at its default", () => {
    const recipe = makeRecipe({ cell_bits: 12, pwl_method: "uniform" });
    expect(recipe).toEqual({ ...makeRecipe(), cell_bits: 12, pwl_method: "uniform" });
    for (const [key, field] of Object.entries(RECIPE_FIELDS)) {
      expect(makeRecipe()[key as keyof typeof RECIPE_FIELDS], key).toBe(field.default);
    }
  });

  test("the default is docs/method.md's, section 1: 8 bits, a 16-bit cell", () => {
    expect(makeRecipe()).toMatchObject({
      ...{ weight_bits: 8, activation_bits: 8, product_bits: 8, norm_bits: 8, embedding_bits: 8 },
      ...{ cell_bits: 16, exp_bits: 16, alpha_bits: 8, context_bits: 8 },
    });
  });

  test("the arithmetic of another integer runtime is asked for by name, never by default", () => {
    expect(makeRecipe()).toMatchObject({
      ...{ gate_format: "activation", gate_curve: "pwl", softmax_method: "pwl", norm_inverse: "rsqrt" },
    });
  });

  test("a fault is told with its key, its value and what may stand there", () => {
    expect(() => makeRecipe({ cell_bits: 17 }, "a.yaml")).toThrowErrorMatchingInlineSnapshot(
      `[InputError: a.yaml: cell_bits: 17 is not an integer in 2 … 16 bit]`,
    );
    expect(() => makeRecipe({ weight_scale: "per-row" })).toThrowErrorMatchingInlineSnapshot(
      `[InputError: recipe: weight_scale: "per-row" is not one of per-channel, per-tensor]`,
    );
    expect(() => makeRecipe({ cel_bits: 8 })).toThrowErrorMatchingInlineSnapshot(
      `[InputError: recipe: cel_bits: no such parameter; did you mean cell_bits?]`,
    );
  });

  test("all faults are told at once, as an InputError", () => {
    const make = () => makeRecipe({ weight_bits: 1, activation_bits: 8.5, pwl_pieces: "many" });
    expect(make).toThrow(InputError);
    for (const key of ["weight_bits", "activation_bits", "pwl_pieces"]) expect(make).toThrow(key);
  });

  test.each(Object.entries(RECIPE_FIELDS))(
    "%s: the ends of its range are legal, what lies beyond is not",
    (key, field) => {
      if (field.kind === "choice") {
        for (const choice of field.choices)
          expect(makeRecipe({ [key]: choice })).toMatchObject({ [key]: choice });
        return;
      }
      for (const value of [field.min, field.max])
        expect(makeRecipe({ [key]: value })).toMatchObject({ [key]: value });
      for (const value of [field.min - 1, field.max + 1])
        expect(() => makeRecipe({ [key]: value })).toThrow(key);
    },
  );

  test("settling reports each faulty key by itself and keeps the default in its place", () => {
    const faults: string[] = [];
    const recipe = settleRecipe(
      new Map<string, unknown>([
        ["cell_bits", 0],
        ["gain_bits", 5],
      ]),
      (key) => faults.push(key),
    );
    expect(faults).toEqual(["cell_bits"]);
    expect(recipe).toEqual(makeRecipe({ gain_bits: 5 }));
  });

  test("a hash tells recipes apart and does not depend on how they were given", () => {
    expect(hashRecipe(makeRecipe({ cell_bits: 16 }))).toBe(hashRecipe(makeRecipe()));
    expect(hashRecipe(makeRecipe({ cell_bits: 12 }))).not.toBe(hashRecipe(makeRecipe()));
  });
});

test("a recipe's identity is that of its departures from the defaults", () => {
  const named = Object.entries(RECIPE_FIELDS);
  expect(hashRecipe(makeRecipe(Object.fromEntries(named.map(([key, field]) => [key, field.default]))))).toBe(
    hashRecipe(makeRecipe()),
  );
  const hashes = ["weight_bits", "cell_bits", "tuning_steps"].map((key) =>
    hashRecipe(makeRecipe({ [key]: 5 })),
  );
  expect(new Set([...hashes, hashRecipe(makeRecipe())]).size).toBe(4);
});
