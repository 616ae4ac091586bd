import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signed, unsigned } from "../../src/fixed/format.ts";
import { ROUNDINGS, type Rounding } from "../../src/fixed/round.ts";
import { lookup, type PwlTable, pieceOf, tableBits } from "../../src/pwl/table.ts";

/** Three pieces by hand: flat at -5, then 3/4 of an LSB a step, then 2 down a step. */
const TABLE: PwlTable = {
  in: signed(5),
  out: signed(5),
  knots: Int32Array.of(-16, -4, 8),
  bases: Int32Array.of(-5, -5, 4),
  slopes: Int32Array.of(0, 3, -8),
  shift: 2,
  slopeBits: 5,
};

test("a piece begins at its knot and ends before the next", () => {
  const at = [-100, -16, -5, -4, 7, 8, 15, 100].map((x) => pieceOf(TABLE.knots, x));
  expect(at).toEqual([0, 0, 0, 1, 1, 2, 2, 2]);
});

test("values by hand", () => {
  const got = [-16, -5, -4, -3, -2, -1, 0, 7, 8, 9, 15].map((x) => lookup(TABLE, x, "half-away"));
  // 0.75, 1.5 (a tie, away), 2.25, 3 and 8.25 above -5; then 4, 2 and -10.
  expect(got).toEqual([-5, -5, -5, -4, -3, -3, -2, 3, 4, 2, -10]);
});

test("the rise is rounded, not the sum: a tie goes by the sign of the rise", () => {
  const down: PwlTable = { ...TABLE, slopes: Int32Array.of(0, -2, 0) };
  const got = ROUNDINGS.map((rounding) => [lookup(TABLE, -2, rounding), lookup(down, -3, rounding)]);
  // A rise of 1.5 above -5, and one of -0.5.
  const wanted: Record<Rounding, [number, number]> = {
    "half-away": [-3, -6],
    "half-up": [-3, -5],
    "half-even": [-3, -5],
    "half-zero": [-4, -5],
    "half-down": [-4, -6],
    floor: [-4, -6],
    ceiling: [-3, -5],
    truncate: [-4, -5],
  };
  expect(got).toEqual(ROUNDINGS.map((rounding) => wanted[rounding]));
});

test("the sum saturates, at both ends and in unsigned formats", () => {
  const steep: PwlTable = { ...TABLE, slopes: Int32Array.of(0, 15, -15), bases: Int32Array.of(-5, 0, 0) };
  expect(lookup(steep, 7, "half-away")).toBe(15);
  expect(lookup(steep, 15, "half-away")).toBe(-16);
  const positive: PwlTable = { ...steep, out: unsigned(4) };
  expect([lookup(positive, 7, "half-away"), lookup(positive, 15, "half-away")]).toEqual([15, 0]);
});

test("storage: a knot, a base and a slope a piece, and six bits of shift", () => {
  expect(tableBits(TABLE)).toBe(3 * (5 + 5 + 5) + 6);
});

describe("against exact arithmetic", () => {
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

  test("a 32-bit slope over a 16-bit distance loses no bit", () => {
    fc.assert(
      fc.property(
        int32,
        fc.integer({ min: 0, max: 65_535 }),
        fc.integer({ min: 0, max: 31 }),
        (slope, run, shift) => {
          const table: PwlTable = {
            in: signed(17),
            out: signed(48),
            knots: Int32Array.of(-1000),
            bases: Int32Array.of(12_345),
            slopes: Int32Array.of(slope),
            shift,
            slopeBits: 32,
          };
          const floor = 12_345n + ((BigInt(slope) * BigInt(run)) >> BigInt(shift));
          const wanted = Number(BigInt.asIntN(64, floor));
          const clamped = Math.min(2 ** 47 - 1, Math.max(-(2 ** 47), wanted));
          expect(lookup(table, run - 1000, "floor")).toBe(clamped);
        },
      ),
      { numRuns: 1000, seed: 4 },
    );
  });
});
