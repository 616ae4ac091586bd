import { beforeEach, describe, expect, test, vi } from "vitest";
import { FIELDS, type FieldName } from "../../src/arch/fields.ts";
import { type ArchSpec, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { time } from "../../src/machine/timing.ts";
import { g2p } from "../../src/model/g2p/index.ts";
import { compileG2p } from "../../src/model/g2p/lower.ts";
import { quantizeG2p } from "../../src/model/g2p/quantize.ts";
import { loadG2p } from "../../src/model/g2p/weights.ts";
import { type Word, wordsOf } from "../../src/model/g2p/words.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { execute } from "../../src/sweep/execute.ts";
import { familiesOf, quantKey, resultsKey, timingKey } from "../../src/sweep/factor.ts";
import { legalize } from "../../src/sweep/legal.ts";
import { distinct } from "../../src/sweep/mapped.ts";
import { jobOf, measure } from "../../src/sweep/measure.ts";
import { planOf } from "../../src/sweep/run.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
import { G2P_WEIGHTS } from "../model/files.ts";
import { experimentOf } from "./lab.ts";

// Everything is done for real; only counted on the way.
vi.mock("../../src/sweep/execute.ts", { spy: true });
vi.mock("../../src/machine/timing.ts", { spy: true });
vi.mock("../../src/model/g2p/lower.ts", { spy: true });
vi.mock("../../src/model/g2p/quantize.ts", { spy: true });

beforeEach(() => vi.clearAllMocks());

/** Measures all points; how often each kind of work was done. */
function workOf(points: readonly string[]) {
  const experiment = experimentOf(points);
  const subject = subjectOf(experiment.subject);
  const families = familiesOf(experiment.points);
  const measured = families.map(({ recipe, archs }) => measure(subject, recipe, archs));
  const lengths = new Set((subject.samples as Word[]).map(({ letters }) => letters.length)).size;
  return {
    points: experiment.points.length,
    quantized: vi.mocked(quantizeG2p).mock.calls.length,
    executed: vi.mocked(execute).mock.calls.length,
    compiled: vi.mocked(compileG2p).mock.calls.length,
    timed: vi.mocked(time).mock.calls.length,
    programsPerJob: 1 + 2 * lengths,
    plan: planOf(experiment),
    measured,
  };
}

/** Float formats that a point is compared with, and sizes of array on which each of them is timed. */
const FLOATS = 2;
const ARRAYS = 2;

test("R recipes on A machines cost R executions, not R x A", () => {
  const work = workOf([
    "- axes: { arch: [edge16x16, edge32x32, dot16x16], weight_bits: [8, 4], mac.preload: [overlapped, serial] }",
  ]);
  // Beside each point, and once for each of the six machines, the same model in two float formats.
  expect(work).toMatchObject({ points: 12, quantized: 2, executed: 2, compiled: 12 + 6 * FLOATS });
  expect(work.plan).toEqual({ points: 12, numerics: 2, timings: 12 });
  expect(work.timed).toBe((12 + 6 * FLOATS * ARRAYS) * work.programsPerJob);
});

test("a program is timed once, whatever recipes it comes from", () => {
  const work = workOf([
    "- set: { dma.channels: 3 }",
    "- { set: { dma.channels: 3, requant.rounding: floor } }",
  ]);
  expect(work).toMatchObject({ points: 2, quantized: 2, executed: 2 });
  expect(work.timed).toBeLessThan((2 + FLOATS * ARRAYS) * work.programsPerJob);
});

test("a limit that is kept, such as how many pieces a table may have, costs no execution", () => {
  expect(workOf(["- axes: { pwl.maxPieces: [32, 64] }"])).toMatchObject({
    points: 2,
    quantized: 1,
    executed: 1,
  });
});

describe("the array's shape", () => {
  const points = (bits: number) => [
    `- { arch: narrow-acc, set: { acc.bits: ${bits} }, axes: { mac.rows: [4, 16], mac.columns: [16, 32] } }`,
  ];

  test("takes no part where no accumulator can overflow", () => {
    expect(workOf(points(24))).toMatchObject({ points: 4, quantized: 1, executed: 1 });
  });

  test("takes part where one may: rows decide where a pass ends, columns do not", () => {
    const { measured, ...work } = workOf(points(16));
    expect(work).toMatchObject({ points: 4, quantized: 1, executed: 2 });
    const [low, high] = measured[0]!.results;
    expect(low!.overflows).toBeGreaterThan(0);
    expect(low!.overflows).not.toBe(high!.overflows);
    expect(measured[0]!.machines).toMatchObject([0, 0, 1, 1].map((results) => ({ results })));
  });
});

describe("what the keys leave out is without effect", () => {
  const { arch } = experimentOf(["- {}"]).points[0]!;
  const params = loadG2p(G2P_WEIGHTS);
  const words = wordsOf("test").slice(0, 3);
  const quantized = (machine: ArchSpec) => {
    const { ranges } = subjectOf(experimentOf(["- {}"]).subject);
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
  const subject = subjectOf(experimentOf(["- {}"]).subject);
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

test("how many zeros are skipped goes by the tiles of each machine, whichever machines share the sweep", () => {
  const skips = "mac.zeroSkip: both, mac.dataflow: output-stationary, mac.multiplier: serial";
  const skippedOf = (entries: string): number[] => {
    const [measured] = workOf([`- { set: { ${skips} }, axes: { acc.entries: [${entries}] } }`]).measured;
    return measured!.machines.map((machine) =>
      "problem" in machine ? Number.NaN : measured!.results[machine.results]!.skippedCycles,
    );
  };
  const [[large], [small]] = [skippedOf("4096"), skippedOf("400")];
  expect(large).not.toBe(small);
  expect(skippedOf("4096, 400")).toEqual([large, small]);
});

test("a machine that a program is illegal on has no row, in whatever company and order", () => {
  const refusedOf = (entries: string) =>
    workOf([`- axes: { acc.entries: [${entries}] }`]).measured[0]!.machines.map(
      (machine) => "problem" in machine && machine.problem,
    );
  const problem = expect.stringMatching(/^acc\.entries: program [\w-]+ needs \d+, the machine has 32: /);
  expect(refusedOf("4096, 32")).toEqual([false, problem]);
  expect(refusedOf("32, 4096")).toEqual([problem, false]);
  expect(refusedOf("32")).toEqual([problem]);
});

test("nor does one that the model cannot be quantized for, though it shares its numerics with others", () => {
  const recipe = "{ softmax_method: gemmlowp, score_bits: 16, alpha_bits: 16, pwl.rounding: half-up }";
  const refusedOf = (pieces: string) =>
    workOf([`- { set: ${recipe}, axes: { pwl.maxPieces: [${pieces}] } }`]).measured[0]!.machines.map(
      (machine) => "problem" in machine,
    );
  expect(refusedOf("512, 64")).toEqual([false, true]);
  expect(refusedOf("64, 512")).toEqual([true, false]);
});
