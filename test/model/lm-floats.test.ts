import { expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { passagesOf, textOf } from "../../src/model/lm/passages.ts";
import { observe } from "../../src/model/model.ts";
import { MODELS } from "../../src/model/table.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { LM_WEIGHTS } from "./files.ts";

const lm = MODELS["lm-ln"];
const params = lm.load(LM_WEIGHTS);
const ranges = observe(lm, params, passagesOf(textOf("validation"), 20, 1));

test.each([
  ["one", { embedding_bits: 8, output_weight_bits: 8 }],
  ["two", { embedding_bits: 6, output_weight_bits: 8 }],
])("in floats, embedding and last layer are %s where they are in integers", (count, recipe) => {
  const q = lm.quantize(params, ranges, { recipe: makeRecipe(recipe), arch: makeArch().settings });
  const { embedding, output } = lm.widen(q, 32);
  const [{ weights }] = output.parts as [(typeof output.parts)[number]];
  expect(weights.bits).toBe(32);
  expect(weights.codes).toHaveLength(weights.rows * weights.columns);
  expect(new Set([embedding.codes, weights.codes]).size).toBe(count === "one" ? 1 : 2);
  expect(embedding.stored.format.bits).toBe(32);
});
