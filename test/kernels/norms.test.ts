import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { exactNorm } from "../../src/kernels/norm/exact.ts";
import { lowerNorm } from "../../src/kernels/norm/lower.ts";
import { guardOf, type QNorm, quantizeNorm } from "../../src/kernels/norm/quantize.ts";
import type { NormParams } from "../../src/kernels/norm/real.ts";
import { newtonNormOf, rootNormOf } from "../../src/kernels/norm/reference.ts";
import { uniformNorm } from "../../src/kernels/samples.ts";
import { affineGrid, Ranges } from "../../src/quant/grid.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { exactDivide, exactDoublingHigh, exactRoundingDivide, exactTfliteDouble } from "../support/exact.ts";
import { draw } from "../support/machines.ts";
import { bothOf } from "./given.ts";

/** The published layer norms against their definitions in unbounded integers. */

const tflite = makeArch(
  {
    ...{ "requant.rounding": "tflite-double", "requant.multiplierBits": 31, "activation.bytes": 16_384 },
  },
  "tflite",
);
const pulp = makeArch({ "requant.rounding": "half-up", "activation.bytes": 16_384 }, "pulp");

const run = (q: QNorm, rows: readonly (readonly number[])[], arch = tflite): number[] =>
  bothOf(
    {
      ...{ input: q.input, output: q.output },
      exact: (row) => exactNorm(q, row, arch.settings),
      lower: (b, input, output) => lowerNorm(b, q, input, output),
    },
    rows,
    arch,
  );

const clamp = (x: bigint, bits: number): number => {
  const top = 1n << BigInt(bits - 1);
  return Number(x < -top ? -top : x >= top ? top - 1n : x);
};
const truncate = (a: bigint, b: bigint): bigint => exactDivide(a, b, "truncate");

/** The root's reciprocal by Newton's steps in Q3.28, as multiplier and TensorFlow Lite's shift. */
function inverseRoot(variance: bigint): readonly [multiplier: bigint, shift: number] {
  if (variance <= 1n) return [2n ** 31n - 1n, 0];
  let v = variance;
  let s = 11;
  for (; v >= 1n << 29n; s++) v /= 4n;
  const zeros = 32 - v.toString(2).length;
  const pairs = Math.floor((zeros - 1) / 2) - 1;
  s -= pairs;
  v <<= BigInt(2 * pairs);
  const half = exactRoundingDivide(v >> 1n, 1);
  const lift = (x: bigint, e: number): bigint => BigInt(clamp(x << BigInt(e), 32));
  let x = 1n << 28n;
  for (let step = 0; step < 5; step++) {
    const cube = lift(exactDoublingHigh(exactDoublingHigh(x, x), x), 6);
    x = lift(exactDoublingHigh(3n << 27n, x) - exactDoublingHigh(half, cube), 3);
  }
  x = exactDoublingHigh(x, 1518500250n);
  return s < 0 ? [x << BigInt(-s), 0] : [x, -s];
}

/** What TensorFlow Lite's LSTM makes of a row. */
function byNewton(row: readonly number[], p: Parameters<typeof newtonNormOf>[0]): number[] {
  const n = BigInt(row.length);
  const codes = row.map(BigInt);
  const mean = truncate(codes.reduce((a, b) => a + b, 0n) * 1024n, n);
  const squares = codes.reduce((total, code) => total + code * code, 0n);
  const variance = truncate(squares * ((1n << 20n) / n) - mean * mean, 1n << 20n);
  const [multiplier, shift] = inverseRoot(variance < 1n ? BigInt(guardOf(p.gainScale)) : variance);
  return codes.map((code, i) => {
    const r = exactTfliteDouble(1024n * code - mean, multiplier, 31 - shift);
    const u = r * BigInt(p.gains[i]!) + BigInt(p.biases[i]!);
    const dropped = truncate(u > 0n ? u + 512n : u - 512n, 1024n);
    return clamp(exactTfliteDouble(dropped, BigInt(p.multiplier), 31 - p.shift - 12), 16);
  });
}

describe("the layer norm of TensorFlow Lite's LSTM", () => {
  test.each([3, 4, 8, 17, 64])("%i elements: to the bit, at any spread and mean", (n) => {
    const rng = seedrandom(`newton: ${n}`);
    for (const spread of [0, 1, 5, 300, 32_000]) {
      const p = {
        ...{ groups: 1, multiplier: draw(rng, 2 ** 30, 2 ** 31 - 1), shift: draw(rng, -14, -11) },
        ...{
          gainScale: 1e-4 * (1 + 30 * rng()),
          gains: Int32Array.from({ length: n }, () => draw(rng, -32_768, 32_767)),
        },
        biases: Array.from({ length: n }, () => draw(rng, -(2 ** 22), 2 ** 22)),
      };
      const centre = draw(rng, -600, 600);
      const rows = Array.from({ length: 4 }, () =>
        Array.from({ length: n }, () =>
          Math.max(-32_768, Math.min(32_767, centre + draw(rng, -spread, spread))),
        ),
      );
      expect(run(newtonNormOf(p), rows)).toEqual(rows.flatMap((row) => byNewton(row, p)));
    }
  });

  test("its guard is ten thousand of a gain's LSBs, cut off, and at least 1", () => {
    expect([1e-6, 1.9e-4, 2e-4, 0.01].map(guardOf)).toEqual([1, 1, 2, 100]);
  });

  test("gates side by side are normalized each by itself", () => {
    const p = {
      ...{ groups: 2, multiplier: 1_500_000_000, shift: -12, gainScale: 3e-4 },
      ...{ gains: Int32Array.of(100, -20_000, 32_767, 5, 5, 5), biases: [1, 2, 3, 4, 5, 6] },
    };
    const half = (from: number) => ({
      ...{ ...p, groups: 1, gains: p.gains.slice(from, from + 3), biases: p.biases.slice(from, from + 3) },
    });
    const [a, b] = [
      [5, 900, -30],
      [-2, -3, 1000],
    ] as const;
    expect(run(newtonNormOf(p), [[...a, ...b]])).toEqual([...byNewton(a, half(0)), ...byNewton(b, half(3))]);
  });
});

