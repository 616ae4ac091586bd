import { expect, test } from "vitest";
import { FIELDS } from "../../src/arch/fields.ts";
import { makeArch } from "../../src/arch/spec.ts";
import { signed, unsigned } from "../../src/fixed/format.ts";
import { alignmentOf, pwlBlock } from "../../src/isa/tables.ts";
import { buildTable } from "../../src/pwl/build.ts";
import { CURVES } from "../../src/pwl/curves.ts";
import { MOST_FRACTION, MOST_SLOPE_BITS, mostFraction, shapeOf } from "../../src/pwl/storage.ts";
import { tableCost } from "../../src/pwl/table.ts";

const gridOf = (bits: number) => ({ format: signed(bits), scale: 2 ** (2 - bits), zero: 0 });

test.each(["shared", "per-piece"] as const)(
  "a table costs the bits that a machine with %s shifts keeps of it, but for what aligns its arrays",
  (shifts) => {
    const arch = makeArch({ "pwl.shifts": shifts }).settings;
    for (const [inBits, bits, slopeBits, offsetFraction, symmetry] of [
      [8, 8, 16, 0, undefined],
      [8, 8, 9, 3, 0],
      [11, 6, 13, 5, 0],
      [16, 12, 7, 2, undefined],
    ] as const) {
      const options = { pieces: 7, method: "uniform", slopeBits, offsetFraction, symmetry, shifts } as const;
      const table = buildTable(CURVES.tanh.f, gridOf(inBits), gridOf(bits), options);
      const { bytes, arrays } = pwlBlock(shapeOf(table), arch);
      const padding = Object.values(arrays).reduce((sum, array) => sum + alignmentOf(array.bits), 0);
      expect(tableCost(table).bits).toBeLessThanOrEqual(8 * bytes);
      expect(tableCost(table).bits).toBeGreaterThan(8 * (bytes - padding));
    }
  },
);

test("no machine has more than tables can", () => {
  expect(FIELDS["pwl.slopeBits"].max).toBeLessThanOrEqual(MOST_SLOPE_BITS);
  expect(FIELDS["pwl.offsetFraction"].max).toBe(MOST_FRACTION);
});

test("an offset keeps within 32 bits, a sign among them", () => {
  expect([signed(8), signed(16), unsigned(16), signed(24)].map(mostFraction)).toEqual([16, 16, 15, 8]);
});
