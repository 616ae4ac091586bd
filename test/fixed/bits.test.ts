import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import { packBits, unpackBits } from "../../src/fixed/bits.ts";

test("the first field is lowest", () => {
  const fields = [
    { value: 0x5, bits: 4 },
    { value: 0xab, bits: 8 },
    { value: 1n, bits: 1 },
  ];
  expect(packBits(fields)).toBe(0x1ab5n);
  expect(unpackBits(0x1ab5n, [4, 8, 1])).toEqual([0x5, 0xab, 1]);
  expect(packBits([])).toBe(0n);
  expect(unpackBits(0n, [])).toEqual([]);
});

test("fields may cross 32 and 64 bits", () => {
  expect(packBits([...Array(5)].map((_, i) => ({ value: i + 1, bits: 20 })))).toBe(0x50000400003000020000_1n);
  const wide = 2n ** 70n - 1n;
  expect(
    packBits([
      { value: 0, bits: 3 },
      { value: wide, bits: 70 },
    ]),
  ).toBe(wide << 3n);
  expect(unpackBits(wide, [53, 17])).toEqual([2 ** 53 - 1, 2 ** 17 - 1]);
});

test("bits above the last field are left alone, a field of no bits is zero", () => {
  expect(unpackBits(0xffn, [4])).toEqual([15]);
  expect(unpackBits(0xffn, [0, 8, 0])).toEqual([0, 255, 0]);
  expect(
    packBits([
      { value: 0, bits: 0 },
      { value: 3, bits: 2 },
    ]),
  ).toBe(3n);
});

test("what was packed is unpacked, seed bits", () => {
  const rng = seedrandom("bits");
  for (let i = 0; i < 500; i++) {
    const widths = Array.from({ length: 1 + Math.floor(rng() * 8) }, () => 1 + Math.floor(rng() * 53));
    const values = widths.map((bits) => Math.floor(rng() * 2 ** bits));
    const word = packBits(values.map((value, j) => ({ value, bits: widths[j]! })));
    expect(unpackBits(word, widths)).toEqual(values);
    expect(word < 2n ** BigInt(widths.reduce((a, b) => a + b, 0))).toBe(true);
  }
});

test("a value that does not fit its field is refused", () => {
  for (const value of [16, -1, 0.5, Number.NaN, 2 ** 53, 16n, -1n]) {
    expect(() => packBits([{ value, bits: 4 }]), `${value}`).toThrow(RangeError);
  }
  expect(() => packBits([{ value: 1, bits: 0 }])).toThrow(RangeError);
  expect(() => packBits([{ value: 1, bits: -1 }])).toThrow(RangeError);
  expect(() => unpackBits(1n, [54])).toThrow(RangeError);
  expect(() => unpackBits(1n, [1.5])).toThrow(RangeError);
  expect(() => unpackBits(-1n, [4])).toThrow(RangeError);
});
