import { describe, expect, test } from "vitest";
import { loadArch, overrideArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { unroll } from "../../src/isa/program.ts";
import { WIDE_BITS, WORD_BITS } from "../../src/isa/widths.ts";
import { BASELINES } from "../../src/machine/area.ts";
import { BASELINE_BITS, baselineMachine } from "../../src/machine/baseline.ts";
import { time } from "../../src/machine/timing.ts";
import { compileG2p } from "../../src/model/g2p/lower.ts";
import { quantizeG2p } from "../../src/model/g2p/quantize.ts";
import { loadG2p } from "../../src/model/g2p/weights.ts";
import { widenG2p } from "../../src/model/g2p/widen.ts";
import { wordsOf } from "../../src/model/g2p/words.ts";
import type { Job } from "../../src/model/job.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { loadRecipe } from "../../src/quant/recipe-file.ts";
import { FloatModels, floatCosts } from "../../src/sweep/baseline.ts";
import { runSweep } from "../../src/sweep/run.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
import { G2P_WEIGHTS } from "../model/files.ts";
import { cellOf, experimentOf } from "./lab.ts";

const { ranges } = subjectOf(experimentOf(["- {}"]).points[0]!.subject);
const params = loadG2p(G2P_WEIGHTS);
const edge = loadArch("arch/edge16x16.yaml");
const length = wordsOf("test")[0]!.letters.length;
const RUNS = [{ size: length, turns: [3, 20] }];

const quantized = (arch = edge, recipe = {}) =>
  quantizeG2p(params, ranges, { recipe: makeRecipe(recipe), arch: arch.settings });
const floats = (arch = edge, recipe = {}) =>
  new FloatModels(
    (bits) => widenG2p(quantized(arch, recipe), bits),
    (model, machine) => compileG2p(model, machine, [length]),
    "g2p",
  );

/** The recipes that ship. */
const RECIPES = ["irnn", "pulp", "pure-shift", "tflite-lstm"];

describe.each(BASELINES)("the model in %s", (float) => {
  const bits = BASELINE_BITS[float];

  test.each(RECIPES)("has floats and the widths of statistics alone, by the recipe %s", (name) => {
    const { values, machine } = loadRecipe(`recipes/${name}.yaml`);
    const roomy = overrideArch(edge, { ...machine, "activation.bytes": 524_288 }, name);
    const wide = baselineMachine(roomy, float);
    const { stages } = compileG2p(widenG2p(quantized(roomy, values), bits), wide, [length]);
    const issued = stages.get(length)!.flatMap(({ program }) => unroll(program));
    const moved = issued.filter(
      ({ op }) => !["fetch", "store", "gather", "argmax", "fill", "load.weight"].includes(op.name),
    );
    const widths = moved.flatMap(({ op, x }) =>
      [...op.reads(x, wide.settings), ...op.writes(x, wide.settings)]
        .filter(({ space }) => space === "activation" || space === "weight")
        .map((span) => span.bits),
    );
    expect(widths.length).toBeGreaterThan(500);
    expect([bits, WORD_BITS, WIDE_BITS]).toEqual(expect.arrayContaining([...new Set(widths)]));
    expect(new Set(moved.flatMap(({ x }) => ("gainBits" in x ? [x["gainBits"]] : [])))).toEqual(
      new Set([bits]),
    );
  });
});

const issuedOf = ({ stages }: Job, arch = edge): number =>
  time(stages.get(length)!.at(-1)!.program, arch).issued;

test("the float program has the integer one's instructions where both keep all weights on chip", () => {
  const roomy = overrideArch(edge, { "weight.bytes": 4_194_304, "activation.bytes": 524_288 }, "test");
  const model = quantized(roomy);
  const integer = issuedOf(compileG2p(model, roomy, [length]), roomy);
  for (const float of BASELINES) {
    const machine = baselineMachine(roomy, float);
    expect(issuedOf(compileG2p(widenG2p(model, BASELINE_BITS[float]), machine, [length]), machine)).toBe(
      integer,
    );
  }
});

describe("the cost of a job in floats", () => {
  test("is its programs' cycles on the float machine, times their runs", () => {
    const { fp16 } = floatCosts(floats().timings(edge), RUNS);
    const machine = baselineMachine(edge, "fp16");
    const { load, stages } = compileG2p(widenG2p(quantized(), 16), machine, [length]);
    const [start, step] = stages.get(length)!.map(({ program }) => time(program, machine).cycles);
    expect(fp16.equalArray).toMatchObject({
      rows: 16,
      columns: 16,
      loadCycles: time(load, machine).cycles,
      warmCycles: 3 * start! + 20 * step!,
      grown: {},
    });
  });

  test("never falls with the width; a smaller array never helps; weights stay within the memory", () => {
    for (const name of ["edge16x16", "edge8x8", "dot16x16"]) {
      const arch = loadArch(`arch/${name}.yaml`);
      const { fp32, fp16 } = floatCosts(floats(arch).timings(arch), RUNS);
      expect(fp32.equalArray.warmCycles, name).toBeGreaterThan(fp16.equalArray.warmCycles);
      for (const { equalArray, equalArea } of [fp32, fp16]) {
        expect(equalArea.warmCycles, name).toBeGreaterThanOrEqual(equalArray.warmCycles);
        expect(equalArea.rows * equalArea.columns).toBeLessThan(equalArray.rows * equalArray.columns);
        expect(equalArray.residentWeightBytes).toBeLessThanOrEqual(arch.settings["weight.bytes"]);
      }
      expect(fp32.equalArray.modelBytes).toBeGreaterThan(1.9 * fp16.equalArray.modelBytes);
    }
  });

  test("depends on the model's shape, not on its codes: recipes of other widths share it", () => {
    const costs = [{}, { weight_bits: 3, norm_bits: 6 }, { cell_bits: 12, weight_scale: "per-tensor" }].map(
      (recipe) => floatCosts(floats(edge, recipe).timings(edge), RUNS),
    );
    expect(costs[1]).toEqual(costs[0]);
    expect(costs[2]).toEqual(costs[0]);
  });

  test.each(RECIPES)("is there for the recipe %s on every kind of array", (name) => {
    const { values, machine } = loadRecipe(`recipes/${name}.yaml`);
    for (const dataflow of ["weight-stationary", "output-stationary", "input-stationary", "dot"]) {
      const arch = overrideArch(edge, { ...machine, "mac.dataflow": dataflow }, name);
      const { fp32 } = floatCosts(floats(arch, values).timings(arch), RUNS);
      expect(fp32.equalArray.warmCycles).toBeGreaterThan(0);
    }
  });

  test("of a model that needs more activation SRAM in floats has that much more, and says so", () => {
    const small = overrideArch(edge, { "activation.bytes": 16_384 }, "test");
    const { fp32, fp16 } = floatCosts(floats(small).timings(small), RUNS);
    expect(fp32.equalArray.grown).toEqual({ activation: 2 });
    expect(fp16.equalArray.grown).toEqual({});
  });

  test.each([
    ["a word of 40 letters", undefined],
    ["weight.bytes: of a text that only says so", undefined],
    ["0 tiles", "mac.rows"],
  ])("passes on what no larger memory mends: %s, %s", (problem, key) => {
    const refuse = () => {
      throw new InputError("edge", problem, key);
    };
    expect(() => new FloatModels(() => ({}), refuse, problem).timings(edge)).toThrow(
      `edge: ${key === undefined ? "" : `${key}: `}${problem}`,
    );
  });
});

test("columns state speed-up and size", async () => {
  const { rows } = await runSweep(experimentOf(["- axes: { arch: [edge16x16, edge8x8] }"]), { workers: 0 });
  for (const row of rows) {
    const value = (name: string) => Number(cellOf(row, name));
    const { warm, floats } = row.cost;
    expect(value("speedup_fp32")).toBeCloseTo(floats.fp32.equalArray.warmCycles / warm.cycles, 3);
    expect(value("speedup_fp16")).toBeCloseTo(floats.fp16.equalArray.warmCycles / warm.cycles, 3);
    expect(value("speedup_fp32_equal_area")).toBeGreaterThanOrEqual(value("speedup_fp32"));
    expect(value("size_vs_fp32")).toBeCloseTo(value("model_bytes_fp32") / value("model_bytes"), 3);
  }
});
