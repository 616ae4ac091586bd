import { expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import { type OpDef, type Stage, UNITS } from "../../src/isa/define.ts";
import type { Instruction, Program } from "../../src/isa/program.ts";
import { time } from "../../src/machine/timing.ts";
import { fill } from "./bench.ts";

/** A program of one instruction whose record says that it costs so much. */
function costing(stages: readonly Stage[]): Program {
  const [instruction] = parseProgram(fill(0, 4), "costing").items as readonly Instruction[];
  const op: OpDef = { ...instruction!.op, name: "odd", stages: () => stages };
  return { name: "costing", items: [{ ...instruction!, op }] };
}

test.each([
  ["no stages", []],
  ["vector: 0 beats, latency 4", [{ unit: "vector", beats: 0, latency: 4 }]],
  ["vector: NaN beats, latency 4", [{ unit: "vector", beats: Number.NaN, latency: 4 }]],
  ["vector: 1 beats, latency -1", [{ unit: "vector", beats: 1, latency: -1 }]],
  ["dma: lead -1, 1 beats, latency 0", [{ unit: "dma", lead: -1, beats: 1, latency: 0 }]],
  [
    "requant: 3 beats, latency 4; pwl: 0 beats, latency 3",
    [
      { unit: "requant", beats: 3, latency: 4 },
      { unit: "pwl", beats: 0, latency: 3 },
    ],
  ],
] as const)("an operation is never free: %s", (given, stages) => {
  expect(() => time(costing(stages), makeArch())).toThrow(
    new RangeError(`operation odd has no cost on this machine: ${given}`),
  );
});

test("an operation with a cost is timed by it", () => {
  const cycles = (stages: readonly Stage[]) => time(costing(stages), makeArch()).cycles;
  expect(cycles([{ unit: "vector", beats: 7, latency: 2 }])).toBe(1 + 7 + 2);
});

test("a stage is three spans on any unit: a lead before its beats, and a latency after them", () => {
  const stage = { lead: 5, beats: 7, latency: 2 };
  for (const unit of UNITS) {
    const { cycles, units } = time(costing([{ unit, ...stage }]), makeArch());
    expect(cycles, unit).toBe(1 + 5 + 7 + 2);
    expect(units[unit].busyCycles, unit).toBe(7);
  }
});
