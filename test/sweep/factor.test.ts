import { beforeEach, describe, expect, test, vi } from "vitest";
import { FIELDS, type FieldName } from "../../src/arch/fields.ts";
import { type ArchSpec, overrideArch } from "../../src/arch/spec.ts";
import { time } from "../../src/machine/timing.ts";
import { compileG2p } from "../../src/model/g2p/lower.ts";
import { quantizeG2p } from "../../src/model/g2p/quantize.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { execute } from "../../src/sweep/execute.ts";
import { familiesOf, quantKey, timingKey } from "../../src/sweep/factor.ts";
import { measure } from "../../src/sweep/measure.ts";
import { planOf } from "../../src/sweep/run.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
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
  const lengths = new Set(subject.words.map(({ letters }) => letters.length)).size;
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
    expect(measured[0]!.machines.map(({ results }) => results)).toEqual([0, 0, 1, 1]);
  });
});

describe("what the keys leave out is without effect", () => {
  const { arch } = experimentOf(["- {}"]).points[0]!;
  const subject = () => subjectOf(experimentOf(["- {}"]).subject);
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
  const load = () =>
    compileG2p(quantizeG2p(subject().params, subject().ranges, { recipe, arch: arch.settings }), arch, [4]);

  /** How many parameters no cycle depends on: pwl.maxPieces, acc.overflow and three roundings. */
  const UNTIMED = 5;

  test("timing: machines of one timing key cost the same", () => {
    const { programs } = load();
    const { step } = programs.get(4)!;
    const alike = names.map(changed).filter((other) => timingKey(step, other) === timingKey(step, arch));
    expect(alike).toHaveLength(UNTIMED);
    const before = time(step, arch);
    for (const other of alike) expect(time(step, other)).toEqual(before);
  });

  test("numerics: machines of one quant key compute the same bits", () => {
    const alike = names.filter((name) => quantKey(recipe, changed(name)) === quantKey(recipe, arch));
    expect(alike.length).toBeGreaterThan(20);
    const inputs = subject().words.map(({ letters }) => letters);
    const lengths = [...new Set(inputs.map(({ length }) => length))];
    const outcomes = (machine: ArchSpec) => {
      const q = quantizeG2p(subject().params, subject().ranges, { recipe, arch: machine.settings });
      return execute(compileG2p(q, machine, lengths), machine, inputs, { lanes: 16 });
    };
    const before = outcomes(arch);
    // All at once, then each half of them, lest two changes hide each other.
    for (const chosen of [alike, alike.filter((_, i) => i % 2 === 0), alike.filter((_, i) => i % 2 === 1)]) {
      const changes = Object.fromEntries(chosen.map((name) => [name, changed(name).settings[name]]));
      expect(outcomes(overrideArch(arch, changes, "all at once"))).toEqual(before);
    }
  });
});
