import { beforeEach, describe, expect, test, vi } from "vitest";
import { FIELDS, type FieldName } from "../../src/arch/fields.ts";
import { type ArchSpec, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { time } from "../../src/machine/timing.ts";
import { compileG2p } from "../../src/model/g2p/lower.ts";
import { quantizeG2p } from "../../src/model/g2p/quantize.ts";
import { loadG2p } from "../../src/model/g2p/weights.ts";
import { type Word, wordsOf } from "../../src/model/g2p/words.ts";
import { MODELS } from "../../src/model/table.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { execute } from "../../src/sweep/execute.ts";
import { quantKey, resultsKey, timingKey } from "../../src/sweep/factor.ts";
import { legalize } from "../../src/sweep/legal.ts";
import { distinct } from "../../src/sweep/mapped.ts";
import { jobOf } from "../../src/sweep/measure.ts";
import type { Point } from "../../src/sweep/points.ts";
import { type Plan, runSweep } from "../../src/sweep/run.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
import { G2P_WEIGHTS } from "../model/files.ts";
import { experimentOf } from "./lab.ts";

const { g2p } = MODELS;

// Everything is done for real; only counted on the way.
vi.mock("../../src/sweep/execute.ts", { spy: true });
vi.mock("../../src/machine/timing.ts", { spy: true });
vi.mock("../../src/model/g2p/lower.ts", { spy: true });
vi.mock("../../src/model/g2p/quantize.ts", { spy: true });

beforeEach(() => vi.clearAllMocks());

let sweeps = 0;

/** Sweeps all points, on calibration words of its own that no model is known of; how often each kind of work was done. */
async function workOf(points: readonly string[]) {
  const experiment = experimentOf(points, { sets: { seed: ++sweeps } });
  const [{ subject }] = experiment.points as [Point];
  let plan: Plan | undefined;
  const onPlan = (told: Plan) => {
    plan = told;
  };
  const { rows, refused } = await runSweep(experiment, { workers: 0, onPlan });
  const lengths = new Set((subjectOf(subject).samples as Word[]).map(({ letters }) => letters.length));
  return {
    points: experiment.points.length,
    quantized: vi.mocked(quantizeG2p).mock.calls.length,
    executed: vi.mocked(execute).mock.calls.length,
    compiled: vi.mocked(compileG2p).mock.calls.length,
    timed: vi.mocked(time).mock.calls.length,
    programsPerJob: 1 + 2 * lengths.size,
    plan: plan!,
    accuracies: rows.map(({ accuracy }) => accuracy),
    /** Of each point, what is wrong with it. */
    problems: experiment.points.map(
      ({ index }) => refused.find(({ point }) => point.index === index)?.problem,
    ),
  };
}

/** Float formats that a point is compared with, and sizes of array on which each of them is timed. */
const FLOATS = 2;
const ARRAYS = 2;

test("the array takes part in a fine-tuned model, whose training runs on it, and in no other", () => {
  const keys = (changes: Readonly<Record<string, unknown>>) =>
    [8, 16].map((rows) => quantKey(makeRecipe(changes), makeArch({ "mac.rows": rows })));
  expect(new Set(keys({})).size).toBe(1);
  expect(new Set(keys({ tuning_steps: 10 })).size).toBe(2);
});

test("R recipes on A machines cost R executions, not R x A", async () => {
  const work = await workOf([
    "- axes: { arch: [edge16x16, edge32x32, dot16x16], weight_bits: [8, 4], mac.preload: [overlapped, serial] }",
  ]);
  // Beside each point, and once for each of the six machines, the same model in two float formats.
  expect(work).toMatchObject({ points: 12, quantized: 2, executed: 2, compiled: 12 + 6 * FLOATS });
  expect(work.plan).toEqual({
    points: 12,
    numerics: { distinct: 2, cached: 0 },
    timings: { distinct: 12, cached: 0, isMost: true },
  });
  expect(work.timed).toBe((12 + 6 * FLOATS * ARRAYS) * work.programsPerJob);
});

test("a program is timed once, whatever recipes it comes from", async () => {
  const work = await workOf([
    "- set: { dma.channels: 3 }",
    "- { set: { dma.channels: 3, requant.rounding: floor } }",
  ]);
  expect(work).toMatchObject({ points: 2, quantized: 2, executed: 2 });
  expect(work.timed).toBeLessThan((2 + FLOATS * ARRAYS) * work.programsPerJob);
});

test("a limit that is kept, such as how many pieces a table may have, costs no execution", async () => {
  expect(await workOf(["- axes: { pwl.maxPieces: [32, 64] }"])).toMatchObject({
    points: 2,
    quantized: 1,
    executed: 1,
  });
});

describe("the array's shape", () => {
  const points = (bits: number) => [
    `- { arch: narrow-acc, set: { acc.bits: ${bits} }, axes: { mac.rows: [4, 16], mac.columns: [16, 32] } }`,
  ];

  test("takes no part where no accumulator can overflow", async () => {
    expect(await workOf(points(24))).toMatchObject({ points: 4, quantized: 1, executed: 1 });
  });

  test("takes part where one may: rows decide where a pass ends, columns do not", async () => {
    const { accuracies, ...work } = await workOf(points(16));
    expect(work).toMatchObject({ points: 4, quantized: 1, executed: 2 });
    const [low, alike, high, too] = accuracies.map(({ overflows }) => overflows);
    expect(low).toBeGreaterThan(0);
    expect(low).not.toBe(high);
    expect([alike, too]).toEqual([low, high]);
  });
});

test("models that differ in the contents of tables share their programs: R recipes on A machines cost A compilations beside R", async () => {
  const work = await workOf([
    "- axes: { gate_method: [slope, uniform], rsqrt_method: [slope, uniform], dram.latency: [11, 12, 13] }",
  ]);
  expect(work).toMatchObject({ points: 12, executed: 4, compiled: 4 + 2 + 3 * FLOATS });
});

describe("what the keys leave out is without effect", () => {
  const { arch } = experimentOf(["- {}"]).points[0]!;
  const params = loadG2p(G2P_WEIGHTS);
  const words = wordsOf("test").slice(0, 3);
  const quantized = (machine: ArchSpec) => {
    const { ranges } = subjectOf(experimentOf(["- {}"]).points[0]!.subject);
    return quantizeG2p(params, ranges, { recipe, arch: machine.settings });
  };
  const recipe = makeRecipe();

  /** Another value that a parameter may have. */
  function changed(name: FieldName): ArchSpec {
    const field = FIELDS[name];
    const choices: readonly unknown[] =
      field.kind === "choice" ? field.choices : [field.default * 2, field.default / 2, field.max];
    for (const value of choices) {
      if (value === arch.settings[name]) continue;
      try {
        return overrideArch(arch, { [name]: value }, name);
      } catch {
        // not a value that this machine may have
      }
    }
    throw new Error(`${name} has no other value`);
  }

  const names = Object.keys(FIELDS) as FieldName[];

  /** How many parameters no cost depends on: roundings, limits, what is spent in compiling or for reports. */
  const UNTIMED = 11;

  test("timing: machines of one timing key cost the same", () => {
    const { program: step } = compileG2p(quantized(arch), arch, [4]).stages.get(4)!.at(-1)!;
    const alike = names.map(changed).filter((other) => timingKey(step, other) === timingKey(step, arch));
    expect(alike).toHaveLength(UNTIMED);
    const before = time(step, arch);
    for (const other of alike) expect(time(step, other)).toEqual(before);
  });

  test("numerics: machines of one quant key compute the same bits", () => {
    const alike = names.filter((name) => quantKey(recipe, changed(name)) === quantKey(recipe, arch));
    expect(alike.length).toBeGreaterThan(20);
    const outcomes = (machine: ArchSpec) => {
      const q = quantized(machine);
      const inputs = words.map((word) => g2p.inputOf(q, word));
      const job = compileG2p(q, machine, distinct(inputs.map(({ size }) => size)));
      return execute(legalize(job, machine), inputs, { lanes: 16 });
    };
    const before = outcomes(arch);
    // All at once, then each half of them, lest two changes hide each other.
    for (const chosen of [alike, alike.filter((_, i) => i % 2 === 0), alike.filter((_, i) => i % 2 === 1)]) {
      const changes = Object.fromEntries(chosen.map((name) => [name, changed(name).settings[name]]));
      expect(outcomes(overrideArch(arch, changes, "all at once"))).toEqual(before);
    }
  });
});

test("where skipped zeros are counted, results are those of one array and one program; where not, of any", () => {
  const subject = subjectOf(experimentOf(["- {}"]).points[0]!.subject);
  const key = (changes: Readonly<Record<string, unknown>>) =>
    resultsKey(jobOf(subject, { recipe: makeRecipe(), arch: makeArch(changes) }, "fixed").job);
  expect(key({ "mac.columns": 8 })).toBe(key({ "mac.columns": 4 }));
  const counting = { "mac.zeroSkip": "both" };
  expect(key({ ...counting, "dram.latency": 8 })).toBe(key(counting));
  for (const changes of [
    { "mac.columns": 8 },
    { "mac.preload": "serial" },
    { "weight.bytesPerCycle": 8 },
    { "acc.entries": 400 },
  ])
    expect(key({ ...counting, ...changes })).not.toBe(key(counting));
});

test("how many zeros are skipped goes by the tiles of each machine, whichever machines share the sweep", async () => {
  const skips = "mac.zeroSkip: both, mac.dataflow: output-stationary, mac.multiplier: serial";
  const skippedOf = async (entries: string): Promise<number[]> => {
    const { accuracies } = await workOf([`- { set: { ${skips} }, axes: { acc.entries: [${entries}] } }`]);
    return accuracies.map(({ skippedCycles }) => skippedCycles);
  };
  sweeps = 100;
  const [large] = await skippedOf("4096");
  sweeps = 100;
  const [small] = await skippedOf("400");
  expect(large).not.toBe(small);
  sweeps = 100;
  expect(await skippedOf("4096, 400")).toEqual([large, small]);
});

test("a machine that a program is illegal on has no row, in whatever company and order", async () => {
  const refusedOf = async (entries: string) =>
    (await workOf([`- axes: { acc.entries: [${entries}] }`])).problems;
  const problem = expect.stringMatching(/^acc\.entries: program [\w-]+ needs \d+, the machine has 32: /);
  expect(await refusedOf("4096, 32")).toEqual([undefined, problem]);
  expect(await refusedOf("32, 4096")).toEqual([problem, undefined]);
  expect(await refusedOf("32")).toEqual([problem]);
});

test("nor does one that the model cannot be quantized for, though it shares its numerics with others: it says what it says alone", async () => {
  const recipe = "{ softmax_method: gemmlowp, score_bits: 16, alpha_bits: 16, pwl.rounding: half-up }";
  const refusedOf = async (pieces: string) =>
    (await workOf([`- { set: ${recipe}, axes: { pwl.maxPieces: [${pieces}] } }`])).problems;
  const [problem] = await refusedOf("64");
  expect(problem).toMatch(/needs 512$/);
  expect(await refusedOf("512, 64")).toEqual([undefined, problem]);
  expect(await refusedOf("64, 512")).toEqual([problem, undefined]);
});
