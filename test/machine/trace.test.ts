import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import { UNITS } from "../../src/isa/define.ts";
import { unroll } from "../../src/isa/program.ts";
import { time } from "../../src/machine/timing.ts";
import { type TraceEvent, traceOf } from "../../src/machine/trace.ts";
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
    const names = trace.traceEvents.flatMap(({ name, tid, args }) =>
      name === "thread_name" ? [[tid, ...Object.values(args)]] : [],
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
