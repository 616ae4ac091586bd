import { createHash } from "node:crypto";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { signed } from "../../src/fixed/format.ts";
import { exactSoftmax } from "../../src/kernels/softmax/exact.ts";
import { softmax } from "../../src/kernels/softmax/index.ts";
import { lowerSoftmax } from "../../src/kernels/softmax/lower.ts";
import { type QSoftmax, quantizeSoftmax } from "../../src/kernels/softmax/quantize.ts";
import { softmax as realSoftmax } from "../../src/kernels/softmax/real.ts";
import { fixedSoftmaxOf, polynomialSoftmaxOf, tableSoftmaxOf } from "../../src/kernels/softmax/reference.ts";
import { makeRecipe, type Recipe } from "../../src/quant/recipe.ts";
import { edges } from "../support/exact.ts";
import { draw } from "../support/machines.ts";
import { bothOf } from "./given.ts";
import { Bench, caseOf, compile, distanceOf, expectExact } from "./harness.ts";

const TFLITE = {
  ...{ "requant.rounding": "tflite-double", "requant.multiplierBits": 31 },
  ...{ "pwl.rounding": "half-up", "pwl.maxPieces": 512, "activation.bytes": 16_384 },
};
const tflite = makeArch(TFLITE, "tflite");

const run = (q: QSoftmax, rows: readonly (readonly number[])[]): number[] =>
  bothOf(
    {
      ...{ input: q.input, output: q.output },
      exact: (row) => exactSoftmax(q, row, tflite.settings),
      lower: (b, input, output) => lowerSoftmax(b, q, input, output),
    },
    rows,
    tflite,
  );

const EIGHT = { multiplier: 1507618560, leftShift: 21, diffMin: -992, outputBits: 8 };

describe("published softmaxes, from the references' own integers", () => {
  test("8 bits, as TensorFlow Lite gives them", () => {
    const row = [8, 21, -31, -8, -23, -12, 20, -29, 29];
    const want = [-96, -85, -114, -105, -112, -107, -86, -114, -77];
    expect(run(fixedSoftmaxOf(EIGHT), [row, row.toReversed()])).toEqual([...want, ...want.toReversed()]);
    const steep = { multiplier: 1530545024, leftShift: 22, diffMin: -496, outputBits: 8 };
    expect(run(fixedSoftmaxOf(steep), [[-33, -41, 17, -34, -1]])).toEqual([-112, -117, 20, -113, -62]);
  });

  test("16 bits, as TensorFlow Lite gives them", () => {
    const q = tableSoftmaxOf({ multiplier: 1258508233, shift: 3 }, tflite.settings);
    const row = [-3917, -3611, -3667, -893, -2743, 2709, 1489];
    expect(run(q, [row])).toEqual([185, 231, 222, 1613, 429, 21220, 8866]);
    const peaked = tableSoftmaxOf({ multiplier: 1159500106, shift: 2 }, tflite.settings);
    expect(run(peaked, [[32449, 7380, 20964, -8415, -5513]])).toEqual([32028, 9, 727, 2, 2]);
  });

  test("the two tables are the shipped ones, entry for entry", () => {
    const { exp, reciprocal } = tableSoftmaxOf({ multiplier: 2 ** 30, shift: 0 }, tflite.settings);
    const digest = (codes: Int32Array) =>
      createHash("sha256").update(codes.join(",")).digest("hex").slice(0, 16);
    expect([exp, reciprocal].map(({ bases }) => digest(bases))).toMatchInlineSnapshot(`
      [
        "08d4abc6fa9a3b56",
        "cc553bed831b3699",
      ]
    `);
    expect([exp.bases[0], exp.bases[511], reciprocal.bases[0], reciprocal.bases[511]]).toMatchInlineSnapshot(`
      [
        2,
        32133,
        32767,
        16400,
      ]
    `);
  });

  test("a difference below the smallest has no part in the sum", () => {
    const q = fixedSoftmaxOf({ ...EIGHT, diffMin: -100 });
    const far = run(q, [[100, 0, -100, -128]]);
    expect(far.slice(2)).toEqual([-128, -128]);
    expect(run(q, [[100, 0, -101, -128]])).toEqual(far);
  });

  test.each([
    { what: "8 bits", q: fixedSoftmaxOf(EIGHT), bits: 8 },
    { what: "8 bits to 16", q: fixedSoftmaxOf({ ...EIGHT, outputBits: 16 }), bits: 8 },
    { what: "16 bits", q: tableSoftmaxOf({ multiplier: 1258508233, shift: 3 }, tflite.settings), bits: 16 },
    {
      what: "polynomial",
      q: polynomialSoftmaxOf({ inputBits: 8, outputBits: 8, exp: { log2: 22, a: 900, b: 43, c: 870_000 } }),
      bits: 8,
    },
  ])("$what: rows at the ends of the format, equal, long and random ones", ({ q, bits }) => {
    const rng = seedrandom(`softmax: ${bits}`);
    const top = 2 ** (bits - 1);
    const ends = edges(bits).slice(0, 40);
    run(q, [[top - 1], [-top], [0]]);
    run(q, [ends, ends.toReversed(), ends.map(() => -top), ends.map((_, i) => (i % 2 ? top - 1 : -top))]);
    run(q, [Array.from({ length: 300 }, () => draw(rng, -top, top - 1))]);
  });
});