describe("I-BERT's layer norm as PULP has it", () => {
  const root = (v: bigint): bigint => {
    let r = BigInt(Math.floor(Math.sqrt(Number(v))));
    while (r * r > v) r--;
    while ((r + 1n) * (r + 1n) <= v) r++;
    return r;
  };

  function byRoot(row: readonly number[], p: Parameters<typeof rootNormOf>[0]): number[] {
    const n = BigInt(row.length);
    const codes = row.map(BigInt);
    const mean = truncate(
      codes.reduce((a, b) => a + b, 0n),
      n,
    );
    const t = codes.map((code) => code - mean);
    const variance = t.reduce((total, d) => total + d * d, 0n) / n + 1n;
    return t.map((d, i) => {
      const scaled = truncate(d * BigInt(p.gains[i]!), root(variance)) + BigInt(p.biases[i]!);
      return clamp(exactDivide(scaled, 1n << BigInt(p.shift), "floor"), p.outputBits);
    });
  }

  test.each([
    { n: 5, inputBits: 8, gainBits: 8, shift: 3 },
    { n: 16, inputBits: 12, gainBits: 12, shift: 5 },
    { n: 33, inputBits: 16, gainBits: 10, shift: 2 },
  ])("$n elements of $inputBits bits: to the bit, on either machine", ({ n, inputBits, gainBits, shift }) => {
    const rng = seedrandom(`root: ${n}`);
    const top = 2 ** (inputBits - 1);
    const most = Math.min(2 ** (gainBits - 1) - 1, Math.floor(32_767 / Math.sqrt(n)));
    for (const spread of [0, 1, 20, top]) {
      const p = {
        ...{ inputBits, outputBits: 8, gainBits, shift },
        gains: Int32Array.from({ length: n }, () => draw(rng, -most, most)),
        biases: Array.from({ length: n }, () => draw(rng, -500, 500)),
      };
      const centre = draw(rng, -50, 50);
      const rows = Array.from({ length: 3 }, () =>
        Array.from({ length: n }, () =>
          Math.max(-top, Math.min(top - 1, centre + draw(rng, -spread, spread))),
        ),
      );
      const want = rows.flatMap((row) => byRoot(row, p));
      for (const arch of [tflite, pulp]) expect(run(rootNormOf(p, arch.settings), rows, arch)).toEqual(want);
    }
  });
});

describe("what a recipe cannot have", () => {
  const quantize = (norm: NormParams, recipe: Readonly<Record<string, unknown>>, bits = 8, out = 3) => {
    const grid = (limit: number, width: number) => affineGrid({ lo: -limit, hi: limit }, width, false);
    const numerics = { recipe: makeRecipe(recipe), arch: makeArch().settings };
    return quantizeNorm(norm, grid(1, bits), new Ranges(), 1, grid(out, 8), numerics);
  };
  const norm = uniformNorm(seedrandom("refused"), "layer", 6);

  test("gains that a step of the output leaves no bits for", () => {
    const build = () => quantize(norm, { norm_inverse: "root", gain_bits: 3 }, 8, 0.2);
    expect(build).toThrow(InputError);
    expect(build).toThrow(/^recipe: gain_bits: 3: norm_inverse root/);
  });

  test("widths whose products leave the vector unit", () => {
    expect(() => quantize(norm, { norm_inverse: "root", gain_bits: 16 }, 16)).toThrow(InputError);
    expect(quantize(norm, { norm_inverse: "root", gain_bits: 14 }, 16).kind).toBe("root");
    expect(quantize(norm, { norm_inverse: "newton", gain_bits: 16 }, 16).kind).toBe("newton");
  });
});

test("a gain whose product has no room in the vector unit is refused by the recipe's key, before any program is", () => {
  const rng = seedrandom("wide gains");
  const params = uniformNorm(rng, "layer", 4);
  const input = affineGrid({ lo: -1, hi: 1 }, 16, false);
  const arch = makeArch({ "vector.multiplierBits": 27 }).settings;
  const recipe = makeRecipe({ gain_bits: 16, norm_inverse: "newton" });
  const quantize = () => quantizeNorm(params, input, new Ranges(), 1, input, { recipe, arch });
  expect(quantize).toThrow(InputError);
  expect(quantize).toThrow(
    /^recipe: gain_bits: 16: 32 bits times a gain of 16, .* exceed the 64-bit product$/,
  );
});
