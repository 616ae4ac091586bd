import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { formatProgram, parseProgram } from "../../src/isa/asm.ts";
import { encodeProgram } from "../../src/isa/encode.ts";
import { type Item, isLoop, type Program } from "../../src/isa/program.ts";
import {
  floorsOf,
  type LayerFigures,
  limitOf,
  type Profile,
  profileOf,
  ROOFS,
  type Spent,
  sumOfProfiles,
  UNLABELLED,
} from "../../src/machine/profile.ts";
import { time } from "../../src/machine/timing.ts";
import { schedule } from "../../src/machine/trace.ts";
import { pick, type Rng, randomArch } from "../support/machines.ts";
import { randomSample } from "../support/programs.ts";

/** The program with its instructions in layers at random, some in none. */
function labelled(rng: Rng, program: Program): Program {
  const label = (items: readonly Item[]): Item[] =>
    items.map((item) => {
      if (isLoop(item)) return { ...item, body: label(item.body) };
      const layer = pick(rng, [undefined, "one", "two", "two.half"]);
      return layer === undefined ? item : { ...item, layer };
    });
  return { ...program, items: label(program.items) };
}

const samples = Array.from({ length: 60 }, (_, i) => {
  const rng = seedrandom(`profile ${i}`);
  const arch = randomArch(rng);
  const bare = randomSample(rng, arch, 25).program;
  const program = labelled(rng, bare);
  return { seed: i, arch, bare, program, profile: profileOf(program, arch), timing: time(program, arch) };
});

const sumOf = <F>(of: ReadonlyMap<string, F>, figure: (one: F) => number): number =>
  [...of.values()].reduce((sum, one) => sum + figure(one), 0);

const tablesOf = ({ layers, operations, starts }: Profile): ReadonlyMap<string, Spent>[] => [
  layers,
  operations,
  starts,
];

test("the shares of layers, of operations and of what starts them each add up to the program's cycles", () => {
  for (const { seed, profile, timing } of samples) {
    expect(profile.cycles, `${seed}`).toBe(timing.cycles);
    for (const table of tablesOf(profile)) {
      const sums = [sumOf(table, ({ cycles }) => cycles), sumOf(table, ({ instructions }) => instructions)];
      expect(sums, `${seed}`).toEqual([timing.cycles, timing.issued]);
      for (const { cycles, issue, dram, work, pipeline } of table.values()) {
        const parts = [issue, dram, work, pipeline];
        if (Math.min(...parts) < 0 || parts.reduce((a, b) => a + b) !== cycles)
          expect.fail(`${seed}: ${parts} of ${cycles}`);
      }
    }
  }
});

test("an instruction that starts later than all before it ends has waited for its issue alone", () => {
  for (const { seed, arch, program } of samples) {
    let latest = 0;
    for (const { issueAt, startAt, visibleAt } of schedule(program, arch)) {
      if (startAt > latest && startAt !== issueAt + 1) expect.fail(`${seed}: ${startAt} after ${latest}`);
      latest = Math.max(latest, visibleAt);
    }
  }
});

test("MACs and bytes of the layers add up to the program's", () => {
  for (const { seed, profile, timing } of samples) {
    const sum = (figure: keyof LayerFigures) => sumOf(profile.layers, (layer) => layer[figure]);
    const moved = (memory: "dram" | "weight" | "activation") =>
      timing.traffic[memory].readBytes + timing.traffic[memory].writeBytes;
    expect([sum("macs"), sum("dramBytes"), sum("weightBytes"), sum("activationBytes")], `${seed}`).toEqual([
      timing.macs,
      moved("dram"),
      moved("weight"),
      moved("activation"),
    ]);
    expect(sum("weightReadBytes"), `${seed}`).toBe(timing.traffic.weight.readBytes);
    expect(sum("vectorBusy"), `${seed}`).toBe(timing.units.vector.busyCycles);
  }
});

test("no roofline of a layer is above the cycles in which it is active, and none of those is outside the run", () => {
  for (const { seed, arch, profile } of samples) {
    for (const [name, layer] of profile.layers) {
      const floors = floorsOf(layer, arch.settings);
      for (const roof of ROOFS) {
        if (floors[roof] > layer.activeCycles) {
          expect.fail(`${seed}, ${name}: ${roof} takes ${floors[roof]} of ${layer.activeCycles}`);
        }
      }
      if (layer.activeCycles > profile.cycles) expect.fail(`${seed}, ${name}: active ${layer.activeCycles}`);
    }
  }
});

test("layers are in no text, in no encoding and in no cycle", () => {
  for (const { seed, arch, bare, program, timing } of samples) {
    expect(formatProgram(program), `${seed}`).toBe(formatProgram(bare));
    expect(encodeProgram(program), `${seed}`).toEqual(encodeProgram(bare));
    expect(time(bare, arch), `${seed}`).toEqual(timing);
    expect([...profileOf(bare, arch).layers.keys()], `${seed}`).toEqual([UNLABELLED]);
  }
});

