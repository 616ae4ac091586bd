import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { signed } from "../../src/fixed/format.ts";
import { decode, encodeAll, type Grid } from "../../src/fixed/real.ts";
import { factorOf } from "../../src/fixed/scale.ts";
import { exactConv } from "../../src/kernels/conv/exact.ts";
import { quantizeConv } from "../../src/kernels/conv/quantize.ts";
import { convolve } from "../../src/kernels/conv/real.ts";
import { sequenceShape } from "../../src/kernels/conv/shape.ts";
import { exactLinear } from "../../src/kernels/linear/exact.ts";
import {
  columnsOf,
  keepCodes,
  type QLinear,
  quantizeLinear,
  withMeans,
} from "../../src/kernels/linear/quantize.ts";
import { uniform, uniformMatrix } from "../../src/kernels/samples.ts";
import type { Matrix } from "../../src/kernels/tensors.ts";
import { affineGrid, Ranges } from "../../src/quant/grid.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";

const ROWS = 6;
const COLUMNS = 5;

function layerOf(seed: string, recipe: Readonly<Record<string, unknown>> = {}, kind = "multiplier") {
  const rng = seedrandom(seed);
  const numerics = { recipe: makeRecipe(recipe), arch: makeArch({ "requant.kind": kind }).settings };
  const weight = uniformMatrix(rng, ROWS, COLUMNS);
  const grid = affineGrid({ lo: -0.3, hi: 1.1 }, 8, kind !== "multiplier");
  const bias = uniform(rng, ROWS);
  const output = affineGrid({ lo: -4, hi: 3 }, 8, kind !== "multiplier");
  const q = quantizeLinear([{ weight, grid }], bias, output, numerics.recipe.weight_bits, numerics);
  return { q, weight, grid, bias, output, rng, arch: numerics.arch };
}

const scaleOf = ({ scales }: QLinear, row: number) => scales[scales.length === 1 ? 0 : row]!;

/** Real value of an accumulator LSB. */
const stepOf = (q: QLinear, row: number): number => factorOf(scaleOf(q, row)) * q.output.scale;

describe.each([
  { name: "per channel", recipe: {}, kind: "multiplier" },
  { name: "per tensor", recipe: { weight_scale: "per-tensor" }, kind: "multiplier" },
  { name: "4 bits", recipe: { weight_bits: 4 }, kind: "multiplier" },
  { name: "by one shift", recipe: {}, kind: "shift" },
  { name: "by two shifts", recipe: {}, kind: "two-shift" },
])("an integer layer, $name", ({ name, recipe, kind }) => {
  const { q, weight, grid, bias, output, rng, arch } = layerOf(name, recipe, kind);
  const [{ weights }] = q.parts as [QLinear["parts"][number]];
  const limit = 2 ** (weights.bits - 1) - 1;

  test("weights are off by half a code at most, symmetric, and one of them is large", () => {
    for (let row = 0; row < ROWS; row++) {
      for (let c = 0; c < COLUMNS; c++) {
        const code = weights.codes[row * COLUMNS + c]!;
        const scale = stepOf(q, row) / grid.scale;
        expect(Math.abs(code)).toBeLessThanOrEqual(limit);
        expect(Math.abs(code * scale - weight.data[row * COLUMNS + c]!)).toBeLessThanOrEqual(0.501 * scale);
      }
    }
    expect(Math.max(...weights.codes.map(Math.abs))).toBeGreaterThanOrEqual(limit / 2 - 1);
  });

  test("no error of the requantizer's scale is left: a result is the nearest code to the integers' own real value", () => {
    for (let turn = 0; turn < 50; turn++) {
      const x = Int32Array.from(uniform(rng, COLUMNS, 127), Math.trunc);
      const got = exactLinear(q, [x], arch);
      for (let row = 0; row < ROWS; row++) {
        const step = stepOf(q, row);
        const folded =
          q.bias[row]! + x.reduce((sum, code, c) => sum + code * weights.codes[row * COLUMNS + c]!, 0);
        const code = Math.max(-128, Math.min(127, folded * factorOf(scaleOf(q, row)) + output.zero));
        expect(Math.abs(got[row]! - code)).toBeLessThanOrEqual(0.5);
        const real = x.reduce(
          (sum, c, i) => sum + weights.codes[row * COLUMNS + i]! * (step / grid.scale) * decode(c, grid),
          Math.round(bias[row]! / step) * step,
        );
        expect(folded * step).toBeCloseTo(real, 9);
      }
    }
  });
});

