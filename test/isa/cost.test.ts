import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { streamCycles, trafficOf, vectorStages } from "../../src/isa/cost.ts";
import { type OpDef, type Span, UNITS } from "../../src/isa/define.ts";
import { lookupStage } from "../../src/isa/lookup.ts";
import { ops } from "../../src/isa/table.ts";
import { legalOperands, variant } from "../conformance/op-bench.ts";

const archOf = (changes: Readonly<Record<string, unknown>> = {}) => makeArch(changes).settings;
const span = (space: Span["space"], bits: number, count: number, passes?: number): Span => ({
  ...{ space, from: 0, bits, count },
  ...(passes === undefined ? {} : { passes }),
});

describe("traffic of a span", () => {
  test("is its packed bytes, as often as a unit passes over it", () => {
    expect(trafficOf(span("activation", 4, 10), archOf())).toBe(5);
    expect(trafficOf(span("weight", 3, 3), archOf())).toBe(2);
    expect(trafficOf(span("weight", 8, 10, 7), archOf())).toBe(70);
  });

  test("is whole bursts where it is DRAM's", () => {
    const arch = archOf({ "dram.burst": 32 });
    for (const space of ["dram", "data"] as const) {
      expect([1, 32, 33].map((bytes) => trafficOf(span(space, 8, bytes), arch))).toEqual([32, 32, 64]);
    }
  });

  test("is whole words for each row, or each code, where codes lie apart", () => {
    const arch = archOf({ "activation.bytesPerCycle": 16 });
    const walked = (bits: number, rows: number, columns: number, row: number, column: number) =>
      trafficOf({ ...span("activation", bits, rows * columns), walk: { rows, columns, row, column } }, arch);
    expect(walked(8, 5, 7, 7, 1)).toBe(35);
    expect(walked(4, 5, 7, 7, 1)).toBe(18);
    expect(walked(8, 5, 7, 8, 1)).toBe(5 * 16);
    expect(walked(8, 5, 17, 18, 1)).toBe(5 * 32);
    expect(walked(8, 5, 7, 1, 5)).toBe(35 * 16);
    expect(walked(48, 5, 3, 0, 0)).toBe(15 * 16);
  });

  test("is none where it is of accumulators", () => {
    expect(trafficOf(span("acc", 32, 100), archOf())).toBe(0);
  });
});

describe("cycles of the activation SRAM's ports", () => {
  const arch = archOf({ "activation.bytesPerCycle": 16 });
  const cycles = (reads: readonly Span[], writes: readonly Span[] = []) =>
    streamCycles({ reads, writes }, arch);

  test("what is read passes one after the other, a ragged end costs a cycle", () => {
    expect(cycles([span("activation", 8, 16)])).toBe(1);
    expect(cycles([span("activation", 8, 17)])).toBe(2);
    expect(cycles([span("activation", 8, 16), span("activation", 8, 16)])).toBe(2);
    expect(cycles([span("activation", 4, 16), span("activation", 4, 16)])).toBe(1);
  });

  test("what is written passes at the same time", () => {
    expect(cycles([span("activation", 8, 32)], [span("activation", 8, 48)])).toBe(3);
    expect(cycles([span("activation", 8, 64)], [span("activation", 8, 48)])).toBe(4);
  });

  test("other memories have ports of their own", () => {
    expect(cycles([span("weight", 8, 1000), span("table", 8, 1000), span("acc", 32, 1000)])).toBe(0);
  });
});

test("the vector unit takes a lane for each element, and no less than its operands need to pass", () => {
  const arch = archOf({ "vector.lanes": 16, "vector.latency": 4, "activation.bytesPerCycle": 16 });
  const beats = (n: number, bits: number, cycles = 1) =>
    vectorStages(n, { reads: [span("activation", bits, n)], writes: [] }, arch, cycles)[0]!.beats;
  expect([16, 17].map((n) => beats(n, 8))).toEqual([1, 2]);
  expect(beats(16, 32)).toBe(4);
  expect(beats(17, 8, 8)).toBe(16);
  expect(vectorStages(1, { reads: [], writes: [] }, arch)).toEqual([
    { unit: "vector", beats: 1, latency: 4 },
  ]);
});

test("comparators find a piece in a cycle, binary search halves the pieces each cycle", () => {
  const none = { reads: [], writes: [] };
  const latency = (search: string, pieces: number) =>
    lookupStage(1, pieces, none, archOf({ "pwl.search": search, "pwl.latency": 3 })).latency - 3;
  expect([1, 2, 16, 256].map((pieces) => latency("comparators", pieces))).toEqual([1, 1, 1, 1]);
  expect([1, 2, 3, 4, 5, 8, 9, 16, 256].map((pieces) => latency("binary", pieces))).toEqual([
    ...[1, 1, 2, 2, 3, 3, 4, 4, 8],
  ]);
});

describe.each(ops.map((op) => [op.name, op as OpDef] as const))("%s", (name, op) => {
  const samples = (changes: Readonly<Record<string, unknown>>) => {
    const { arch } = variant("timed", changes);
    const rng = seedrandom(`cost/${name}`);
    return Array.from({ length: 20 }, () => {
      const x = legalOperands(op, arch, rng, {});
      const io = { reads: op.reads(x, arch), writes: op.writes(x, arch) };
      return { x, arch, io, stages: op.stages(x, arch, io) };
    });
  };

  test("takes at least a cycle of one or two units, in whole cycles", () => {
    for (const { stages } of samples({})) {
      expect([1, 2]).toContain(stages.length);
      for (const { unit, beats, latency } of stages) {
        expect(UNITS).toContain(unit);
        expect(Number.isSafeInteger(beats) && beats >= 1).toBe(true);
        expect(Number.isSafeInteger(latency) && latency >= 0).toBe(true);
      }
    }
  });

  test("takes at least as long as its activations need to pass", () => {
    for (const { arch, io, stages } of samples({ "activation.bytesPerCycle": 1, "dram.bytesPerCycle": 1 })) {
      const longest = Math.max(...stages.map(({ beats }) => beats));
      expect(longest).toBeGreaterThanOrEqual(streamCycles(io, arch));
    }
  });

  test("never takes longer with wider memories", () => {
    const wider = {
      "activation.bytesPerCycle": 4096,
      "weight.bytesPerCycle": 65_536,
      "dram.bytesPerCycle": 4096,
    };
    for (const { x, arch, io, stages } of samples({
      "activation.bytesPerCycle": 1,
      "weight.bytesPerCycle": 1,
    })) {
      const faster = op.stages(x, { ...arch, ...wider }, io);
      for (const [i, { beats }] of stages.entries()) expect(faster[i]!.beats).toBeLessThanOrEqual(beats);
    }
  });

  test("says what it works on", () => {
    for (const { x, arch, stages } of samples({})) {
      const { macs, requants, lookups, elements } = op.work(x, arch);
      const units = stages.map(({ unit }) => unit);
      expect(macs !== undefined).toBe(units.includes("mac"));
      expect(lookups !== undefined).toBe(units.includes("pwl"));
      expect(elements !== undefined).toBe(units.includes("vector"));
      if (units.includes("requant")) expect(requants).toBeGreaterThan(0);
    }
  });
});
