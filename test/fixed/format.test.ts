import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import {
  fit as fitted,
  type IntFormat,
  maxOf,
  minOf,
  saturate,
  signed,
  storageBytes,
  unsigned,
  wrap,
} from "../../src/fixed/format.ts";
import { edges, exactSaturate, exactWrap } from "../support/exact.ts";
import { expectInt, randomInt } from "../support/ints.ts";

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