describe.each(["multiplier", "two-shift", "shift"])("nothing folded, requant.kind %s", (kind) => {
  const { q, weight, grid, output, bias, rng, arch } = layerOf("unfolded", { fold_scale: "no" }, kind);
  const [{ weights }] = q.parts as [QLinear["parts"][number]];
  const ownScale = (row: number) =>
    Math.max(...weight.data.subarray(row * COLUMNS, (row + 1) * COLUMNS).map(Math.abs)) / 127;

  test("the largest weight of a row has the largest code, whatever the requantizer can do", () => {
    for (const [i, code] of weights.codes.entries()) {
      const row = Math.floor(i / COLUMNS);
      expect(Math.abs(code - weight.data[i]! / ownScale(row))).toBeLessThanOrEqual(0.5 + 1e-9);
    }
    for (let row = 0; row < ROWS; row++)
      expect(Math.max(...weights.codes.subarray(row * COLUMNS, (row + 1) * COLUMNS).map(Math.abs))).toBe(127);
  });

  test("a result is the real sum times what the nearest scale makes of it", () => {
    for (let turn = 0; turn < 20; turn++) {
      const x = Int32Array.from(uniform(rng, COLUMNS, 127), Math.trunc);
      const got = exactLinear(q, [x], arch);
      for (let row = 0; row < ROWS; row++) {
        const real = x.reduce(
          (sum, code, c) => sum + weight.data[row * COLUMNS + c]! * decode(code, grid),
          bias[row]!,
        );
        const error = stepOf(q, row) / (ownScale(row) * grid.scale);
        const wanted = Math.max(-128, Math.min(127, (real * error) / output.scale + output.zero));
        // Half a code of the result, and of every weight half a code of its own.
        const rounded = x.reduce((sum, code) => sum + Math.abs(code - grid.zero), 1) * 0.5 * stepOf(q, row);
        expect(Math.abs(got[row]! - wanted)).toBeLessThanOrEqual(0.5 + rounded / output.scale);
      }
    }
  });
});

test("concatenated inputs share one accumulator: each weight has the scale that its input's grid leaves it", () => {
  const { weight, arch } = layerOf("parts");
  const grids = [affineGrid({ lo: -1, hi: 1 }, 8, false), affineGrid({ lo: 0, hi: 4 }, 8, false)];
  const inputs = [
    { weight: columnsOf(weight, 0, 2), grid: grids[0]! },
    { weight: columnsOf(weight, 2, COLUMNS), grid: grids[1]! },
  ];
  const output = affineGrid({ lo: -8, hi: 8 }, 8, false);
  const q = quantizeLinear(inputs, undefined, output, 8, { recipe: makeRecipe(), arch });
  for (const [p, { weights, input }] of q.parts.entries()) {
    for (const [i, code] of weights.codes.entries()) {
      const scale = stepOf(q, Math.floor(i / weights.columns)) / input.scale;
      expect(Math.abs(code * scale - inputs[p]!.weight.data[i]!)).toBeLessThanOrEqual(0.501 * scale);
    }
  }
});

