import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ArchSpec, loadArch, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { lmOf } from "../../src/model/lm/index.ts";
import { score } from "../../src/model/lm/metrics.ts";
import { type Passage, passagesOf, textOf } from "../../src/model/lm/passages.ts";
import { observe } from "../../src/model/model.ts";
import { makeRecipe, type Recipe } from "../../src/quant/recipe.ts";
import { loadRecipe } from "../../src/quant/recipe-file.ts";
import { execute } from "../../src/sweep/execute.ts";
import { legalize } from "../../src/sweep/legal.ts";
import { drawnWeights } from "./drawn-lm.ts";

const lm = lmOf("lm-mogrifier");
const params = lm.load(drawnWeights("lm-mogrifier"));
const ranges = observe(lm, params, passagesOf(textOf("validation"), 300, 1));
const text = textOf("test");
const plain = makeArch();

const excerpt = (from: number, count: number, lead = 0): Passage => ({
  ...{ name: "excerpt", lead },
  words: text.words.slice(from - lead, from + count + 1),
});

const quantized = (arch: ArchSpec, recipe: Partial<Recipe>) =>
  lm.quantize(params, ranges, { recipe: makeRecipe(recipe), arch: arch.settings });

/** The outputs of machine and plain loops. */
function bothOf(arch: ArchSpec, recipe: Partial<Recipe>, passages: readonly Passage[]) {
  const q = quantized(arch, recipe);
  const inputs = passages.map((passage) => lm.inputOf(q, passage));
  const outcomes = execute(legalize(lm.compile(q, arch, [1]), arch), inputs);
  return {
    machine: outcomes.map(({ outputs }) => outputs),
    loops: passages.map((passage) => lm.exact(q, passage, arch.settings)),
  };
}

describe("the machine gives every logit that the plain loops give", () => {
  const cases: readonly (readonly [string, ArchSpec, Partial<Recipe>])[] = [
    ["by default", plain, {}],
    [
      "with narrow weights on edge8x8",
      // Widths of their own leave the last layer a scale for each word.
      overrideArch(loadArch("arch/edge8x8.yaml"), { "table.bytes": 131_072 }, "here"),
      { weight_bits: 5, embedding_bits: 6, output_weight_bits: 7, cell_bits: 11, product_bits: 9 },
    ],
    ["without a path from requantizer to PWL unit", makeArch({ "pwl.chained": "no" }), {}],
    ...readdirSync("recipes").map((file) => {
      const { name, values, machine } = loadRecipe(`recipes/${file}`);
      return [`under ${file}`, overrideArch(plain, machine, name), values] as const;
    }),
  ];

  test.each(cases)("%s", (_, arch, recipe) => {
    const { machine, loops } = bothOf(arch, recipe, [excerpt(0, 6), excerpt(500, 4, 3)]);
    expect(machine).toEqual(loops);
  });
});

test("8 bits cost less than 2 % of perplexity", () => {
  const q = quantized(plain, {});
  const passages = passagesOf(text, 500, 1);
  const reference = passages.map((passage) => lm.reference(params, passage));
  const job = legalize(lm.compile(q, plain, [1]), plain);
  const outputs = execute(
    job,
    passages.map((passage) => lm.inputOf(q, passage)),
  ).map((outcome) => outcome.outputs);
  const integer = score(passages, outputs, reference);
  const float = score(passages, reference, reference);
  expect(Math.abs(integer.perplexity / float.perplexity - 1)).toBeLessThan(0.02);
  expect(integer.agreement).toBeGreaterThan(0.9);
});

describe("layers", () => {
  test("each reads the grid of what comes before it, and its cell that of what the rounds have left", () => {
    const { embedding, layers, output } = quantized(plain, {});
    const [first, second] = layers;
    expect(first!.mogrifier.rounds[0]!.gated.a).toEqual(embedding.output);
    expect(second!.mogrifier.rounds[0]!.gated.a).toEqual(first!.cell.hidden);
    for (const { mogrifier, cell } of layers) {
      expect(cell.productX.parts[0]!.input).toEqual(mogrifier.output.x);
      expect(cell.productH.parts[0]!.input).toEqual(mogrifier.output.h);
      expect(mogrifier.rounds[1]!.gated.a).toEqual(cell.hidden);
    }
    expect(output.parts[0]!.input).toEqual(second!.cell.hidden);
  });

  test("a site for every matrix, under its layer's name", () => {
    const q = quantized(plain, {});
    const names = lm.sites(q, 1).map(({ name }) => name);
    const layer = (name: string) => [
      ...[`${name}.h`, `${name}.x`],
      ...[1, 2, 3, 4, 5, 6].flatMap((k) => [`${name}.mogrifier.${k}.down`, `${name}.mogrifier.${k}.up`]),
    ];
    expect(names).toEqual([...layer("cell.0"), ...layer("cell.1"), "output"]);
  });

  test("in floats all matrices stay apart", () => {
    const { layers } = lm.widen(quantized(plain, {}), 32);
    const codes = layers.flatMap(({ mogrifier, cell }) =>
      [cell.productX, cell.productH, ...mogrifier.rounds.flatMap(({ down, up }) => [down, up])].map(
        ({ parts }) => parts[0]!.weights.codes,
      ),
    );
    expect(new Set(codes).size).toBe(28);
  });
});
