import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import type { FieldName } from "../../src/arch/fields.ts";
import { type ArchSpec, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { arrayCost, arrayLatency } from "../../src/isa/array.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import { type OpDef, UNITS } from "../../src/isa/define.ts";
import { unroll } from "../../src/isa/program.ts";
import { ops } from "../../src/isa/table.ts";
import { validate } from "../../src/isa/validate.ts";
import { Machine } from "../../src/machine/machine.ts";
import { stalledOf, type Timing, time } from "../../src/machine/timing.ts";
import { schedule } from "../../src/machine/trace.ts";
import { expectSameInts } from "../support/ints.ts";
import { randomArch } from "../support/machines.ts";
import { contents, randomSample, type Sample, scramble } from "../support/programs.ts";

interface Case {
  readonly seed: string;
  readonly arch: ArchSpec;
  readonly sample: Sample;
  readonly timing: Timing;
}

const CASES = 80;
const LENGTH = 40;

const cases: readonly Case[] = Array.from({ length: CASES }, (_, i) => {
  const seed = `laws ${i}`;
  const rng = seedrandom(seed);
  const arch = randomArch(rng);
  const sample = randomSample(rng, arch, LENGTH);
  return { seed, arch, sample, timing: time(sample.program, arch) };
});

/** Fails with the cases for which `fault` finds something to say. */
function hold(fault: (one: Case) => string | undefined): void {
  const faults = cases.flatMap((one) => {
    const found = fault(one);
    return found === undefined ? [] : [`${one.seed}: ${found}`];
  });
  expect(faults).toEqual([]);
}

describe("the samples", () => {
  test("are legal", () => {
    hold(({ arch, sample }) => {
      const extents = { image: sample.image.bytes, data: sample.dataBytes };
      return validate(sample.program, arch.settings, extents)[0];
    });
  });

  test("hold every operation, and loops", () => {
    const issued = cases.flatMap(({ sample }) => unroll(sample.program));
    const names = new Set(issued.map(({ op }) => op.name));
    expect((ops as readonly OpDef[]).map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
    expect(issued.length).toBeGreaterThan(CASES * LENGTH * 1.2);
  });

  test("know every cause of stalling", () => {
    const seen = new Set<string>();
    for (const { timing } of cases)
      for (const { stalledCycles } of Object.values(timing.units))
        for (const [cause, cycles] of Object.entries(stalledCycles)) if (cycles > 0) seen.add(cause);
    expect([...seen].sort()).toEqual(["bank", "chain", "dram", "operands"]);
    expect(cases.some(({ timing }) => timing.issueStallCycles > 0)).toBe(true);
  });
});

describe("time", () => {
  test("is accounted for: busy + stalled + idle = total, for each unit", () => {
    hold(({ timing }) => {
      const wrong = UNITS.find((unit) => {
        const stats = timing.units[unit];
        const figures = [stats.busyCycles, stats.idleCycles, ...Object.values(stats.stalledCycles)];
        const sum = stats.busyCycles + stalledOf(stats) + stats.idleCycles;
        return sum !== timing.cycles || figures.some((cycles) => !(cycles >= 0) || !Number.isInteger(cycles));
      });
      return wrong && `${wrong}: ${JSON.stringify(timing.units[wrong])} of ${timing.cycles}`;
    });
  });

  test("busy cycles are the beats of the operations; a chain keeps both its units at the pace of the slower", () => {
    hold(({ arch, sample, timing }) => {
      const busy: Record<string, number> = {};
      for (const { op, x } of unroll(sample.program)) {
        const io = { reads: op.reads(x, arch.settings), writes: op.writes(x, arch.settings) };
        const stages = op.stages(x, arch.settings, io);
        const pace = Math.max(...stages.map(({ beats }) => beats));
        for (const { unit } of stages) busy[unit] = (busy[unit] ?? 0) + pace;
      }
      const wrong = UNITS.find((unit) => timing.units[unit].busyCycles !== (busy[unit] ?? 0));
      return wrong && `${wrong} is busy ${timing.units[wrong].busyCycles} cycles, not ${busy[wrong]}`;
    });
  });

  test("is at least that of the busiest unit and at most that of all instructions one after another", () => {
    hold(({ timing }) => {
      const busiest = Math.max(...UNITS.map((unit) => timing.units[unit].busyCycles));
      if (timing.cycles < busiest) return `${timing.cycles} cycles, but a unit is busy ${busiest}`;
      if (timing.cycles > timing.serialCycles)
        return `${timing.cycles} cycles, but ${timing.serialCycles} serially`;
      return undefined;
    });
  });

  test("is at least what the MACs need on all multipliers", () => {
    hold(({ timing: { cycles, leastMacCycles } }) =>
      cycles < leastMacCycles ? `${cycles} < ${leastMacCycles}` : undefined,
    );
  });

  test("does not depend on data or on earlier runs", () => {
    hold(({ arch, sample, timing }) => {
      const again = time({ ...sample.program }, overrideArch(arch, {}, "again"));
      return JSON.stringify(again) === JSON.stringify(timing) ? undefined : "another result the second time";
    });
  });

  test.each<[FieldName, number]>([
    ["dram.bytesPerCycle", 4096],
    ["activation.bytesPerCycle", 4096],
    ["weight.bytesPerCycle", 65_536],
    ["activation.readPorts", 8],
    ["activation.writePorts", 8],
    ["dma.channels", 8],
    ["queue.depth", 64],
  ])("more %s never costs a cycle", (field, max) => {
    hold(({ arch, sample, timing }) => {
      const now = arch.settings[field] as number;
      for (const more of [now + 1, 5 * now]) {
        const faster = overrideArch(arch, { [field]: Math.min(more, max) }, "more");
        const { cycles } = time(sample.program, faster);
        if (cycles > timing.cycles) return `${timing.cycles} with ${now}, ${cycles} with ${more}`;
      }
      return undefined;
    });
  });

  test.each(["requant.latency", "pwl.latency", "vector.latency", "dram.latency"] as const)(
    "more %s never gains a cycle",
    (field) => {
      hold(({ arch, sample, timing }) => {
        const slower = overrideArch(arch, { [field]: arch.settings[field] + 1 }, "slower");
        const { cycles } = time(sample.program, slower);
        return cycles < timing.cycles ? `${timing.cycles}, ${cycles} with more` : undefined;
      });
    },
  );
});

describe("traffic", () => {
  test("is the packed size of the spans that the operations declare, each time they pass; in DRAM, whole bursts", () => {
    hold(({ arch, sample, timing }) => {
      const sum: Record<string, number> = {};
      for (const { op, x } of unroll(sample.program))
        for (const way of ["reads", "writes"] as const)
          for (const { space, bits, count, passes = 1 } of op[way](x, arch.settings)) {
            const isDram = space === "data" || space === "dram";
            const key = `${isDram ? "dram" : space} ${way}`;
            const burst = isDram ? arch.settings["dram.burst"] : 1;
            const bytes = Math.ceil((bits * count) / 8) * passes;
            sum[key] = (sum[key] ?? 0) + Math.ceil(bytes / burst) * burst;
          }
      for (const [memory, { readBytes, writeBytes }] of Object.entries(timing.traffic)) {
        if (readBytes !== (sum[`${memory} reads`] ?? 0)) return `${memory}: ${readBytes} bytes read`;
        if (writeBytes !== (sum[`${memory} writes`] ?? 0)) return `${memory}: ${writeBytes} bytes written`;
      }
      return undefined;
    });
  });

  test("with the DRAM is at least the distinct bytes, and those are counted right", () => {
    hold(({ arch, sample, timing }) => {
      const bytes = new Set<string>();
      for (const { op, x } of unroll(sample.program))
        for (const span of [...op.reads(x, arch.settings), ...op.writes(x, arch.settings)])
          if (span.space === "dram" || span.space === "data")
            for (let i = 0; i < Math.ceil((span.bits * span.count) / 8); i++)
              bytes.add(`${span.space} ${span.from + i}`);
      const { readBytes, writeBytes } = timing.traffic.dram;
      if (timing.compulsoryDramBytes !== bytes.size)
        return `${timing.compulsoryDramBytes}, not ${bytes.size}`;
      return readBytes + writeBytes < bytes.size ? `${readBytes + writeBytes} < ${bytes.size}` : undefined;
    });
  });
});

test("an array alone in an unbounded memory takes its closed formula, an issue and its latency", () => {
  for (const { seed, arch } of cases) {
    const unbounded = overrideArch(
      arch,
      { "weight.bytesPerCycle": 65_536, "activation.bytesPerCycle": 4096, "acc.entries": 4096 },
      "unbounded",
    );
    const rng = seedrandom(seed);
    const [m, k, n] = [rng, rng, rng].map((next) => 1 + Math.floor(next() * 20)) as [number, number, number];
    const text = `matmul w=0 x=0 acc=0 m=${m} k=${k} n=${n} wBits=8 xBits=8 keep=0`;
    const { cycles } = time(parseProgram(text, "alone"), unbounded);
    const product = { m, k, n, weightBits: 8, activationBits: 8 };
    const want = 1 + arrayCost(product, unbounded.settings).cycles + arrayLatency(unbounded.settings);
    if (cycles !== want) expect.fail(`${seed}: ${text}: ${cycles} cycles, want ${want}`);
  }
});

const LANES = 3;

function machineOf({ arch, sample, seed }: Case, backend: "simd" | "twin"): Machine {
  const { program, image, dataBytes } = sample;
  const machine = new Machine(arch, {
    image,
    programs: [program],
    lanes: LANES,
    dataBytes,
    backend,
    filled: true,
  });
  scramble(machine, seedrandom(`${seed}, memory`));
  return machine;
}

function expectSameContents(got: Machine, want: Machine, { sample, seed }: Case): void {
  const held = contents(got, sample);
  for (const [what, codes] of contents(want, sample))
    expectSameInts(held.get(what)!, codes, `${seed}: ${what}`);
}

describe("function", () => {
  test("program order and the order in which the units start leave the same memory", () => {
    let moved = 0;
    for (const one of cases.slice(0, 40)) {
      const { program } = one.sample;
      const want = machineOf(one, "simd");
      want.run(program);
      const byTime = [...schedule(program, one.arch)].sort((a, b) => a.startAt - b.startAt);
      if (byTime.some(({ issueAt }, i) => i > 0 && issueAt < byTime[i - 1]!.issueAt)) moved++;
      const got = machineOf(one, "simd");
      for (const { issued } of byTime) issued.op.run(issued.x, got.state);
      expectSameContents(got, want, one);
    }
    expect(moved).toBeGreaterThan(20);
  });

  test("and so do SIMD kernels and plain ones", () => {
    for (const one of cases.slice(40, 65)) {
      const [got, want] = [machineOf(one, "twin"), machineOf(one, "simd")];
      for (const machine of [got, want]) machine.run(one.sample.program);
      expectSameContents(got, want, one);
    }
  });

  test("a lane's results do not depend on its neighbours", () => {
    for (const one of cases.slice(65)) {
      const [got, want] = [machineOf(one, "simd"), machineOf(one, "simd")];
      scramble(got, seedrandom(`${one.seed}, neighbours`), 1);
      for (const machine of [got, want]) machine.run(one.sample.program);
      const held = contents(got, one.sample);
      for (const [what, codes] of contents(want, one.sample)) {
        if (what.endsWith("lane 0")) expectSameInts(held.get(what)!, codes, `${one.seed}: ${what}`);
      }
    }
  });
});

test("an empty program takes no time", () => {
  const { cycles, issued, serialCycles, units, energyPj } = time({ name: "empty", items: [] }, makeArch());
  expect([cycles, issued, serialCycles, energyPj.total]).toEqual([0, 0, 0, 0]);
  for (const stats of Object.values(units)) expect([stats.idleCycles, stalledOf(stats)]).toEqual([0, 0]);
});