describe("bias correction", () => {
  const grids = [affineGrid({ lo: -0.5, hi: 1 }, 8, true), affineGrid({ lo: 0, hi: 4 }, 8, true)];

  /** Mean real results of a layer of two inputs, by its integers and by its weights. */
  function means(recipe: Readonly<Record<string, unknown>>, kind: string) {
    const rng = seedrandom(`corrected ${kind}`);
    const weight = uniformMatrix(rng, ROWS, COLUMNS);
    const bias = uniform(rng, ROWS);
    const mean = uniform(rng, COLUMNS);
    const numerics = {
      recipe: makeRecipe({ weight_bits: 4, ...recipe }),
      arch: makeArch({ "requant.kind": kind }).settings,
    };
    const inputs = [
      { weight: columnsOf(weight, 0, 2), grid: grids[0]! },
      { weight: columnsOf(weight, 2, COLUMNS), grid: grids[1]! },
    ];
    const q = quantizeLinear(
      withMeans(inputs, mean),
      bias,
      affineGrid({ lo: -4, hi: 3 }, 8, true),
      4,
      numerics,
    );
    return Array.from({ length: ROWS }, (_, row) => {
      const sum = q.parts.reduce((all, { weights, input }, i) => {
        const from = i === 0 ? 0 : 2;
        const own = weights.codes.subarray(row * weights.columns, (row + 1) * weights.columns);
        return own.reduce((part, code, c) => part + code * (mean[from + c]! / input.scale + input.zero), all);
      }, q.bias[row]!);
      const wanted = mean.reduce((all, m, c) => all + m * weight.data[row * COLUMNS + c]!, bias[row]!);
      return { got: sum * stepOf(q, row), wanted, step: stepOf(q, row) };
    });
  }

  const cases = ["multiplier", "shift"].flatMap((kind) =>
    ["yes", "no"].flatMap((fold_scale) =>
      ["per-channel", "per-tensor"].map((weight_scale) => ({ kind, fold_scale, weight_scale })),
    ),
  );

  test.each(cases)("$kind, folded: $fold_scale, $weight_scale: no mean result is off", (given) => {
    const { kind, ...recipe } = given;
    for (const { got, wanted, step } of means({ ...recipe, bias_correction: "yes" }, kind))
      expect(Math.abs(got - wanted)).toBeLessThanOrEqual(0.501 * step);
    const uncorrected = means(recipe, kind).map(({ got, wanted, step }) => Math.abs(got - wanted) / step);
    expect(Math.max(...uncorrected)).toBeGreaterThan(0.6);
  });

  test("what calibration has not averaged stays as it is", () => {
    const { weight, grid, bias, output, arch } = layerOf("unseen");
    const [yes, no] = ["yes", "no"].map((bias_correction) =>
      quantizeLinear([{ weight, grid }], bias, output, 4, { recipe: makeRecipe({ bias_correction }), arch }),
    );
    expect(yes).toEqual(no);
  });
});

test("a convolution's mean is of all that its kernel sees, padding too", () => {
  const shape = sequenceShape(4, 2, 3, { stride: 2, left: 1 });
  const weight = uniformMatrix(seedrandom("conv"), 3, 6);
  const pixels = [1, 2, 3, 4].map((x) => Float64Array.of(x, -2 * x));
  const ranges = new Ranges();
  const real = convolve({ shape, weight }, pixels, (...shown) => ranges.observe(...shown));
  // Windows at pixels -1 … 1 and 1 … 3.
  const mean = ranges.meanOf("input")!;
  expect([...mean]).toEqual([1, -2, 2, -4, 3, -6]);
  const grid: Grid = { format: signed(8), scale: 0.5, zero: 3 };
  const output = affineGrid({ lo: -9, hi: 9 }, 16, false);
  const numerics = { recipe: makeRecipe({ bias_correction: "yes" }), arch: makeArch().settings };
  const missBy = (seen: Float64Array | undefined) => {
    const q = quantizeConv({ shape, weight }, grid, output, 3, numerics, seen);
    const codes = pixels.map((x) => encodeAll(x, grid));
    const results = exactConv(q, codes, numerics.arch);
    const meanOf = (all: readonly number[]) => all.reduce((sum, x) => sum + x, 0) / all.length;
    return Array.from({ length: 3 }, (_, r) => {
      const got = meanOf(results.map((y) => decode(y[r]!, output)));
      return Math.abs(got - meanOf(real.map((y) => y[r]!))) / stepOf(q.layer, r);
    });
  };
  // Pixels are on their grid, so that half an LSB of the bias is left, and half a code of the results, which are fine.
  expect(Math.max(...missBy(mean))).toBeLessThan(0.51);
  expect(Math.max(...missBy(undefined))).toBeGreaterThan(1);
});

