import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { type ArchSpec, loadArch, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { observe } from "../../src/model/model.ts";
import { silero } from "../../src/model/silero/index.ts";
import { score } from "../../src/model/silero/metrics.ts";
import type { Recording } from "../../src/model/silero/recordings.ts";
import { locateWeights } from "../../src/model/silero/weights.ts";
import type { Ranges } from "../../src/quant/grid.ts";
import { makeRecipe, type Recipe } from "../../src/quant/recipe.ts";
import { loadRecipe } from "../../src/quant/recipe-file.ts";
import { execute } from "../../src/sweep/execute.ts";
import { legalize } from "../../src/sweep/legal.ts";
import { because, missing } from "./fetched.ts";

const FOLDER = "experiments/models/silero-vad";
const reason = missing(silero, FOLDER);

describe.skipIf(reason !== undefined)(because("silero-vad in integers", reason), () => {
  const all = silero.samples("sample", FOLDER);
  const calibration = silero.samples("calibration", FOLDER);
  let params: ReturnType<typeof silero.load>;
  let ranges: Ranges;
  // What is skipped is named all the same, so nothing is read before it runs.
  beforeAll(() => {
    params = silero.load(locateWeights(FOLDER));
    ranges = observe(silero, params, calibration);
  });
  const plain = makeArch();

  function prepare(arch: ArchSpec, recipe: Partial<Recipe>) {
    const numerics = { recipe: makeRecipe(recipe), arch: arch.settings };
    const level = recipe.equalization === "yes" ? silero.equalize!(params) : params;
    const own = level === params ? ranges : observe(silero, level, calibration);
    const q = silero.quantize(level, own, numerics);
    return { q, job: silero.compile(q, arch, [1]) };
  }

  /** A second where speech begins, of two recordings. */
  const excerpts: readonly Recording[] = all.slice(1, 3).map(({ name, audio, labels }) => ({
    name,
    audio: audio.subarray(28 * 512, 40 * 512),
    labels: labels.subarray(28, 40),
  }));

  const cases: readonly (readonly [string, ArchSpec, Partial<Recipe>])[] = [
    ...readdirSync("recipes").map((file) => {
      const { name, values, machine } = loadRecipe(`recipes/${file}`);
      return [file, overrideArch(plain, machine, name), values] as const;
    }),
    ["3-bit activations", plain, { activation_bits: 3 }],
    [
      "level ranges, corrected biases, remainders that are not folded",
      makeArch({ "requant.kind": "shift" }),
      { equalization: "yes", bias_correction: "yes", fold_scale: "no" },
    ],
    [
      "11-bit activations, 5-bit weights, 9-bit cells",
      plain,
      { activation_bits: 11, weight_bits: 5, cell_bits: 9 },
    ],
    ["4-bit weights on edge8x8", loadArch("arch/edge8x8.yaml"), { weight_bits: 4, output_weight_bits: 6 }],
    ["weights that are streamed", makeArch({ "weight.bytes": 65_536 }), {}],
    [
      "accumulators that saturate",
      makeArch({ "acc.bits": 14, "acc.overflow": "saturate" }),
      { weight_scale: "per-tensor" },
    ],
  ];

  test.each(cases)("the machine gives what the plain loops give: %s", (name, arch, recipe) => {
    const { q, job } = prepare(arch, recipe);
    const outcomes = execute(
      legalize(job, arch),
      excerpts.map((recording) => silero.inputOf(q, recording)),
    );
    for (const [i, { outputs, overflows }] of outcomes.entries()) {
      expect(outputs).toEqual(silero.exact(q, excerpts[i]!, arch.settings));
      expect(outputs).toHaveLength(12);
      expect(overflows > 0).toBe(name === "accumulators that saturate");
    }
  });

  const scoresOf = (recipe: Partial<Recipe>) => {
    const { q, job } = prepare(plain, recipe);
    const outcomes = execute(
      legalize(job, plain),
      all.map((recording) => silero.inputOf(q, recording)),
    );
    const outputs = outcomes.map((outcome) => outcome.outputs);
    const reference = all.map((recording) => silero.reference(params, recording));
    return { integer: score(all, outputs, reference), float: score(all, reference, reference) };
  };

  test("8 bits and 16 pieces cost less than 0.3 points of ROC-AUC", () => {
    const { integer, float } = scoresOf({ pwl_method: "optimal-rms" });
    expect(float.auc - integer.auc).toBeLessThan(0.003);
    expect(float.f1 - integer.f1).toBeLessThan(0.01);
    expect(integer.agreement).toBeGreaterThan(0.98);
  });

  test("one scale for a matrix costs a quarter of it: its outputs differ too much in range", () => {
    const { integer, float } = scoresOf({ pwl_method: "optimal-rms", weight_scale: "per-tensor" });
    expect(float.auc - integer.auc).toBeGreaterThan(0.2);
  });

  test("and less than a point where layers share their ranges", () => {
    const { integer, float } = scoresOf({
      ...{ pwl_method: "optimal-rms", weight_scale: "per-tensor" },
      equalization: "yes",
    });
    expect(float.auc - integer.auc).toBeLessThan(0.01);
    expect(integer.agreement).toBeGreaterThan(0.97);
  });

  test("3-bit weights hear speech only where biases take up what they add to the mean", () => {
    const recipe = { pwl_method: "optimal-rms", weight_bits: 3 } as const;
    const [plainly, corrected] = [scoresOf(recipe), scoresOf({ ...recipe, bias_correction: "yes" })];
    expect(plainly.integer.auc).toBeLessThan(0.6);
    expect(corrected.integer.auc).toBeGreaterThan(0.9);
  });

  test("a ReLU is the bottom of its output's grid", () => {
    for (const { layer } of prepare(plain, {}).q.convs)
      expect(layer.output.zero).toBe(-(2 ** (layer.output.format.bits - 1)));
  });

  test.each([
    [{ "table.bytes": 4096 }, /table\.bytes/],
    [{ "activation.bytes": 1024 }, /activation\.bytes.*conv\.0/],
    [{ "weight.bytes": 2048 }, /weight\.bytes/],
  ])("a machine with %o is refused by the name of the memory", (changes, wording) => {
    const build = () => prepare(makeArch(changes), {});
    expect(build).toThrow(InputError);
    expect(build).toThrow(wording);
  });
});
