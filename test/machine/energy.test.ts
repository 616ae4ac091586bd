import { describe, expect, test } from "vitest";
import { FIELDS } from "../../src/arch/fields.ts";
import { makeArch } from "../../src/arch/spec.ts";
import { type Actions, energyOf } from "../../src/machine/energy.ts";
import { bench } from "./bench.ts";

const NOTHING: Actions = {
  macs: 0,
  macBitProducts: 0,
  requants: 0,
  lookups: 0,
  lookupBitProducts: 0,
  elementBits: 0,
  elementSquaredBits: 0,
  weightBytes: 0,
  activationBytes: 0,
  tableBytes: 0,
  dramBytes: 0,
  cycles: 0,
};
const energy = (actions: Partial<Actions>, changes: Readonly<Record<string, unknown>> = {}) =>
  energyOf({ ...NOTHING, ...actions }, makeArch(changes).settings);

test("the defaults are Horowitz's figures, a byte being an eighth of his 64-bit access", () => {
  const of = (name: "multiply8" | "add32" | "tableByte" | "weightByte" | "dramByte" | "idleCycle") =>
    FIELDS[`energy.${name}`].default;
  expect([of("multiply8"), of("add32")]).toEqual([0.2, 0.1]);
  expect([of("tableByte"), FIELDS["energy.activationByte"].default, of("weightByte")]).toEqual([
    10 / 8,
    20 / 8,
    100 / 8,
  ]);
  expect(of("dramByte")).toBe(1300 / 8);
  // No figure is published for it, so it is not counted.
  expect(of("idleCycle")).toBe(0);
});

test("nothing costs nothing", () => {
  expect(Object.values(energy({}))).toEqual(new Array(11).fill(0));
});

describe("scaled by width", () => {
  test("a multiplication by the product of its operands' widths: within 4 % of the published 32-bit one", () => {
    const { mac } = energy({ macs: 1, macBitProducts: 32 * 32 });
    expect(Math.abs(mac / 3.1 - 1)).toBeLessThan(0.04);
  });

  test("an addition by its width: within 20 % of the published one of 8 bits", () => {
    const { accumulator } = energy({ macs: 1 }, { "acc.bits": 8 });
    expect(Math.abs(accumulator / 0.03 - 1)).toBeLessThan(0.2);
  });

  test.each([
    [8, 8, 32],
    [4, 8, 32],
    [4, 4, 16],
    [16, 8, 48],
  ])("a MAC of %i x %i bits into %i, both halves of it", (w, x, acc) => {
    const changes = { "acc.bits": acc, "requant.multiplierBits": 15 };
    const { mac, accumulator, total } = energy({ macs: 10, macBitProducts: 10 * w * x }, changes);
    expect(mac).toBeCloseTo((10 * 0.2 * w * x) / 64, 9);
    expect(accumulator).toBeCloseTo((10 * 0.1 * acc) / 32, 9);
    expect(total).toBeCloseTo(mac + accumulator, 9);
  });
});

test.each([
  ["multiplier", {}, (0.2 * 32 * 16) / 64 + 0.1],
  ["multiplier", { "requant.multiplierBits": 31 }, (0.2 * 32 * 31) / 64 + 0.1],
  ["two-shift", {}, 0.2],
  ["shift", {}, 0.1],
])("the requantizer of kind %s, %o", (kind, changes, each) => {
  const { requant, total } = energy({ requants: 7 }, { ...changes, "requant.kind": kind });
  expect(requant).toBeCloseTo(7 * each, 9);
  expect(total).toBe(requant);
});

test("table memory is counted where it is written and where it is read", () => {
  const load = bench(["load.table dst=0 src=0 bytes=48"]).timing;
  expect(load.traffic.table).toEqual({ readBytes: 0, writeBytes: 48 });
  expect(load.energyPj.table).toBeCloseTo(48 * 1.25, 9);
  const lines = ["pwl dst=0 src=64 n=5 inBits=8 bits=8 table=0 pieces=4 slopeBits=16 fraction=0 mirrored=0"];
  const { traffic, energyPj } = bench(lines, { "pwl.slopeBits": 16 }).timing;
  expect(traffic.table).toEqual({ readBytes: 4 * (1 + 1 + 2) + 1, writeBytes: 0 });
  expect(energyPj.table).toBeCloseTo(17 * 1.25, 9);
});

test.each([
  ["8-bit codes, slopes as wide as the unit's", 8, 16, 8 * 16],
  ["slopes narrower than the unit's", 8, 10, 8 * 10],
  ["16-bit codes", 16, 16, 16 * 16],
])("a lookup multiplies a slope by a distance as wide as a code: %s", (_, inBits, slopeBits, bitProducts) => {
  const shape = `inBits=${inBits} bits=8 table=0 pieces=4 slopeBits=${slopeBits} fraction=0 mirrored=0`;
  const { energyPj } = bench([`pwl dst=0 src=64 n=5 ${shape}`], { "pwl.slopeBits": 16 }).timing;
  expect(energyPj.pwl).toBeCloseTo(5 * ((0.2 * bitProducts) / 64 + 0.1), 9);
});

test("1/sqrt multiplies by a 16-bit mantissa, and a step of the interpolated table has 9 bits", () => {
  const rsqrt = "rsqrt dst=0 exponent=64 src=96 n=2 table=0 pieces=4 slopeBits=12 fraction=0";
  expect(bench([rsqrt]).timing.energyPj.pwl).toBeCloseTo(2 * ((0.2 * 16 * 12) / 64 + 0.1), 9);
  const mirrored = "mirrored dst=0 src=64 n=2 inBits=16 factor=3 shift=0 odd=0 table=0";
  expect(bench([mirrored]).timing.energyPj.pwl).toBeCloseTo(2 * ((0.2 * 16 * 9) / 64 + 0.1), 9);
});
