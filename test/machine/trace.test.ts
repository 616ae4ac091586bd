import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import { type ArchSpec, makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import { type Span, UNITS } from "../../src/isa/define.ts";
import { type Program, unroll } from "../../src/isa/program.ts";
import { sizeOf } from "../../src/isa/validate.ts";
import type { Scheduled } from "../../src/machine/clock.ts";
import { MEMORIES } from "../../src/machine/tally.ts";
import { time } from "../../src/machine/timing.ts";
import { schedule, type TraceEvent, traceOf } from "../../src/machine/trace.ts";
import { randomArch } from "../support/machines.ts";
import { randomSample } from "../support/programs.ts";

const samples = Array.from({ length: 10 }, (_, i) => {
  const rng = seedrandom(`trace ${i}`);
  const arch = randomArch(rng);
  const { program } = randomSample(rng, arch, 30);
  return { arch, program, trace: traceOf(program, arch), timing: time(program, arch) };
});

const stretches = (events: readonly TraceEvent[]) =>
  events.flatMap((event) => (event.ph === "X" ? [event] : []));

test("every unit has a track for its work and one for its stalls, named and in order", () => {
  for (const { trace } of samples) {
    const names = trace.traceEvents.flatMap(({ ph, name, tid, args }) =>
      ph === "M" && name === "thread_name" ? [[tid, ...Object.values(args)]] : [],
    );
    expect(names).toEqual(
      UNITS.flatMap((unit, i) => [
        [2 * i + 1, unit],
        [2 * i + 2, `${unit} stalled`],
      ]),
    );
  }
});

test("the stretches of a track ascend, do not overlap and are not empty", () => {
  for (const { trace } of samples) {
    const ends = new Map<number, number>();
    for (const { tid, ts, dur, name } of stretches(trace.traceEvents)) {
      if (dur <= 0 || ts < (ends.get(tid) ?? 0))
        expect.fail(`${name} at ${ts}, ${dur} long, on track ${tid}`);
      ends.set(tid, ts + dur);
    }
  }
});

test("a unit's work and stalls add up to its statistics", () => {
  for (const { trace, timing } of samples) {
    for (const [i, unit] of UNITS.entries()) {
      const sum = (tid: number, name?: string) =>
        stretches(trace.traceEvents)
          .filter((event) => event.tid === tid && (name === undefined || event.name === name))
          .reduce((cycles, { dur }) => cycles + dur, 0);
      expect(sum(2 * i + 1)).toBe(timing.units[unit].busyCycles);
      for (const [cause, cycles] of Object.entries(timing.units[unit].stalledCycles))
        expect(sum(2 * i + 2, cause)).toBe(cycles);
    }
  }
});

test("a stretch of work names its instruction and its final operands", () => {
  for (const { program, trace } of samples) {
    const issued = unroll(program);
    for (const { cat, name, args } of stretches(trace.traceEvents)) {
      const { instruction, ...rest } = args;
      const { op, x } = issued[Number(instruction)]!;
      if (cat === "busy") expect([name, rest]).toEqual([op.name, x]);
      else expect(rest).toEqual({ operation: op.name });
    }
  }
});

test("it survives JSON", () => {
  for (const { trace } of samples) expect(JSON.parse(JSON.stringify(trace))).toEqual(trace);
});

type Arrow = Extract<TraceEvent, { ph: "s" | "f" }>;

const arrowsOf = (events: readonly TraceEvent[]): (readonly [from: Arrow, to: Arrow])[] => {
  const ends = events.flatMap((event) => (event.ph === "s" || event.ph === "f" ? [event] : []));
  return ends
    .filter(({ ph }) => ph === "s")
    .map((from) => {
      const others = ends.filter(({ ph, id, name }) => ph === "f" && id === from.id && name === from.name);
      expect(others, `ends of arrow ${from.id}`).toHaveLength(1);
      return [from, others[0]!];
    });
};

/** The instruction that is at work on a track in a cycle. */
const workOn = (events: readonly TraceEvent[], tid: number, cycle: number): number => {
  const found = stretches(events).find(
    (event) => event.tid === tid && event.cat === "busy" && event.ts <= cycle && cycle < event.ts + event.dur,
  );
  if (found === undefined) expect.fail(`nothing is at work on track ${tid} in cycle ${cycle}`);
  return Number(found.args["instruction"]);
};

/** Until when instruction i may not start because of instruction j before it; 0 where the two do not meet. */
function owedBy(program: Program, arch: ArchSpec, times: readonly Scheduled[]) {
  const spans = unroll(program).map(({ op, x }) => [op.reads(x, arch.settings), op.writes(x, arch.settings)]);
  const meet = (some: readonly Span[], others: readonly Span[]) =>
    some.some((a) =>
      others.some((b) => a.space === b.space && a.from < b.from + sizeOf(b) && b.from < a.from + sizeOf(a)),
    );
  return (i: number, j: number): number => {
    const [reads, writes] = spans[i]!;
    const [earlierReads, earlierWrites] = spans[j]!;
    const isOwed = meet(earlierWrites!, reads!) || meet(earlierWrites!, writes!);
    if (isOwed) return times[j]!.visibleAt;
    return meet(earlierReads!, writes!) ? times[j]!.endAt : 0;
  };
}

test("an arrow leads from whoever owed the operands longest to each instruction that waited for them, and to no other", () => {
  let arrows = 0;
  for (const { arch, program, trace } of samples) {
    const times = schedule(program, arch);
    const owed = owedBy(program, arch, times);
    const reached = new Set<number>();
    for (const [from, to] of arrowsOf(trace.traceEvents)) {
      const source = workOn(trace.traceEvents, from.tid, from.ts);
      const target = workOn(trace.traceEvents, to.tid, to.ts);
      const latest = Math.max(...Array.from({ length: target }, (_, j) => owed(target, j)));
      expect({ target, backwards: source < target && from.ts < to.ts }).toEqual({ target, backwards: true });
      expect(owed(target, source), `${source} -> ${target}`).toBe(latest);
      expect(to.ts, `${target} starts when it may`).toBeGreaterThanOrEqual(latest);
      reached.add(target);
      arrows++;
    }
    const waited = stretches(trace.traceEvents).filter(
      ({ name, tid, args }) =>
        name === "operands" &&
        tid === 2 * UNITS.indexOf(times[Number(args["instruction"])]!.turns[0]!.unit) + 2,
    );
    expect(new Set(waited.map(({ args }) => args["instruction"]))).toEqual(reached);
  }
  expect(arrows).toBeGreaterThan(100);
});

test("a counter's integral is the traffic of its memory, read and written", () => {
  for (const { trace, timing } of samples) {
    for (const memory of MEMORIES) {
      const counts = trace.traceEvents.flatMap((event) =>
        event.ph === "C" && event.name === `${memory}, bytes a cycle` ? [event] : [],
      );
      const sum = { readBytes: 0, writeBytes: 0 };
      for (const [i, { ts, args }] of counts.entries()) {
        const last = i === counts.length - 1;
        if (last) expect(args).toEqual({ read: 0, write: 0 });
        const cycles = last ? 0 : counts[i + 1]!.ts - ts;
        if (cycles < 0) expect.fail(`${memory} goes back in time at ${ts}`);
        sum.readBytes += args.read * cycles;
        sum.writeBytes += args.write * cycles;
      }
      expect(sum, memory).toEqual(timing.traffic[memory]);
    }
  }
});

test("a long program has a thousand windows and a few at most", () => {
  const program = parseProgram(
    "loop count=200 by=0,0,0,0\n  load.weight dst=0 src=0 bytes=4000\nend\n",
    "long",
  );
  const { traceEvents } = traceOf(program, makeArch({ "dram.bytesPerCycle": 1, "dram.latency": 1000 }));
  const counts = traceEvents.filter(({ ph }) => ph === "C");
  expect(counts.length).toBeGreaterThan(100);
  expect(counts.length).toBeLessThan(4 * 1026);
});

test("an instruction's layer is among what its stretch says", () => {
  const program = parseProgram("fill dst=0 n=4 bits=8 value=0\n", "labelled");
  const items = program.items.map((item) => ({ ...item, layer: "encoder.start" }));
  const { traceEvents } = traceOf({ ...program, items }, makeArch());
  expect(stretches(traceEvents).map(({ args }) => args["layer"])).toEqual(["encoder.start"]);
});
