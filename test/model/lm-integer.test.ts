import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ArchSpec, loadArch, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import type { NormParams } from "../../src/kernels/norm/real.ts";
import { modelBytes } from "../../src/model/job.ts";
import { runExact } from "../../src/model/lm/exact.ts";
import { score } from "../../src/model/lm/metrics.ts";
import { type Passage, passagesOf, textOf } from "../../src/model/lm/passages.ts";
import { observe } from "../../src/model/model.ts";
import { MODELS } from "../../src/model/table.ts";
import { makeRecipe, type Recipe } from "../../src/quant/recipe.ts";
import { loadRecipe } from "../../src/quant/recipe-file.ts";
import { execute } from "../../src/sweep/execute.ts";
import { legalize } from "../../src/sweep/legal.ts";
import { LM_WEIGHTS } from "./files.ts";

const text = textOf("test");
const calibration = passagesOf(textOf("validation"), 300, 1);

const lm = MODELS["lm-ln"];
const params = lm.load(LM_WEIGHTS);
const ranges = observe(lm, params, calibration);

function prepare(arch: ArchSpec, recipe: Partial<Recipe>) {
  const q = lm.quantize(params, ranges, { recipe: makeRecipe(recipe), arch: arch.settings });
  return { q, job: lm.compile(q, arch, [1]) };
}

const plain = makeArch();
const prepared = prepare(plain, {});
const run = (some: readonly Passage[], options = {}) =>
  execute(
    legalize(prepared.job, plain),
    some.map((passage) => lm.inputOf(prepared.q, passage)),
    options,
  );

/** A few words from the middle of the text. */
const excerpt = (from: number, count: number, lead = 0): Passage => ({
  ...{ name: "excerpt", lead },
  words: text.words.slice(from - lead, from + count + 1),
});

describe("the machine gives every logit that the plain loops give", () => {
  test("over a hundred words, from the start and from the middle of the text", () => {
    const passages = [excerpt(0, 50), excerpt(700, 60, 20)];
    // A word's loss depends on all of its 6,000 logits.
    for (const [i, { outputs }] of run(passages).entries())
      expect(outputs).toEqual(runExact(prepared.q, passages[i]!, plain.settings));
  });

  test.each([
    {
      name: "widths of their own for embedding and last layer, on edge8x8",
      arch: loadArch("arch/edge8x8.yaml"),
      recipe: {
        embedding_bits: 6,
        output_weight_bits: 7,
        weight_bits: 5,
        cell_bits: 11,
        norm_inverse: "division",
      },
    },
    { name: "4 bits", arch: plain, recipe: { embedding_bits: 4, output_weight_bits: 4, weight_bits: 4 } },
    {
      name: "accumulators that saturate",
      overflows: true,
      arch: makeArch({ "acc.bits": 14, "acc.overflow": "saturate" }),
      recipe: {},
    },
  ] as const)("$name", ({ arch, recipe, ...rest }) => {
    const { q, job } = prepare(arch, recipe);
    const passage = excerpt(500, 8);
    const [outcome] = execute(legalize(job, arch), [lm.inputOf(q, passage)]);
    expect(outcome!.outputs).toEqual(runExact(q, passage, arch.settings));
    expect(outcome!.overflows > 0).toBe("overflows" in rest);
  });

  test.each(readdirSync("recipes"))("under %s", (file) => {
    const { name, values, machine } = loadRecipe(`recipes/${file}`);
    const arch = overrideArch(plain, machine, name);
    const { q, job } = prepare(arch, values);
    const passage = excerpt(900, 8);
    const [outcome] = execute(legalize(job, arch), [lm.inputOf(q, passage)]);
    expect(outcome!.outputs).toEqual(runExact(q, passage, arch.settings));
    expect(outcome!.overflows).toBe(0);
  });

  test("with norms by the mean absolute deviation", () => {
    const mad = MODELS["lm-mad"];
    const own = mad.load(LM_WEIGHTS);
    const sites = observe(mad, own, calibration);
    const q = mad.quantize(own, sites, { recipe: makeRecipe(), arch: plain.settings });
    const passage = excerpt(500, 12);
    const [outcome] = execute(legalize(mad.compile(q, plain, [1]), plain), [mad.inputOf(q, passage)]);
    expect(outcome!.outputs).toEqual(mad.exact(q, passage, plain.settings));
    const { normX, normC } = q.layers[0]!.cell;
    const kinds: (NormParams["kind"] | string)[] = [normX!.kind, normC!.kind, mad.normOf(own)];
    expect(kinds).toEqual(["mad", "mad", "mad"]);
  });
});

describe("words that a passage is read in by", () => {
  test("are executed, and neither counted nor part of the result", () => {
    const [whole, passage] = run([excerpt(300, 40), excerpt(320, 20, 20)]);
    expect(passage!.outputs).toEqual(whole!.outputs.slice(40));
    expect(whole!.turns).toEqual([1, 40]);
    expect(passage!.turns).toEqual([0, 20]);
    expect(passage!.saturations).toBeLessThanOrEqual(whole!.saturations);
  });

  test("lanes change nothing", () => {
    const some = [excerpt(10, 5), excerpt(40, 12, 3), excerpt(90, 1, 9)];
    const all = run(some, { lanes: 64 });
    for (const lanes of [1, 2]) expect(run(some, { lanes })).toEqual(all);
  });
});

describe("embedding and last layer", () => {
  test("are one array where their widths are one", () => {
    const { embedding, output } = prepared.q;
    expect(embedding.codes).toBe(output.parts[0]!.weights.codes);
    const apart = prepare(plain, { embedding_bits: 8, output_weight_bits: 7 });
    expect(apart.q.embedding.codes).not.toBe(apart.q.output.parts[0]!.weights.codes);
    const difference = modelBytes(apart.job.image) - modelBytes(prepared.job.image);
    expect(difference).toBeGreaterThan((6000 * 200 * 7) / 8);
  });

  test("a code means the same real number in both", () => {
    const { embedding } = prepared.q;
    const { scale } = embedding.stored;
    for (let i = 0; i < embedding.codes.length; i += 97)
      expect(Math.abs(embedding.codes[i]! * scale - params.embedding.data[i]!)).toBeLessThanOrEqual(
        scale * 0.501,
      );
  });
});

test("8 bits cost less than 2 % of perplexity", () => {
  const passages = passagesOf(text, 1000, 1);
  const reference = passages.map((passage) => lm.reference(params, passage));
  const outputs = run(passages).map((outcome) => outcome.outputs);
  const integer = score(passages, outputs, reference);
  const float = score(passages, reference, reference);
  expect(Math.abs(integer.perplexity / float.perplexity - 1)).toBeLessThan(0.02);
  expect(integer.agreement).toBeGreaterThan(0.95);
});

test.each([
  [{ "table.bytes": 16_384 }, /table\.bytes/],
  [{ "activation.bytes": 16_384 }, /activation\.bytes.*logits/],
  [{ "weight.bytes": 2048 }, /weight\.bytes/],
])("a machine with %o is refused by the name of the memory", (changes, wording) => {
  const build = () => prepare(makeArch(changes), {});
  expect(build).toThrow(InputError);
  expect(build).toThrow(wording);
});