describe("what a layer may be made of", () => {
  const numerics = { recipe: makeRecipe(), arch: makeArch().settings };
  const grid: Grid = affineGrid({ lo: -1, hi: 1 }, 8, false);
  const one = (value: number): Matrix => ({ rows: 1, columns: 1, data: Float64Array.of(value) });

  test("weights of nothing but zeros", () => {
    const q = quantizeLinear([{ weight: one(0), grid }], undefined, grid, 8, numerics);
    expect([...exactLinear(q, [Int32Array.of(100)], numerics.arch)]).toEqual([grid.zero]);
  });

  test("a bias far above the weights sets the scale, so that it fits its memory", () => {
    const wide = affineGrid({ lo: -1e4, hi: 1e4 }, 16, false);
    const q = quantizeLinear([{ weight: one(1e-9), grid }], [5000], wide, 8, numerics);
    expect(Math.abs(q.bias[0]!)).toBeLessThan(2 ** 31);
    const [code] = exactLinear(q, [Int32Array.of(0)], numerics.arch);
    expect(Math.abs(decode(code!, wide) - 5000)).toBeLessThanOrEqual(wide.scale);
  });
});

test("a bias that a wide accumulator and its product have no room for is refused", () => {
  const columns = 256;
  const weight: Matrix = { rows: 1, columns, data: new Float64Array(columns).fill(1) };
  const grid = affineGrid({ lo: -0.01, hi: 1 }, 16, false);
  const output = affineGrid({ lo: 0, hi: columns }, 16, false);
  const recipe = makeRecipe({ weight_bits: 16 });
  const quantize = (accBits: number) => {
    const { settings } = makeArch({
      "acc.bits": accBits,
      "requant.multiplierBits": 63 - accBits > 16 ? 30 : 16,
    });
    return quantizeLinear([{ weight, grid }], undefined, output, 16, { recipe, arch: settings });
  };
  expect(() => quantize(33)).toThrow(/a bias of \d+ leaves no room in 33 bits/);
  const [bias] = quantize(47).bias;
  expect(Math.abs(bias!)).toBeGreaterThan(2 ** 33);
});

describe("a layer of codes that stay as they are", () => {
  const rng = seedrandom("codes");
  const codes = Float32Array.from({ length: ROWS * COLUMNS }, () => Math.floor(255 * rng()) - 127);
  const weight: Matrix = { rows: ROWS, columns: COLUMNS, data: codes };
  const scales = uniform(rng, ROWS).map((x) => 0.002 + 0.01 * Math.abs(x));
  const bias = uniform(rng, ROWS);
  const numerics = { recipe: makeRecipe(), arch: makeArch().settings };
  const output = affineGrid({ lo: -4, hi: 3 }, 8, false);
  const keep = (grid: Grid) => keepCodes([{ weight, grid }], bias, scales, output, 8, numerics);

  test("has them, biases in steps of the sums, and scales to within the multiplier's width", () => {
    const grid: Grid = { format: signed(8), scale: 1 / 127, zero: 0 };
    const q = keep(grid);
    expect([...q.parts[0]!.weights.codes]).toEqual([...codes]);
    const bits = numerics.arch["requant.multiplierBits"];
    for (let r = 0; r < ROWS; r++) {
      const step = scales[r]! / 127;
      expect(Math.abs(q.bias[r]! * step - bias[r]!)).toBeLessThanOrEqual(step / 2);
      expect(Math.abs(stepOf(q, r) / step - 1)).toBeLessThan(2 ** -bits);
    }
  });

  test("takes the inputs' zero points off, and gives what it stands for", () => {
    const grid: Grid = { format: signed(8), scale: 1 / 100, zero: 17 };
    const q = keep(grid);
    const x = Int32Array.from({ length: COLUMNS }, () => Math.floor(256 * rng()) - 128);
    for (const [r, code] of exactLinear(q, [x], numerics.arch).entries()) {
      let wanted = bias[r]!;
      for (let c = 0; c < COLUMNS; c++) wanted += scales[r]! * codes[r * COLUMNS + c]! * decode(x[c]!, grid);
      const held = Math.max(decode(-128, output), Math.min(decode(127, output), wanted));
      expect(Math.abs(decode(code, output) - held)).toBeLessThan(0.51 * output.scale);
    }
  });

  test("has one scale of inputs, and biases with room", () => {
    const grids = [1 / 127, 1 / 128].map((scale): Grid => ({ format: signed(8), scale, zero: 0 }));
    const inputs = grids.map((grid) => ({ weight, grid }));
    expect(() => keepCodes(inputs, bias, scales, output, 8, numerics)).toThrow(RangeError);
    const wide = bias.map(() => 1e9);
    expect(() => keepCodes(inputs.slice(1), wide, scales, output, 8, numerics)).toThrow(/leaves no room in/);
  });
});
