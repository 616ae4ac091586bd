import fc from "fast-check";
import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import {
  fit as fitted,
  type IntFormat,
  maxOf,
  minOf,
  OVERFLOWS,
  type Overflow,
  saturate,
  signed,
  storageBytes,
  unsigned,
  wrap,
} from "../../src/fixed/format.ts";
import { type Rounding, roundShift } from "../../src/fixed/round.ts";
import { edges, exactSaturate, exactWrap } from "../support/exact.ts";
import { expectInt, randomInt } from "../support/ints.ts";
import { goldenTable } from "./golden.ts";

const WIDTHS = Array.from({ length: 47 }, (_, i) => i + 2);
const FORMATS = WIDTHS.flatMap((bits) => [signed(bits), unsigned(bits)]);
const name = (f: IntFormat) => `${f.signed ? "s" : "u"}${f.bits}`;

test("the ends of a format", () => {
  expect(
    [signed(2), unsigned(2), signed(8), unsigned(8), signed(48)].map((f) => [minOf(f), maxOf(f)]),
  ).toEqual([
    [-2, 1],
    [0, 3],
    [-128, 127],
    [0, 255],
    [-(2 ** 47), 2 ** 47 - 1],
  ]);
});

test("saturate and wrap on every width, at edges and on random integers, seed format", () => {
  const rng = seedrandom("format");
  const values = [...edges(53), ...Array.from({ length: 500 }, () => randomInt(rng, 54))];
  for (const f of FORMATS) {
    for (const x of values) {
      const bound = exactSaturate(BigInt(x), f.bits, f.signed);
      expectInt(saturate(x, f), bound, () => `${x} saturated to ${name(f)}`);
      expectInt(fitted(x, f, "saturate"), bound, () => `${x} fitted to ${name(f)}`);
      const low = exactWrap(BigInt(x), f.bits, f.signed);
      expectInt(wrap(x, f), low, () => `${x} wrapped to ${name(f)}`);
      expectInt(fitted(x, f, "wrap"), low, () => `${x} fitted to ${name(f)} by wrapping`);
    }
  }
});

/** The quantization modes of IEEE 1666. */
const QUANTIZATIONS: Readonly<Record<string, Rounding>> = {
  RND: "half-up",
  RND_ZERO: "half-zero",
  RND_MIN_INF: "half-down",
  RND_INF: "half-away",
  RND_CONV: "half-even",
  TRN: "floor",
  TRN_ZERO: "truncate",
};

/** Its overflow modes, the number of saturated bits left off. */
const OVERFLOW_NAMES: Readonly<Record<string, Overflow>> = {
  SAT: "saturate",
  SAT_ZERO: "saturate-zero",
  SAT_SYM: "saturate-symmetric",
  WRAP: "wrap",
  WRAP_SM: "wrap-sign-magnitude",
};

test.each([
  ["systemc/s12f6_to_s7f3.csv", signed(7), 63],
  ["systemc/s12f6_to_u7f3.csv", unsigned(7), 42],
] as const)("SystemC itself, all of 12 bits in every mode: %s", (file, format, modes) => {
  const [header, ...rows] = goldenTable(file);
  const columns = header!.map((name, at) => {
    const [, quantization, overflow, kept] = /^(\w+)\/([A-Z_]+)(\d*)$/.exec(name) ?? [];
    return {
      name,
      at,
      rounding: QUANTIZATIONS[quantization ?? ""]!,
      overflow: OVERFLOW_NAMES[overflow ?? ""]!,
      kept: Number(kept),
    };
  });
  let compared = 0;
  for (const row of rows) {
    for (const { name, at, rounding, overflow, kept } of columns.slice(1)) {
      // A mode that the format does not have is an empty column.
      if (row[at] === "") continue;
      const got = fitted(roundShift(Number(row[0]), 3, rounding), format, overflow, kept);
      expectInt(got, Number(row[at]), () => `${row[0]} by ${name}`);
      compared++;
    }
  }
  expect(compared).toBe(4096 * modes);
});

