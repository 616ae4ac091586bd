import { expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { OpDef, Stage } from "../../src/isa/define.ts";
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
  expect(time(costing([{ unit: "vector", beats: 7, latency: 2 }]), makeArch()).cycles).toBe(1 + 7 + 2);
});
