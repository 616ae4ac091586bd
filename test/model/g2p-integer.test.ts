import { describe, expect, test } from "vitest";
import { type ArchSpec, loadArch, makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { runExact } from "../../src/model/g2p/exact.ts";
import { compileG2p } from "../../src/model/g2p/lower.ts";
import { score } from "../../src/model/g2p/metrics.ts";
import { quantizeG2p } from "../../src/model/g2p/quantize.ts";
import { runReal } from "../../src/model/g2p/real.ts";
import { loadG2p } from "../../src/model/g2p/weights.ts";
import { loadWords, type Word } from "../../src/model/g2p/words.ts";
import { observe } from "../../src/model/model.ts";
import { MODELS } from "../../src/model/table.ts";
import { makeRecipe, type Recipe } from "../../src/quant/recipe.ts";
import { execute, type Outcome } from "../../src/sweep/execute.ts";
import { legalize } from "../../src/sweep/legal.ts";
import { G2P_WEIGHTS } from "./files.ts";

const { g2p } = MODELS;

const model = loadG2p(G2P_WEIGHTS);
const { test: words, validation } = loadWords();
const ranges = observe(g2p, model, validation.slice(0, 100));

const inputsOf = (some: readonly Word[]) => some.map((word) => g2p.inputOf(prepared.q, word));
const lengthsOf = (some: readonly Word[]) => [...new Set(some.map(({ letters }) => letters.length))];

/** Words of 2, 3, … letters, one of each. */
const ofEachLength = Array.from(
  { length: 12 },
  (_, i) => words.find(({ letters }) => letters.length === i + 2)!,
);

/** The model in integers, ready to run on a machine. */
function prepare(arch: ArchSpec, recipe: Partial<Recipe>, some: readonly Word[]) {
  const q = quantizeG2p(model, ranges, { recipe: makeRecipe(recipe), arch: arch.settings });
  return { q, job: compileG2p(q, arch, lengthsOf(some)) };
}

const plain = makeArch();
const prepared = prepare(plain, {}, words.slice(0, 200));

/** Narrow where it is rarely narrow, other choices where there are any. */
const ODD: Partial<Recipe> = {
  ...{ weight_bits: 5, weight_scale: "per-tensor", embedding_bits: 6, output_weight_bits: 7 },
  ...{ product_bits: 10, norm_bits: 9, gain_bits: 6, cell_bits: 11, normalized_bits: 12 },
  ...{ norm_inverse: "division", pwl_pieces: 9, pwl_method: "uniform" },
};
const COARSE: Partial<Recipe> = {
  ...{ activation_bits: 6, context_bits: 7, score_bits: 10, exp_bits: 9, alpha_bits: 5 },
  ...{ scales: "power-of-two", rsqrt_pieces: 7, weight_bits: 4 },
};

describe("the machine speaks as the integers do", () => {
  test.each([
    { name: "default", arch: plain, recipe: {} },
    { name: "odd recipe, weights streamed", arch: loadArch("arch/edge8x8.yaml"), recipe: ODD },
    {
      name: "coarse recipe, accumulators that overflow",
      arch: makeArch({ "acc.bits": 16, "acc.overflow": "saturate", "requant.rounding": "half-even" }),
      recipe: COARSE,
      overflows: true,
    },
  ])("$name", ({ arch, recipe, overflows = false }) => {
    const { q, job } = prepare(arch, recipe, ofEachLength);
    const outcomes = execute(legalize(job, arch), inputsOf(ofEachLength), { lanes: 1 });
    for (const [i, { spelling, letters }] of ofEachLength.entries()) {
      const { phones, logits } = runExact(q, letters, arch.settings);
      expect(outcomes[i]!.outputs, spelling).toEqual(phones);
      expect(outcomes[i]!.turns, spelling).toEqual([1, logits.length]);
    }
    expect(outcomes.some((outcome) => outcome.overflows > 0)).toBe(overflows);
  });

  test("on the plain kernels too", () => {
    const some = inputsOf(words.slice(0, 3));
    const run = (backend: "simd" | "twin") =>
      execute(legalize(prepared.job, plain), some, { backend, lanes: 3 });
    expect(run("twin")).toEqual(run("simd"));
  });
});

describe("execution in lanes", () => {
  const some = words.slice(0, 40);

  test("how many run at once changes nothing, and saturations are counted for each input by itself", () => {
    const run = (lanes: number): Outcome[] =>
      execute(legalize(prepared.job, plain), inputsOf(some), { lanes });
    const all = run(64);
    expect(all.some(({ saturations }) => saturations > 0)).toBe(true);
    expect(run(16)).toEqual(all);
    expect(run(5)).toEqual(all);
  });

  test("the order of the inputs changes nothing", () => {
    const run = (inputs: readonly Word[]) => execute(legalize(prepared.job, plain), inputsOf(inputs));
    expect(run(some.toReversed()).reverse()).toEqual(run(some));
  });

  test("progress is told to the last input", () => {
    const told: number[] = [];
    execute(legalize(prepared.job, plain), inputsOf(some), {
      lanes: 16,
      onProgress: (done) => told.push(done),
    });
    expect(told.at(-1)).toBe(some.length);
    expect(told.toSorted((a, b) => a - b)).toEqual(told);
  });

  test("nothing in, nothing out", () => {
    expect(execute(legalize(prepared.job, plain), [])).toEqual([]);
  });
});

test("8 bits cost less than a point of the phone error rate", () => {
  const some = words.slice(0, 200);
  const outcomes = execute(legalize(prepared.job, plain), inputsOf(some));
  const integer = score(
    outcomes.map(({ outputs }) => outputs),
    some,
  );
  const float = score(
    some.map(({ letters }) => runReal(model, letters).phones),
    some,
  );
  expect(Math.abs(integer.per - float.per)).toBeLessThan(0.01);
});

describe("machines that the model does not fit", () => {
  test.each([
    [{ "table.bytes": 1024 }, /table\.bytes/],
    [{ "activation.bytes": 4096 }, /activation\.bytes/],
    [{ "weight.bytes": 1024 }, /weight\.bytes/],
  ])("%o is refused by the name of the memory", (changes, wording) => {
    const build = () => prepare(makeArch(changes), {}, ofEachLength.slice(0, 2));
    expect(build).toThrow(InputError);
    expect(build).toThrow(wording);
  });
});
