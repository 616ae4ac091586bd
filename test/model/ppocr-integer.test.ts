import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { type ArchSpec, loadArch, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { observe } from "../../src/model/model.ts";
import type { Seen } from "../../src/model/ppocr/features.ts";
import { ppocr } from "../../src/model/ppocr/index.ts";
import { framesOf } from "../../src/model/ppocr/picture.ts";
import { CHANNELS, neckInput } from "../../src/model/ppocr/recognizer.ts";
import type { Ranges } from "../../src/quant/grid.ts";
import { makeRecipe, type Recipe } from "../../src/quant/recipe.ts";
import { loadRecipe } from "../../src/quant/recipe-file.ts";
import { execute } from "../../src/sweep/execute.ts";
import { legalize } from "../../src/sweep/legal.ts";
import { because, missing } from "./fetched.ts";

const FOLDER = "experiments/models/ppocr";
const reason = missing(ppocr, FOLDER);

/** Frames [from, from + count) of a line, as if it were no longer. */
function excerpt(line: Seen, from: number, count: number): Seen {
  const frames = framesOf(line);
  const features = Float32Array.from({ length: CHANNELS * count }, (_, i) => {
    const t = i % count;
    return line.features[((i - t) / count) * frames + from + t]!;
  });
  return { ...line, width: 6 * count, text: "?", features };
}

describe.skipIf(reason !== undefined)(because("ppocr in integers", reason), () => {
  const all = ppocr.samples("sample", FOLDER);
  const excerpts = [excerpt(all[0]!, 3, 6), excerpt(all[3]!, 40, 6), excerpt(all[3]!, 2, 3)];
  let params: ReturnType<typeof ppocr.load>;
  let ranges: Ranges;
  // What is skipped is named all the same, so nothing is read before it runs.
  beforeAll(() => {
    params = ppocr.load(ppocr.locate!(FOLDER));
    ranges = observe(ppocr, params, ppocr.samples("calibration", FOLDER));
  }, 60_000);
  /** Room for the activations of a whole line. */
  const plain = makeArch({ "activation.bytes": 2 ** 20 });

  function prepare(arch: ArchSpec, recipe: Partial<Recipe>, lines: readonly Seen[]) {
    const q = ppocr.quantize(params, ranges, { recipe: makeRecipe(recipe), arch: arch.settings });
    const inputs = lines.map((line) => ppocr.inputOf(q, line));
    const sizes = [...new Set(inputs.map(({ size }) => size))];
    return { q, inputs, job: legalize(ppocr.compile(q, arch, sizes), arch) };
  }

  const cases: readonly (readonly [string, ArchSpec, Partial<Recipe>])[] = [
    ...readdirSync("recipes").map((file) => {
      const { name, values, machine } = loadRecipe(`recipes/${file}`);
      return [file, overrideArch(plain, machine, name), values] as const;
    }),
    ["3-bit activations", plain, { activation_bits: 3 }],
    ["11-bit activations, 5-bit weights", plain, { activation_bits: 11, weight_bits: 5 }],
    ["7-bit activations, 5-bit contexts", plain, { activation_bits: 7, context_bits: 5 }],
    [
      "4-bit weights on edge8x8",
      overrideArch(loadArch("arch/edge8x8.yaml"), { "activation.bytes": 2 ** 20 }, "test"),
      { weight_bits: 4, output_weight_bits: 6 },
    ],
    ["weights that are streamed", overrideArch(plain, { "weight.bytes": 65_536 }, "test"), {}],
    [
      "accumulators that saturate",
      overrideArch(plain, { "acc.bits": 14, "acc.overflow": "saturate" }, "test"),
      {},
    ],
  ];

  test.each(cases)("the machine gives what the plain loops give: %s", (name, arch, recipe) => {
    const { q, inputs, job } = prepare(arch, recipe, excerpts);
    // All scores, of which a host keeps the best.
    const outcomes = execute(
      job,
      inputs.map(({ size, codes }) => ({ size, codes })),
    );
    for (const [i, { outputs, overflows }] of outcomes.entries()) {
      const line = excerpts[i]!;
      const size = framesOf(line);
      const frames = { size, frames: [Object.fromEntries(neckInput(line.features, size))] };
      expect(params.network.inputOf(q, frames).keep!(outputs, 1)).toEqual(
        params.network.exact(q, frames, arch.settings),
      );
      expect(outputs).toHaveLength(96 * size);
      expect(new Set(outputs).size).toBeGreaterThan(20);
      expect(overflows > 0).toBe(name === "accumulators that saturate");
    }
  });

  const scoresOf = (recipe: Partial<Recipe>) => {
    const { inputs, job } = prepare(plain, recipe, all);
    const outputs = execute(job, inputs).map((outcome) => outcome.outputs);
    return ppocr.score(all, outputs, reference());
  };
  let known: (readonly number[])[] | undefined;
  const reference = () => {
    known ??= all.map((line) => ppocr.reference(params, line));
    return known;
  };

  test("8 bits and 16 pieces read 98.5 frames of 100 as the float model does, and four characters of 879 fewer", () => {
    const float = ppocr.score(all, reference(), reference());
    expect(float).toEqual({ cer: 7 / 879, agreement: 1 });
    const integer = scoresOf({ pwl_method: "optimal-rms" });
    expect(integer["agreement"]).toBeGreaterThan(0.985);
    expect(integer["cer"]! - float["cer"]!).toBeLessThan(5 / 879);
  }, 60_000);

  test("the best characters are what the host keeps of either", () => {
    const { q, inputs, job } = prepare(plain, { pwl_method: "optimal-rms" }, excerpts);
    const outcomes = execute(job, inputs);
    for (const [i, { outputs }] of outcomes.entries()) {
      expect(outputs).toEqual(ppocr.exact(q, excerpts[i]!, plain.settings));
      expect(outputs).toHaveLength(framesOf(excerpts[i]!));
    }
    expect(ppocr.textOf(outcomes[0]!.outputs)).toMatch(/^[a-z ]+$/);
  });

  test("a line's frames each have a score for every character, and a model of floats the same programs", () => {
    const { q } = prepare(plain, {}, excerpts);
    const wide = ppocr.widen(q, 32);
    const job = ppocr.compile(wide, overrideArch(plain, { "activation.bytes": 2 ** 22 }, "test"), [6]);
    expect([...job.stages.keys()]).toEqual([6]);
    expect(ppocr.sites(wide, 6).map(({ name }) => name)).toEqual(ppocr.sites(q, 6).map(({ name }) => name));
  });

  test.each([
    [{ "table.bytes": 4096 }, /table\.bytes/],
    [{ "activation.bytes": 8192 }, /activation\.bytes.*the values of the network/],
    [{ "weight.bytes": 2048 }, /weight\.bytes/],
  ])("a machine with %o is refused by the name of the memory", (changes, wording) => {
    const build = () => prepare(overrideArch(plain, changes, "test"), {}, excerpts);
    expect(build).toThrow(InputError);
    expect(build).toThrow(wording);
  });
});