test("every overflow ends in the format, and what is within it stays", () => {
  const cases = fc.record({
    x: fc.maxSafeInteger(),
    bits: fc.integer({ min: 2, max: 48 }),
    overflow: fc.constantFrom(...OVERFLOWS),
    kept: fc.nat({ max: 48 }),
  });
  fc.assert(
    fc.property(cases, ({ x, bits, overflow, kept }) => {
      const f = signed(bits);
      const got = fitted(x, f, overflow, Math.min(kept, bits));
      const inside = x > minOf(f) && x <= maxOf(f);
      return got >= minOf(f) && got <= maxOf(f) && !Object.is(got, -0) && (!inside || got === x);
    }),
    { seed: 13 },
  );
});

test("all bits kept are saturation, none are wrapping", () => {
  for (const f of [signed(2), unsigned(5), signed(9)]) {
    for (let x = -1100; x <= 1100; x++) {
      expectInt(fitted(x, f, "wrap", f.bits), saturate(x, f), () => `${x} in ${name(f)}, all kept`);
      expectInt(fitted(x, f, "wrap", 0), wrap(x, f), () => `${x} in ${name(f)}, none kept`);
    }
  }
});

test("sign and magnitude wrap as a triangle wave", () => {
  const wave = Array.from({ length: 17 }, (_, i) => fitted(i, signed(3), "wrap-sign-magnitude"));
  expect(wave).toEqual([0, 1, 2, 3, 3, 2, 1, 0, -1, -2, -3, -4, -4, -3, -2, -1, 0]);
  expect(() => fitted(0, unsigned(3), "wrap-sign-magnitude")).toThrow(RangeError);
});

test("bits that are not there cannot be kept", () => {
  for (const kept of [-1, 0.5, 9, Number.NaN]) {
    for (const overflow of ["wrap", "wrap-sign-magnitude"] as const) {
      expect(() => fitted(1, signed(8), overflow, kept), `${overflow} ${kept}`).toThrow(RangeError);
    }
  }
});

test("the largest safe integers wrap exactly", () => {
  for (const f of FORMATS) {
    for (const x of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]) {
      expectInt(wrap(x, f), exactWrap(BigInt(x), f.bits, f.signed), () => `${x} wrapped to ${name(f)}`);
    }
  }
});

test("every code of a format stays itself", () => {
  for (const f of [signed(2), unsigned(2), signed(8), unsigned(10)]) {
    for (let code = minOf(f); code <= maxOf(f); code++) {
      expectInt(saturate(code, f), code, () => `${code} saturated to ${name(f)}`);
      expectInt(wrap(code, f), code, () => `${code} wrapped to ${name(f)}`);
    }
  }
});

test("negative zero leaves as zero, infinities as the ends", () => {
  for (const f of [signed(8), unsigned(8)]) {
    expectInt(saturate(-0, f), 0, () => "-0 saturated");
    expectInt(wrap(-0, f), 0, () => "-0 wrapped");
    for (const overflow of OVERFLOWS.filter((mode) => f.signed || mode !== "wrap-sign-magnitude")) {
      for (const kept of [0, 2])
        expectInt(fitted(-0, f, overflow, kept), 0, () => `-0 by ${overflow} ${kept}`);
    }
    expect(saturate(Number.POSITIVE_INFINITY, f)).toBe(maxOf(f));
    expect(saturate(Number.NEGATIVE_INFINITY, f)).toBe(minOf(f));
  }
});

test("a width outside 2 … 48 is refused", () => {
  for (const bits of [1, 0, -8, 49, 8.5, Number.NaN]) {
    expect(() => signed(bits), `signed ${bits}`).toThrow(RangeError);
    expect(() => unsigned(bits), `unsigned ${bits}`).toThrow(RangeError);
  }
});

test("storage is packed and rounded up to bytes", () => {
  expect([0, 1, 2, 3, 8].map((count) => storageBytes(count, 3))).toEqual([0, 1, 1, 2, 3]);
  expect(storageBytes(1000, 4)).toBe(500);
  expect(storageBytes(7, 48)).toBe(42);
});
