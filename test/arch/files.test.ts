import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import type { FieldName } from "../../src/arch/fields.ts";
import { hashArch, loadArch, makeArch } from "../../src/arch/spec.ts";

/** Every machine that comes with the project: what it resembles, and what makes it that. */
const MACHINES: Readonly<
  Record<
    string,
    { readonly like: string; readonly by: Readonly<Partial<Record<FieldName, number | string>>> }
  >
> = {
  edge16x16: {
    like: "the default, a phone-class systolic core of 256 multipliers",
    by: { "mac.rows": 16, "mac.columns": 16, "mac.dataflow": "weight-stationary", "weight.bytes": 524_288 },
  },
  edge8x8: {
    like: "a microcontroller's accelerator, the class of Arm's Ethos-U55-64",
    by: { "mac.rows": 8, "mac.columns": 8, "dram.bytesPerCycle": 4, "dma.channels": 1, "pwl.chained": "no" },
  },
  edge32x32: {
    like: "a larger systolic array, Google's Edge TPU at a quarter of its side",
    by: { "mac.rows": 32, "mac.columns": 32, "mac.dataflow": "weight-stationary" },
  },
  dot16x16: {
    like: "an adder-tree engine, the shape of NVDLA's core",
    by: { "mac.rows": 16, "mac.columns": 16, "mac.dataflow": "dot" },
  },
  "narrow-acc": {
    like: "a DSP-derived engine with saturating accumulators",
    by: { "acc.bits": 24, "acc.overflow": "saturate" },
  },
  "pure-shift": {
    like: "a requantizer without a multiplier, as for Shift-BatchNorm",
    by: { "requant.kind": "shift", "requant.rounding": "half-up" },
  },
  "scalesim-is": {
    like: "SCALE-Sim's input-stationary array, whose folds never overlap",
    by: { "mac.dataflow": "input-stationary", "mac.preload": "serial", "mac.outputs": "rows" },
  },
  "scalesim-os": {
    like: "SCALE-Sim's output-stationary array, whose folds never overlap",
    by: { "mac.dataflow": "output-stationary", "mac.preload": "serial", "mac.outputs": "columns" },
  },
  "scalesim-ws": {
    like: "SCALE-Sim's weight-stationary array, whose folds never overlap",
    by: { "mac.dataflow": "weight-stationary", "mac.preload": "serial", "mac.outputs": "rows" },
  },
};

test("every file in arch/ is in this table, and every row has its file", () => {
  expect(readdirSync("arch").sort()).toEqual(
    Object.keys(MACHINES)
      .map((name) => `${name}.yaml`)
      .sort(),
  );
});

test.each(Object.entries(MACHINES))("%s loads and is what it says", (name, { by }) => {
  const arch = loadArch(`arch/${name}.yaml`);
  expect(arch.name).toBe(name);
  expect(arch.settings).toMatchObject(by);
});

test("no two machines are the same", () => {
  const hashes = Object.keys(MACHINES).map((name) => hashArch(loadArch(`arch/${name}.yaml`)));
  expect(new Set(hashes).size).toBe(hashes.length);
});

test("edge16x16 writes out what the defaults are", () => {
  expect(loadArch("arch/edge16x16.yaml").settings).toEqual(makeArch().settings);
});
