import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { AREA_PARTS, areaOf, BASELINES, equalAreaShape, macArea } from "../../src/machine/area.ts";

const GATE = 798_000;
const settings = (changes: Readonly<Record<string, unknown>> = {}) => makeArch(changes).settings;

describe("a processing element", () => {
  test.each([
    [4, 4, 1110],
    [8, 4, 1170],
    [8, 8, 1722],
    [16, 8, 1965],
    [16, 16, 3217],
  ])("of %i x %i bits is as synthesized", (weightBits, activationBits, gates) => {
    expect(macArea(weightBits, activationBits)).toBe(gates * GATE);
    expect(macArea(activationBits, weightBits)).toBe(gates * GATE);
  });

  test("between two sizes of the table is the larger one, and wider operands never take less", () => {
    expect(macArea(5, 8)).toBe(macArea(8, 8));
    expect(macArea(9, 2)).toBe(macArea(16, 8));
    for (let w = 1; w <= 16; w++) {
      for (let x = 1; x <= 16; x++) {
        if (w < 16 && macArea(w + 1, x) < macArea(w, x))
          expect.fail(`${w + 1} x ${x} is less than ${w} x ${x}`);
      }
    }
  });

  test("beyond 16 bits is none", () => {
    expect(() => macArea(32, 32)).toThrow(/^there is no MAC of 32 x 32 bits$/);
  });
});

describe("a machine", () => {
  test("is the sum of its parts, in whole square nanometres", () => {
    const { parts, total } = areaOf(settings());
    expect(parts).toEqual({
      mac: 256 * 1722 * GATE,
      requant: 16 * 6038 * GATE,
      accumulator: 4096 * 32 * 346_000,
      weight: 524_288 * 8 * 346_000,
      activation: 65_536 * 8 * 346_000,
      table: 65_536 * 8 * 346_000,
    });
    expect(total).toBe(AREA_PARTS.reduce((sum, part) => sum + parts[part], 0));
    expect(Number.isSafeInteger(total)).toBe(true);
  });

  test.each([
    ["shift", {}, 702],
    ["multiplier", { "requant.multiplierBits": 12 }, 6038],
    ["multiplier", { "requant.multiplierBits": 31 }, 10_145],
    ["multiplier", { "requant.multiplierBits": 31, "requant.rounding": "tflite-double" }, 10_145],
  ])("with a requantizer of kind %s, %o", (kind, changes, gates) => {
    const arch = settings({ ...changes, "requant.kind": kind, "requant.lanes": 1 });
    expect(areaOf(arch).parts.requant).toBe(gates * GATE);
    expect(areaOf(arch).notCounted).not.toContain("requantizer");
  });

  test.each([
    { "requant.kind": "two-shift" },
    { "requant.multiplierBits": 24, "requant.rounding": "float32", "vector.multiplierBits": 24 },
  ])("says what has no figure: %o", (changes) => {
    const { parts, notCounted } = areaOf(settings(changes));
    expect(parts.requant).toBe(0);
    expect(notCounted).toEqual([
      "requantizer",
      "PWL unit",
      "vector unit",
      "DMA and sequencer",
      "SRAM periphery",
      "wiring",
    ]);
  });
});

describe("a float array of equal area", () => {
  test("is as large as fits: 29 FP32 MACs of 11,884 um2 into 256 of 1,722 gates", () => {
    expect(Math.floor((256 * 1722 * 0.798) / 11_884)).toBe(29);
    expect(equalAreaShape(settings(), "fp32")).toEqual({ rows: 4, columns: 7 });
    expect(equalAreaShape(settings(), "fp16")).toEqual({ rows: 9, columns: 13 });
  });

  test("never exceeds the area or the sides, wastes little, and keeps to the proportions where there is room", () => {
    for (const rows of [1, 2, 3, 5, 8, 16, 31, 64]) {
      for (const columns of [1, 2, 7, 16, 33, 128]) {
        for (const float of BASELINES) {
          const arch = settings({ "mac.rows": rows, "mac.columns": columns });
          const shape = equalAreaShape(arch, float);
          const fit = Math.floor(areaOf(arch).parts.mac / { fp32: 11_884e6, fp16: 3000e6 }[float]);
          const elements = shape.rows * shape.columns;
          const told = `${rows} x ${columns} in ${float}: ${shape.rows} x ${shape.columns} of ${fit}`;
          if (elements < 1 || elements > Math.max(1, fit)) expect.fail(told);
          if (shape.rows > rows || shape.columns > columns) expect.fail(told);
          if (elements < 0.75 * fit && shape.columns < columns && shape.rows < rows) expect.fail(told);
          const proportion = (shape.rows * columns) / (shape.columns * rows);

          if ((proportion > 2 || proportion < 0.5) && fit >= 16 && rows === columns) {
            expect.fail(told);
          }
        }
      }
    }
  });

  test("is of other proportions where the area is too small for anything of these", () => {
    const shape = (rows: number, columns: number) =>
      equalAreaShape(settings({ "mac.rows": rows, "mac.columns": columns }), "fp32");
    expect(shape(64, 2)).toEqual({ rows: 14, columns: 1 });
    expect(shape(2, 64)).toEqual({ rows: 1, columns: 14 });
    expect(shape(2, 2)).toEqual({ rows: 1, columns: 1 });
  });
});
