import seedrandom from "seedrandom";
import { beforeAll, describe, expect, test } from "vitest";
import { FIELDS, type Field, type FieldName } from "../../src/arch/fields.ts";
import { type ArchSpec, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { arrayCost, arrayLatency } from "../../src/isa/array.ts";
import { formatProgram, parseProgram } from "../../src/isa/asm.ts";
import { type OpDef, UNITS, type Walk } from "../../src/isa/define.ts";
import { type Issued, type Item, isLoop, type Program, unroll } from "../../src/isa/program.ts";
import { ops } from "../../src/isa/table.ts";
import { validate } from "../../src/isa/validate.ts";
import { STALL_CAUSES } from "../../src/machine/clock.ts";
import { Machine } from "../../src/machine/machine.ts";
import { stalledOf, type Timing, time } from "../../src/machine/timing.ts";
import { schedule } from "../../src/machine/trace.ts";
import { expectSameInts } from "../support/ints.ts";
import { anyArch, draw, randomArch } from "../support/machines.ts";
import { contents, LEAST_MEMORIES, randomSample, type Sample, scramble } from "../support/programs.ts";

/** A program, a machine, and what the one costs on the other. */
interface Case {
  readonly seed: string;
  readonly arch: ArchSpec;
  readonly sample: Sample;
  readonly timing: Timing;
  readonly issued: readonly Issued[];
  /** Tells cases apart that a law is not asked about in all its variants. */
  readonly index: number;
}

function caseOf(seed: string, index: number, arch: ArchSpec, sample: Sample): Case {
  return { seed, arch, sample, timing: time(sample.program, arch), issued: unroll(sample.program), index };
}

/** Half a minute of an idle core, and room for a busy one. */
const HOOK_MS = 600_000;

/** Short programs on machines of any parameters; every law is held on each. */
const SHORT_CASES = 10_000;
const MOST_ITEMS = 8;
function shortCase(index: number): Case {
  const seed = `short ${index}`;
  const rng = seedrandom(seed);
  const arch = anyArch(rng, LEAST_MEMORIES);
  return caseOf(seed, index, arch, randomSample(rng, arch, draw(rng, 1, MOST_ITEMS)));
}

/** Long programs on machines that are small enough to be run. */
const LONG_CASES = 80;
const LONG_ITEMS = 40;
const longCases: readonly Case[] = Array.from({ length: LONG_CASES }, (_, index) => {
  const seed = `laws ${index}`;
  const rng = seedrandom(seed);
  const arch = randomArch(rng);
  return caseOf(seed, index, arch, randomSample(rng, arch, LONG_ITEMS));
});

/** What is wrong with a case, if anything is. */
type Law = (one: Case) => string | undefined;

const legal: Law = ({ arch, sample: { program, image, dataBytes } }) =>
  validate(program, arch.settings, { image: image.bytes, data: dataBytes })[0];

const accounted: Law = ({ timing }) => {
  const wrong = UNITS.find((unit) => {
    const stats = timing.units[unit];
    const figures = [stats.busyCycles, stats.idleCycles, ...Object.values(stats.stalledCycles)];
    const sum = stats.busyCycles + stalledOf(stats) + stats.idleCycles;
    return sum !== timing.cycles || figures.some((cycles) => !(cycles >= 0) || !Number.isInteger(cycles));
  });
  return wrong && `${wrong}: ${JSON.stringify(timing.units[wrong])} of ${timing.cycles}`;
};

const beats: Law = ({ arch, issued, timing }) => {
  const busy: Record<string, number> = {};
  for (const { op, x } of issued) {
    const io = { reads: op.reads(x, arch.settings), writes: op.writes(x, arch.settings) };
    const stages = op.stages(x, arch.settings, io);
    const pace = Math.max(...stages.map((stage) => stage.beats));
    for (const { unit } of stages) busy[unit] = (busy[unit] ?? 0) + pace;
  }
  const wrong = UNITS.find((unit) => timing.units[unit].busyCycles !== (busy[unit] ?? 0));
  return wrong && `${wrong} is busy ${timing.units[wrong].busyCycles} cycles, not ${busy[wrong]}`;
};

const bounded: Law = ({ timing }) => {
  const { cycles, serialCycles, leastMacCycles } = timing;
  const busiest = Math.max(...UNITS.map((unit) => timing.units[unit].busyCycles));
  if (cycles < busiest) return `${cycles} cycles, but a unit is busy ${busiest}`;
  if (cycles > serialCycles) return `${cycles} cycles, but ${serialCycles} serially`;
  return cycles < leastMacCycles ? `${cycles} cycles, but its MACs need ${leastMacCycles}` : undefined;
};

const sameTiming = (got: Timing, want: Timing): string | undefined => {
  const texts = [got, want].map(({ energyPj: _, ...exact }) => JSON.stringify(exact));
  return texts[0] === texts[1] ? undefined : `${texts[0]}, not ${texts[1]}`;
};

const again: Law = ({ arch, sample, timing }) =>
  sameTiming(time({ ...sample.program }, overrideArch(arch, {}, "again")), timing);

const unrolled: Law = ({ arch, sample, issued, timing }) => {
  const program = { name: "flat", items: issued.map(({ op, x }) => ({ op, x, by: {} })) };
  const extents = { image: sample.image.bytes, data: sample.dataBytes };
  return sameTiming(time(program, arch), timing) ?? validate(program, arch.settings, extents)[0];
};

/** How many codes follow one another each time, where codes are taken row by row. */
function runsOf({ rows, columns, row, column }: Walk): number[] {
  if (column !== 1) return new Array(rows * columns).fill(1);
  return row === columns ? [rows * columns] : new Array(rows).fill(columns);
}

const traffic: Law = ({ arch, issued, timing }) => {
  const sum: Record<string, number> = {};
  for (const { op, x } of issued)
    for (const way of ["reads", "writes"] as const)
      for (const { space, bits, count, passes = 1, walk } of op[way](x, arch.settings)) {
        const isDram = space === "data" || space === "dram";
        const key = `${isDram ? "dram" : space} ${way}`;
        const runs = walk === undefined ? [count] : runsOf(walk);
        const isApart = walk !== undefined && !(walk.column === 1 && walk.row === walk.columns);
        const word = isApart ? arch.settings["activation.bytesPerCycle"] : 1;
        const unit = isDram ? arch.settings["dram.burst"] : word;
        for (const run of runs) {
          const bytes = Math.ceil((bits * run) / 8) * passes;
          sum[key] = (sum[key] ?? 0) + Math.ceil(bytes / unit) * unit;
        }
      }
  for (const [memory, { readBytes, writeBytes }] of Object.entries(timing.traffic)) {
    if (readBytes !== (sum[`${memory} reads`] ?? 0)) return `${memory}: ${readBytes} bytes read`;
    if (writeBytes !== (sum[`${memory} writes`] ?? 0)) return `${memory}: ${writeBytes} bytes written`;
  }
  return undefined;
};

const compulsory: Law = ({ arch, sample, issued, timing }) => {
  const touched = { dram: new Uint8Array(sample.image.bytes), data: new Uint8Array(sample.dataBytes) };
  for (const { op, x } of issued)
    for (const { space, from, bits, count } of [
      ...op.reads(x, arch.settings),
      ...op.writes(x, arch.settings),
    ])
      if (space === "dram" || space === "data")
        touched[space].fill(1, from, from + Math.ceil((bits * count) / 8));
  const bytes = [...Object.values(touched)].reduce((sum, some) => some.reduce((a, b) => a + b, sum), 0);
  const { readBytes, writeBytes } = timing.traffic.dram;
  if (timing.compulsoryDramBytes !== bytes) return `${timing.compulsoryDramBytes}, not ${bytes}`;
  return readBytes + writeBytes < bytes ? `${readBytes + writeBytes} < ${bytes}` : undefined;
};

/** The instruction of this number among those of a program, in other words; the others as they are. */
function replaced(items: readonly Item[], at: { number: number }, by: (op: OpDef) => OpDef): Item[] {
  return items.map((item) => {
    if (isLoop(item)) return { ...item, body: replaced(item.body, at, by) };
    return at.number-- === 0 ? { ...item, op: by(item.op) } : item;
  });
}

const sitesIn = (items: readonly Item[]): number =>
  items.reduce((sum, item) => sum + (isLoop(item) ? sitesIn(item.body) : 1), 0);

const shorter: Law = ({ arch, sample: { program }, timing, index }) => {
  const hasten = (op: OpDef): OpDef => ({
    ...op,
    stages: (x, settings, io) =>
      op.stages(x, settings, io).map(({ unit, lead = 0, beats, latency }) => ({
        unit,
        lead: index % 5 === 0 ? Math.floor(lead / 2) : lead,
        beats: index % 2 === 0 ? Math.ceil(beats / 2) : Math.max(1, beats - 1),
        latency: index % 3 === 0 ? Math.floor(latency / 2) : latency,
      })),
  });
  const number = index % sitesIn(program.items);
  const { cycles } = time({ name: "shorter", items: replaced(program.items, { number }, hasten) }, arch);
  if (cycles <= timing.cycles) return undefined;
  return `${timing.cycles} cycles, ${cycles} with instruction ${number} shorter`;
};

const closedFormula: Law = ({ arch, index }) => {
  const unbounded = { "weight.bytesPerCycle": 65_536, "activation.bytesPerCycle": 4096, "acc.entries": 4096 };
  const { settings, ...named } = overrideArch(arch, unbounded, "unbounded");
  const [m, k, n] = [1 + (index % 19), 1 + (index % 23), 1 + (index % 17)];
  const text = `matmul w=0 x=0 acc=0 m=${m} k=${k} n=${n} wBits=8 xBits=8 keep=0`;
  const { cycles } = time(parseProgram(text, "alone"), { settings, ...named });
  const product = { m, k, n, weightBits: 8, activationBits: 8 };
  const want = 1 + arrayCost(product, settings).cycles + arrayLatency(settings);
  return cycles === want ? undefined : `${text}: ${cycles} cycles, not ${want}`;
};

const fieldsIn = (units: readonly string[]): readonly FieldName[] =>
  (Object.keys(FIELDS) as FieldName[]).filter((name) => {
    const field: Field = FIELDS[name];
    return field.kind === "int" && units.includes(field.unit);
  });
/** Bandwidths, and whatever else of which there can be more. */
const ABUNDANT = fieldsIn(["byte/cycle", "port", "channel", "lane", "instruction"]);
/** What takes its time: no time between two events that are better rare. */
const SLOW = fieldsIn(["cycle"]).filter((name) => name !== "dram.refreshInterval");

/** Of the times, each is lengthened in one case out of so many; every other law is held on every case. */
const TURNS_OF_TIMES = 4;

/** The cycles with more of a parameter: by one, or by as much again, or several times as much. Nothing where no such machine is. */
function cyclesWithMore(field: FieldName, { arch, sample, index }: Case): number | undefined {
  const now = arch.settings[field] as number;
  const more = [now + 1, 2 * now + 1, 5 * now + 7][index % 3]!;
  const { max } = FIELDS[field] as { max: number };
  let larger: ArchSpec;
  try {
    larger = overrideArch(arch, { [field]: Math.min(more, max) }, "more");
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
  return time(sample.program, larger).cycles;
}

const LAWS: ReadonlyMap<string, Law> = new Map([
  ["the samples are legal", legal],
  ["busy + stalled + idle = total, for each unit", accounted],
  [
    "busy cycles are the beats of the operations; a chain keeps both its units at the pace of the slower",
    beats,
  ],
  [
    "time is at least that of the busiest unit and of the MACs on all multipliers, at most that of all instructions one after another",
    bounded,
  ],
  ["time does not depend on earlier runs", again],
  ["a loop is judged and takes its time as its turns one by one", unrolled],
  [
    "traffic is the packed size of the spans that the operations declare, each time they pass; in DRAM, whole bursts, and of codes that lie apart, whole words",
    traffic,
  ],
  ["traffic with the DRAM is at least the distinct bytes, and those are counted right", compulsory],
  ["an instruction that gets shorter never costs a cycle", shorter],
  ["an array alone in an unbounded memory takes its closed formula, an issue and its latency", closedFormula],
  ...ABUNDANT.map((field): [string, Law] => [
    `more ${field} never costs a cycle`,
    (one) => {
      const cycles = cyclesWithMore(field, one);
      return cycles !== undefined && cycles > one.timing.cycles
        ? `${one.timing.cycles}, ${cycles} with more`
        : undefined;
    },
  ]),
  ...SLOW.map((field, i): [string, Law] => [
    `more ${field} never gains a cycle`,
    (one) => {
      if ((one.index + i) % TURNS_OF_TIMES !== 0) return undefined;
      const cycles = cyclesWithMore(field, one);
      return cycles !== undefined && cycles < one.timing.cycles
        ? `${one.timing.cycles}, ${cycles} with more`
        : undefined;
    },
  ]),
]);

/** The case with no instruction or loop that its fault can do without. */
function shrunk(one: Case, law: Law): Case {
  const { items } = one.sample.program;
  for (let i = 0; i < items.length; i++) {
    const program: Program = { name: "shrunk", items: items.toSpliced(i, 1) };
    const smaller = caseOf(one.seed, one.index, one.arch, { ...one.sample, program });
    if (law(smaller) !== undefined) return shrunk(smaller, law);
  }
  return one;
}

function told(one: Case, law: Law): string {
  const small = shrunk(one, law);
  const { settings } = small.arch;
  const changes = Object.entries(settings).filter(
    ([name, value]) => value !== FIELDS[name as FieldName].default,
  );
  const machine = changes.map(([name, value]) => `${name}=${value}`).join(" ");
  return `${one.seed}: ${law(small)}\n${formatProgram(small.sample.program)}on ${machine}`;
}

describe("laws", () => {
  const faults = new Map<string, string[]>();
  const seen = {
    operations: new Set<string>(),
    causes: new Set<string>(),
    issueStalls: 0,
    nested: 0,
    issued: 0,
  };

  function examine(one: Case): void {
    for (const [name, law] of LAWS) {
      if (law(one) === undefined) continue;
      const known = faults.get(name) ?? [];
      faults.set(name, known);
      known.push(known.length === 0 ? told(one, law) : one.seed);
    }
    for (const { op } of one.issued) seen.operations.add(op.name);
    for (const { stalledCycles } of Object.values(one.timing.units))
      for (const [cause, cycles] of Object.entries(stalledCycles)) if (cycles > 0) seen.causes.add(cause);
    if (one.timing.issueStallCycles > 0) seen.issueStalls++;
    if (one.sample.program.items.some((item) => isLoop(item) && item.body.some(isLoop))) seen.nested++;
    seen.issued += one.issued.length;
  }

  beforeAll(() => {
    for (const one of longCases) examine(one);
    for (let i = 0; i < SHORT_CASES; i++) examine(shortCase(i));
  }, HOOK_MS);

  test.each([...LAWS.keys()])("%s", (name) => expect(faults.get(name) ?? []).toEqual([]));

  test("are held on every operation, every cause of stalling and nested loops", () => {
    expect([...seen.operations].sort()).toEqual((ops as readonly OpDef[]).map(({ name }) => name).sort());
    expect([...seen.causes].sort()).toEqual([...STALL_CAUSES].sort());
    expect(seen.issueStalls).toBeGreaterThan(SHORT_CASES / 20);
    expect(seen.nested).toBeGreaterThan(SHORT_CASES / 20);
    expect(seen.issued).toBeGreaterThan(10 * SHORT_CASES);
  });
});

const LANES = 3;

function machineOf({ arch, sample, seed }: Case, backend: "simd" | "twin"): Machine {
  const { program, image, dataBytes } = sample;
  const machine = Machine.of(arch, {
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
    for (const one of longCases.slice(0, 40)) {
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
    for (const one of longCases.slice(40, 65)) {
      const [got, want] = [machineOf(one, "twin"), machineOf(one, "simd")];
      for (const machine of [got, want]) machine.run(one.sample.program);
      expectSameContents(got, want, one);
    }
  });

  test("a lane's results do not depend on its neighbours", () => {
    for (const one of longCases.slice(65)) {
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
