import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { fit as bring, maxOf, minOf, signed } from "../../src/fixed/format.ts";
import { decode } from "../../src/fixed/real.ts";
import { factorOf } from "../../src/fixed/scale.ts";
import { argmax } from "../../src/kernels/argmax/index.ts";
import type { Codes, Kernel } from "../../src/kernels/define.ts";
import { embedding } from "../../src/kernels/embedding/index.ts";
import { linear } from "../../src/kernels/linear/index.ts";
import { layerNormByDivision, layerNormByRoot } from "../../src/kernels/norm/index.ts";
import { quantizeNorm } from "../../src/kernels/norm/quantize.ts";
import { normBlocks } from "../../src/kernels/norm/real.ts";
import { uniform, uniformNorm } from "../../src/kernels/samples.ts";
import { affineGrid, Ranges } from "../../src/quant/grid.ts";
import type { Numerics } from "../../src/quant/numerics.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { expectSameInts } from "../support/ints.ts";
import { Bench, caseOf, compile, flat } from "./harness.ts";

/** What only one kernel has at its edges; what all of them have is in test/conformance. */

const plain = makeArch();

/** A kernel's sample by its name. */
function made(kernel: Kernel, name: string, arch = plain) {
  return caseOf(kernel.name, kernel.samples.find((sample) => sample.name === name)!, arch);
}

/** What machine and plain loops, which must agree, make of these codes. */
function both(one: ReturnType<typeof made>, codes: readonly Codes[]): number[] {
  const got = new Bench(compile(one), one.arch, 1).run([codes]).codes[0]!;
  expectSameInts(got, flat(one.q.exact(codes, one.arch.settings)), one.sample.name);
  return [...got];
}

test("an index outside the table is taken for the row at that end", () => {
  const one = made(embedding, "rows as stored");
  const rows = (...indices: number[]) => both(one, [indices.map((index) => Int32Array.of(index))]);
  expect(rows(-1, 6, 300)).toEqual(rows(0, 5, 5));
});

test("of equal codes the first is the largest", () => {
  const one = made(argmax, "9 codes of 2 bits");
  expect(both(one, [[Int32Array.of(-2, 0, 1, 0, 1, 1, -1, 1, 0)]])).toEqual([2]);
  expect(both(one, [[new Int32Array(9).fill(-2)]])).toEqual([0]);
});

// Not of MadNorm, whose mean is a code of its own: where it is a code off, every element is one deviation off.
test.each([layerNormByRoot, layerNormByDivision])(
  "$name of equal codes leaves the shifts alone",
  (kernel) => {
    const one = made(kernel, "7 elements, 3 vectors");
    const results = both(one, [[-128, 5, 127].map((code) => new Int32Array(7).fill(code))]);
    for (const row of [1, 2]) expect(results.slice(7 * row, 7 * row + 7)).toEqual(results.slice(0, 7));
    const [shifts] = one.sample.real([[new Float64Array(7)]]);
    for (const [i, shift] of shifts!.entries()) {
      expect(Math.abs(decode(results[i]!, one.q.output) - shift)).toBeLessThanOrEqual(one.q.output.scale);
    }
  },
);

describe("norms and the requantizer", () => {
  const N = 6;

  /** A norm's own integers, with ranges from a hundred rows. */
  function quantized(kind: "layer" | "mad", changes: Readonly<Record<string, unknown>>, n = N) {
    const rng = seedrandom(`edges: ${kind}`);
    const norm = uniformNorm(rng, kind, n);
    const ranges = new Ranges();
    const tap = (site: string, values: Float64Array) => ranges.observe(site, values);
    for (let i = 0; i < 100; i++) normBlocks(norm, uniform(rng, n), 1, tap);
    const numerics: Numerics = { recipe: makeRecipe(), arch: makeArch(changes).settings };
    const grid = (lo: number, hi: number) => affineGrid({ lo, hi }, 8, changes["requant.kind"] === "shift");
    return quantizeNorm(norm, grid(-1, 1), ranges, 1, grid(-4, 4), numerics);
  }

  test("the error of the deviation's scale is not left in the result", () => {
    for (const kind of ["shift", "multiplier"]) {
      const q = quantized("mad", { "requant.kind": kind }, 4);
      if (q.kind !== "mad") expect.fail("a MadNorm was asked for");
      // normalized = code * factor / (sum of absolutes * scale), and their mean is what is meant.
      expect(q.factor / factorOf(q.deviationScale)).toBeCloseTo(4 * 2 ** q.point, 3);
    }
  });

  test("a mean that no shift takes is refused, on a requantizer that has only shifts", () => {
    expect(() => quantized("mad", { "requant.kind": "shift" })).toThrow(InputError);
    expect(() => quantized("mad", { "requant.kind": "shift" })).toThrow("MadNorm of 6 codes");
  });
});

test("overflows are counted where a pass of the array leaves the accumulator's range", () => {
  const arch = makeArch({ "acc.bits": 14, "acc.overflow": "saturate", "mac.rows": 4 });
  const one = made(linear, "17 x 33, bias, 2 vectors", arch);
  const [{ rows, columns, codes: weights }] = one.q.matrices as [(typeof one.q.matrices)[number]];
  const format = signed(14);
  const counts = one.codes.slice(0, 5).map(([vectors]) => {
    let count = 0;
    for (const x of vectors!) {
      for (let row = 0; row < rows; row++) {
        let acc = 0;
        for (let i = 0; i < columns; i++) {
          acc += weights[row * columns + i]! * x[i]!;
          if (i % 4 !== 3 && i !== columns - 1) continue;
          if (acc < minOf(format) || acc > maxOf(format)) count++;
          acc = bring(acc, format, "saturate");
        }
      }
    }
    return count;
  });
  expect(Math.max(...counts)).toBeGreaterThan(0);
  expect(new Bench(compile(one), arch, 5).run(one.codes).overflows).toEqual(counts);
});
