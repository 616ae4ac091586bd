import { describe, expect, test } from "vitest";
import { type Aspect, FIELDS, type FieldName, type Settings } from "../../src/arch/fields.ts";
import { type ArchSpec, makeArch, overrideArch, partOf } from "../../src/arch/spec.ts";
import { matmul } from "../../src/isa/ops/matmul.ts";
import { MachineState } from "../../src/isa/state.ts";
import { Legal } from "../../src/machine/legal.ts";
import { Machine } from "../../src/machine/machine.ts";
import { time } from "../../src/machine/timing.ts";
import { programsOf } from "../../src/model/job.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { jobOf } from "../../src/sweep/measure.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
import { experimentOf } from "./lab.ts";

/** Machines that differ in whatever decides which parameters are asked for. */
const CHANGES = [
  {},
  { "mac.dataflow": "output-stationary", "mac.multiplier": "serial", "mac.preload": "serial" },
  { "mac.dataflow": "input-stationary", "mac.multiplier": "fused", "pwl.search": "binary" },
  { "mac.dataflow": "dot", "requant.kind": "two-shift", "weight.ports": "shared", "weight.banks": 4 },
  { "dram.pages": "yes", "requant.kind": "shift", "pwl.shifts": "per-piece", "pwl.offsetFraction": 4 },
  { "acc.ports": "shared", "acc.banks": 2, "table.ports": "shared", "table.banks": 2, "pwl.chained": "no" },
  { "acc.bits": 16, "acc.overflow": "saturate", "pwl.symmetry": "point", "vector.multiplierBits": 12 },
] as const;
const machines = CHANGES.map((changes) => makeArch(changes));

/** The machine as one that notes which of its parameters are asked for. */
function watched({ name, settings }: ArchSpec, read: Set<FieldName>): ArchSpec {
  const get = (target: Settings, key: string | symbol): unknown => {
    if (typeof key === "string") read.add(key as FieldName);
    return Reflect.get(target, key);
  };
  return { name, settings: new Proxy({ ...settings }, { get }) };
}

/** What is read of any of the machines. */
function readBy(work: (watched: ArchSpec, index: number) => unknown): Set<FieldName> {
  const read = new Set<FieldName>();
  for (const [i, machine] of machines.entries()) work(watched(machine, read), i);
  return read;
}

const namesOf = (...aspects: readonly Aspect[]) => Object.keys(partOf(makeArch(), ...aspects)).sort();

describe("what the table of parameters says that they change is what reads them", () => {
  const subject = subjectOf(experimentOf(["- {}"]).points[0]!.subject);
  const jobs = [makeRecipe(), makeRecipe({ norm_inverse: "division" })].map((recipe) =>
    machines.map((arch) => jobOf(subject, { recipe, arch }, "fixed").job),
  );
  const jobsOn = (index: number) => jobs.map((some) => some[index]!);

  test("cost and energy: the clock, the tally and the prices", () => {
    const read = readBy((arch, i) => {
      for (const job of jobsOn(i)) for (const program of programsOf(job)) time(program, arch);
    });
    // A scale's record has its rounding, which no cost looks at: test/sweep/factor.test.ts.
    read.delete("requant.rounding");
    read.delete("vector.rounding");
    expect([...read].sort()).toEqual(namesOf("cost", "energy"));
  });

  test("legality: the validator", () => {
    const read = readBy((arch, i) => jobsOn(i).map(({ legal }) => Legal.of(arch, legal.runnable)));
    expect([...read].sort()).toEqual(namesOf("legality"));
  });

  test("bits and passes: quantization and arithmetic, beside what is a limit and kept", () => {
    const LIMITS = ["mac.zeroSkip", "pwl.maxPieces"];
    const SIZES = ["acc.entries", "activation.bytes", "table.bytes", "weight.bytes"];
    const read = readBy((arch, i) => {
      subject.model.quantize(subject.params, subject.ranges, { recipe: makeRecipe(), arch: arch.settings });
      for (const { legal } of jobsOn(i)) {
        const machine = new Machine({ ...legal, arch } as Legal, { lanes: 1 });
        for (const program of legal.runnable.programs) machine.run(program);
      }
    });
    // The tile of a dataflow has all of its sides; a pass is as long as its k, which columns have no part in.
    const SIDES = ["mac.columns"];
    for (const name of [...LIMITS, ...SIZES, ...SIDES]) read.delete(name as FieldName);
    expect([...read].sort()).toEqual(namesOf("bits", "passes"));
  });

  test("skips: the estimate of skipped zeros", () => {
    const x = { w: 0, x: 0, acc: 0, m: 9, k: 20, n: 5, wBits: 8, xBits: 8, keep: 0 };
    const read = new Set<FieldName>();
    const seen = new Set<FieldName>();
    for (const arch of machines.map((machine) =>
      overrideArch(machine, { "mac.zeroSkip": "both" }, "skips"),
    )) {
      const image = { segments: [], bytes: 0 };
      const { settings } = watched(arch, read);
      const state = new MachineState(settings, { image, lanes: 1, dataBytes: 0, wideAccumulators: true });
      read.clear();
      matmul.skipped!(x, state);
      for (const name of read) seen.add(name);
    }
    expect([...seen].sort()).toEqual(namesOf("skips"));
  });

  test("nothing of these: what reports alone ask for", () => {
    const some = namesOf("bits", "passes", "legality", "cost", "skips", "energy");
    expect(Object.keys(FIELDS).filter((name) => !some.includes(name))).toEqual(["clock.mhz"]);
  });
});