describe("softmaxes by recipe, on a machine of TensorFlow Lite's arithmetic", () => {
  const sample = (name: string) => softmax.samples.find((one) => one.name === name)!;

  test.each([
    { recipe: { softmax_method: "gemmlowp", score_bits: 8, alpha_bits: 8 }, rms: 0.5, most: 1.1 },
    { recipe: { softmax_method: "gemmlowp", score_bits: 10, alpha_bits: 6 }, rms: 0.5, most: 1.1 },
    { recipe: { softmax_method: "gemmlowp", score_bits: 16, alpha_bits: 16 }, rms: 3, most: 9 },
    { recipe: { softmax_method: "polynomial", score_bits: 14, alpha_bits: 8 }, rms: 1, most: 2.5 },
  ] as const)("$recipe", ({ recipe, rms, most }) => {
    for (const name of ["4 rows", "19 scores in ± 2"]) {
      const made = caseOf(softmax.name, sample(name), tflite, recipe);
      expectExact(new Bench(compile(made), tflite, 3).run(made.codes), made);
      const distance = distanceOf(made, 16);
      expect(distance.rms, name).toBeLessThanOrEqual(rms);
      expect(distance.most, name).toBeLessThanOrEqual(most);
    }
  });

  const quantize = (recipe: Partial<Recipe>, changes: Readonly<Record<string, unknown>>, scale = 0.03) =>
    quantizeSoftmax(
      { format: signed(recipe.score_bits ?? 8), scale, zero: 0 },
      { recipe: makeRecipe(recipe), arch: makeArch({ ...TFLITE, ...changes }).settings },
    );

  test.each([
    [{ "pwl.rounding": "half-even" }, /^pwl\.rounding: half-even: .*half-up/],
    [{ "pwl.maxPieces": 256 }, /^pwl\.maxPieces: 256: .*512/],
    [{ "pwl.slopeBits": 8 }, /^pwl\.slopeBits: 8: /],
  ])("16-bit scores on %o are refused by the machine's key", (changes, wording) => {
    const build = () => quantize({ softmax_method: "gemmlowp", score_bits: 16, alpha_bits: 16 }, changes);
    expect(build).toThrow(InputError);
    expect(build).toThrow(wording);
  });

  test("what a recipe's widths cannot have is refused", () => {
    const gemmlowp = { softmax_method: "gemmlowp", score_bits: 16, alpha_bits: 8 } as const;
    expect(() => quantize(gemmlowp, {})).toThrow(/^recipe: alpha_bits: 8: /);
    expect(() => quantize({ softmax_method: "polynomial" }, {}, 3)).toThrow(/steps of 3: /);
    expect(() => quantize({ softmax_method: "polynomial" }, {}, 1e-6)).toThrow(InputError);
  });

  test("a row too long for the shifts of its results is refused", () => {
    const q = quantize({ softmax_method: "gemmlowp" }, {});
    expect(() => run(q, [new Array<number>(8_192).fill(0)])).toThrow(
      "takes up to 8191: the sum of their exponentials has 32 bits",
    );
    // Half a code and a little for each of 511, less than half from there on.
    expect(run(q, [new Array<number>(511).fill(0)])[0]).toBe(-127);
    expect(run(q, [new Array<number>(512).fill(0)])[0]).toBe(-128);
    expect(run(q, [[100, ...new Array<number>(699).fill(-100)]])[0]).toBeGreaterThan(-100);
  });

  test("1 is what one score gets, or the code next to it", () => {
    for (const [recipe, least] of [
      [{ softmax_method: "gemmlowp" }, 127],
      [{ softmax_method: "polynomial" }, 127],
      [{ softmax_method: "gemmlowp", score_bits: 16, alpha_bits: 16 }, 32_760],
    ] as const) {
      expect(realSoftmax(Float64Array.of(0))).toEqual(Float64Array.of(1));
      expect(run(quantize(recipe, {}), [[5]])[0]).toBeGreaterThanOrEqual(least);
    }
  });
});
