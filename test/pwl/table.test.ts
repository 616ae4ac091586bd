import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signed, unsigned } from "../../src/fixed/format.ts";
import { ROUNDINGS, type Rounding } from "../../src/fixed/round.ts";
import { lookup, type PwlTable, pieceOf, tableCost } from "../../src/pwl/table.ts";

/** Three pieces by hand: flat at -5, then 3/4 of an LSB a step, then 2 down a step. */
const TABLE: PwlTable = {
  in: signed(5),
  out: signed(5),
  knots: Int32Array.of(-16, -4, 8),
  bases: Int32Array.of(-5, -5, 4),
  slopes: Int32Array.of(0, 3, -8),
  offsetFraction: 0,
  shifts: Int32Array.of(2),
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

describe("cost", () => {
  test("a knot, an offset and a slope a piece, eight bits of shift; the first piece has no comparator", () => {
    expect(tableCost(TABLE)).toEqual({
      bits: 3 * (5 + 5 + 5) + 8,
      pieces: 3,
      comparators: 2,
      // The longest piece is the middle one: distances of up to 11.
      multiplier: [5, 4],
      adderBits: 10,
      shifts: 1,
    });
  });

  test("fractions widen offsets, pieces with shifts of their own have one each, a mirrored table two sums", () => {
    const table: PwlTable = {
      ...{ ...TABLE, offsetFraction: 2, shifts: Int32Array.of(2, 9, 2) },
      ...{ knots: Int32Array.of(0, 4, 8), mirror: { inSum: 0, outSum: 0 } },
    };
    // -16 is looked up as 16, one beyond the codes.
    expect(tableCost(table)).toMatchObject({
      bits: 3 * (5 + 7 + 5) + 3 * 8 + 2 * 32,
      multiplier: [5, 4],
      shifts: 2,
    });
  });
});

describe("offsets with a fraction", () => {
  test("the fraction is added before the one rounding", () => {
    // 1.75 + 3/4 a step: 1.75, 2.5, 3.25, 4; and below 0 the floor is whole: -1.25 is -2 and 3/4.
    const table: PwlTable = {
      ...{ ...TABLE, knots: Int32Array.of(-16, 0), bases: Int32Array.of(-5, 7), offsetFraction: 2 },
      slopes: Int32Array.of(0, 3),
    };
    const at = (rounding: Rounding) => [0, 1, 2, 3, -16].map((x) => lookup(table, x, rounding));
    expect(at("floor")).toEqual([1, 2, 3, 4, -2]);
    expect(at("half-away")).toEqual([2, 3, 3, 4, -1]);
    expect(at("half-zero")).toEqual([2, 2, 3, 4, -1]);
  });
});

describe("a mirrored table", () => {
  /** 3/4 a step from 0 on, 12 from 8 on. */
  const HALF: PwlTable = {
    ...{ ...TABLE, knots: Int32Array.of(0, 8), bases: Int32Array.of(0, 12), slopes: Int32Array.of(3, 0) },
    mirror: { inSum: 0, outSum: 0 },
  };

  test("is odd to the last bit, whatever the rounding", () => {
    for (const rounding of ROUNDINGS) {
      for (let x = 1; x < 16; x++) expect(lookup(HALF, -x, rounding)).toBe(0 - lookup(HALF, x, rounding));
    }
    // One beyond the largest code, of which there is no mirror image.
    expect(lookup(HALF, -16, "floor")).toBe(-12);
  });

  test("its halves add up to the sum, about a point between two codes as well", () => {
    const table = { ...HALF, mirror: { inSum: -1, outSum: 3 } };
    for (let x = 0; x < 15; x++)
      expect(lookup(table, -1 - x, "half-up") + lookup(table, x, "half-up")).toBe(3);
  });

  test("saturates on both ways", () => {
    const steep: PwlTable = { ...HALF, bases: Int32Array.of(15, 15), slopes: Int32Array.of(30, 0) };
    expect([lookup(steep, 5, "floor"), lookup(steep, -5, "floor")]).toEqual([15, -15]);
    const far: PwlTable = { ...steep, mirror: { inSum: 0, outSum: 40 } };
    expect(lookup(far, -5, "floor")).toBe(15);
  });
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
            offsetFraction: 0,
            slopes: Int32Array.of(slope),
            shifts: Int32Array.of(shift),
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