test("programs of a job add up, each as often as it runs", () => {
  const [a, b, c] = samples.map(({ profile }) => profile);
  const sum = sumOfProfiles([
    { profile: a!, times: 3 },
    { profile: b!, times: 0 },
    { profile: c!, times: 1 },
  ]);
  expect(sum.cycles).toBe(3 * a!.cycles + c!.cycles);
  for (const [i, table] of tablesOf(sum).entries()) {
    const [inA, inC] = [tablesOf(a!)[i]!, tablesOf(c!)[i]!];
    expect(new Set(table.keys())).toEqual(new Set([...inA.keys(), ...inC.keys()]));
    for (const [name, { cycles, work }] of table) {
      const weighted = (figure: "cycles" | "work") =>
        3 * (inA.get(name)?.[figure] ?? 0) + (inC.get(name)?.[figure] ?? 0);
      expect([name, cycles, work]).toEqual([name, weighted("cycles"), weighted("work")]);
    }
  }
  expect(sumOfProfiles([])).toMatchObject({ cycles: 0, layers: new Map() });
});

test("a share by hand: a transfer, what waits for it, and what is hidden behind the two", () => {
  const arch = makeArch({
    ...{ "dram.latency": 60, "dram.bytesPerCycle": 16, "dram.burst": 1 },
    ...{ "vector.lanes": 4, "vector.latency": 4 },
  });
  const lines = [
    "fetch dst=0 src=0 n=64 bits=8", // issued in 0, first byte after 1 + 60, 4 beats: there in 65
    "fill dst=8192 n=8 bits=8 value=0", // in another bank, and over long before
    "rescale dst=16384 a=0 n=16 aBits=8 bits=8 aZero=0 zero=0 scale=0", // 4 beats from 65 on, there 4 later
  ];
  const { cycles, operations, starts, layers } = profileOf(parseProgram(lines.join("\n"), "hand"), arch);
  expect(cycles).toBe(73);
  expect(Object.fromEntries(operations)).toEqual({
    fetch: { instructions: 1, cycles: 65, issue: 1, dram: 60, work: 4, pipeline: 0 },
    fill: { instructions: 1, cycles: 0, issue: 0, dram: 0, work: 0, pipeline: 0 },
    rescale: { instructions: 1, cycles: 8, issue: 0, dram: 0, work: 4, pipeline: 4 },
  });
  expect([...starts].map(([start, spent]) => [start, spent.cycles])).toEqual([
    ["issue", 65],
    ["operands", 8],
  ]);
  // Active from the first issue to the last result.
  expect(layers.get(UNLABELLED)!.activeCycles).toBe(73);
});

describe("a layer's bound", () => {
  const arch = makeArch({
    ...{ "mac.rows": 4, "mac.columns": 4, "weight.bytesPerCycle": 16 },
    ...{ "dram.bytesPerCycle": 8, "activation.bytesPerCycle": 32 },
  }).settings;
  const { layers } = profileOf(parseProgram("fill dst=0 n=1 bits=8 value=0", "one"), makeArch());
  const zero = Object.fromEntries(
    Object.keys(layers.get(UNLABELLED)!).map((figure) => [figure, 0]),
  ) as LayerFigures;
  test.each([
    ["mac", { multiplierCycles: 16 * 70, macBusy: 90 }, 70],
    ["weight", { multiplierCycles: 16 * 60, weightReadBytes: 16 * 80, macBusy: 95 }, 80],
    ["dram", { dramBytes: 8 * 50 }, 50],
    ["activation", { macStream: 32 * 51, vectorStream: 32 * 40, dmaStream: 32 * 100 }, 51],
    ["issue", { instructions: 75, vectorBusy: 70 }, 75],
    ["requant", { requantBusy: 99 }, 99],
    ["pwl", { pwlBusy: 55, vectorBusy: 54 }, 55],
    ["vector", { pwlBusy: 54, vectorBusy: 55 }, 55],
  ] as const)("%s, where that takes half of its time", (roof, figures, cycles) => {
    expect(limitOf({ ...zero, activeCycles: 100, ...figures }, arch)).toEqual({ bound: roof, roof, cycles });
    expect(limitOf({ ...zero, activeCycles: 2 * cycles, ...figures }, arch).bound).toBe(roof);
    expect(limitOf({ ...zero, activeCycles: 2 * cycles + 2, ...figures }, arch).bound).not.toBe(roof);
  });
  test("the array's folds, where they take half of its time and nothing else does", () => {
    const layer = { ...zero, activeCycles: 100, multiplierCycles: 16 * 6, macBusy: 50 };
    expect(limitOf(layer, arch)).toEqual({ bound: "array", roof: "mac", cycles: 6 });
  });
  test("latency, where nothing does", () => {
    const layer = { ...zero, activeCycles: 100, multiplierCycles: 16 * 6, macBusy: 49, dramBytes: 8 * 49 };
    expect(limitOf(layer, arch)).toEqual({ bound: "latency", roof: "dram", cycles: 49 });
  });
});
