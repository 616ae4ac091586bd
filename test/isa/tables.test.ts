import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import {
  alignmentOf,
  alignUp,
  biasBits,
  channelBlock,
  gainBlock,
  pwlBlock,
  scaleBlock,
  type TableBlock,
} from "../../src/isa/tables.ts";
import type { TableShape } from "../../src/pwl/storage.ts";

const archOf = (changes: Readonly<Record<string, unknown>> = {}) => makeArch(changes).settings;
const WIDTHS = Array.from({ length: 47 }, (_, i) => i + 2);

test("codes are aligned where their bit address is a multiple of their width", () => {
  for (const bits of WIDTHS) {
    const legal = Array.from({ length: 200 }, (_, a) => a).filter((a) => (8 * a) % bits === 0);
    expect(
      legal.every((a) => a % alignmentOf(bits) === 0),
      `${bits} bits`,
    ).toBe(true);
    expect(legal[1], `${bits} bits`).toBe(alignmentOf(bits));
  }
});

test.each([
  [2, 1],
  [3, 3],
  [4, 1],
  [5, 5],
  [6, 3],
  [7, 7],
  [8, 1],
  [12, 3],
  [16, 2],
  [24, 3],
  [32, 4],
  [48, 6],
])("%i-bit codes start on multiples of %i bytes", (bits, bytes) => {
  expect(alignmentOf(bits)).toBe(bytes);
});

test("rounding up to a step", () => {
  expect([0, 1, 4, 5].map((at) => alignUp(at, 4))).toEqual([0, 4, 4, 8]);
  expect(alignUp(7, 3)).toBe(9);
});

describe("what is stored of a multiplier", () => {
  const storedBits = (changes: Readonly<Record<string, unknown>>) =>
    [channelBlock(1, true, archOf(changes)), scaleBlock(archOf(changes))].map(
      ({ arrays }) => arrays.multiplier.bits * arrays.multiplier.count,
    );

  test("depends on what the requantizer is built of", () => {
    expect(storedBits({ "requant.multiplierBits": 11 })).toEqual([11, 11]);
    expect(storedBits({ "requant.kind": "two-shift" })).toEqual([16, 16]);
    expect(storedBits({ "requant.kind": "shift" })).toEqual([0, 0]);
  });

  test("differs in the vector unit only where it has a multiplier of its own", () => {
    expect(storedBits({ "requant.multiplierBits": 11, "vector.multiplierBits": 24 })).toEqual([11, 24]);
    expect(storedBits({ "requant.kind": "two-shift", "vector.multiplierBits": 24 })).toEqual([16, 16]);
    expect(storedBits({ "requant.kind": "shift", "vector.multiplierBits": 24 })).toEqual([0, 0]);
  });
});

test("biases are as wide as accumulators need", () => {
  expect(biasBits(archOf({ "acc.bits": 32 }))).toBe(32);
  expect(biasBits(archOf({ "acc.bits": 33 }))).toBe(33);
});

const ARCHS = [
  archOf(),
  archOf({ "requant.multiplierBits": 11 }),
  archOf({ "requant.multiplierBits": 31, "pwl.slopeBits": 7 }),
  archOf({ "requant.kind": "shift", "pwl.shifts": "per-piece" }),
  archOf({ "requant.kind": "two-shift", "acc.bits": 40 }),
];

const WHOLE: TableShape = { pieces: 5, inBits: 8, bits: 16, slopeBits: 12, fraction: 0, mirrored: 0 };

const BLOCKS: readonly TableBlock<string>[] = ARCHS.flatMap((arch) => [
  scaleBlock(arch),
  ...[1, 2, 3, 5, 16, 33].flatMap((n) => [
    channelBlock(n, true, arch),
    channelBlock(n, false, arch),
    ...[2, 3, 5, 8, 13, 16].flatMap((bits) => [
      gainBlock(n, bits),
      pwlBlock({ ...WHOLE, pieces: n, inBits: bits, slopeBits: bits }, arch),
      pwlBlock({ ...WHOLE, pieces: n, bits, fraction: 3 }, arch),
      pwlBlock({ ...WHOLE, pieces: n, bits, mirrored: 1 }, arch),
    ]),
  ]),
]);

describe("every block", () => {
  const arraysOf = (block: TableBlock<string>) => Object.values(block.arrays);

  test("has its arrays one after another, without overlap, up to its end", () => {
    for (const block of BLOCKS) {
      let at = 0;
      for (const { offset, bits, count } of arraysOf(block)) {
        if (offset < at) expect.fail(`${JSON.stringify(block)} overlaps`);
        at = offset + Math.ceil((count * bits) / 8);
      }
      expect(block.bytes).toBe(at);
    }
  });

  test("leaves no gap as wide as an alignment", () => {
    for (const block of BLOCKS) {
      let at = 0;
      for (const { offset, bits, count } of arraysOf(block)) {
        if (count > 0 && offset - at >= alignmentOf(bits)) expect.fail(`${JSON.stringify(block)} has a gap`);
        at = offset + Math.ceil((count * bits) / 8);
      }
    }
  });

  test("keeps each array aligned wherever it starts on its own alignment, and not on less", () => {
    const isAligned = (block: TableBlock<string>, start: number) =>
      arraysOf(block).every(
        ({ offset, bits, count }) => count === 0 || (start + offset) % alignmentOf(bits) === 0,
      );
    for (const block of BLOCKS) {
      for (let start = 0; start < 3 * block.alignment; start++) {
        const want = start % block.alignment === 0;
        if (isAligned(block, start) !== want)
          expect.fail(`${JSON.stringify(block)} at ${start}: aligned ${!want}`);
      }
    }
  });
});

test("one scale: a multiplier of 16 bits, then a shift", () => {
  expect(scaleBlock(archOf())).toEqual({
    arrays: { multiplier: { offset: 0, bits: 16, count: 1 }, shift: { offset: 2, bits: 8, count: 1 } },
    bytes: 3,
    alignment: 2,
  });
});

test("one scale of a requantizer without a multiplier: the shift alone", () => {
  const { arrays, bytes } = scaleBlock(archOf({ "requant.kind": "shift" }));
  expect([arrays.multiplier.count, arrays.shift, bytes]).toEqual([0, { offset: 0, bits: 8, count: 1 }, 1]);
});

test("channels: all biases, then a scale for each, or one for all", () => {
  const each = channelBlock(5, true, archOf());
  expect(each.arrays).toEqual({
    bias: { offset: 0, bits: 32, count: 5 },
    multiplier: { offset: 20, bits: 16, count: 5 },
    shift: { offset: 30, bits: 8, count: 5 },
  });
  expect([each.bytes, channelBlock(5, false, archOf()).bytes]).toEqual([35, 23]);
});

test("a PWL table: knots, offsets, slopes, one shift", () => {
  const { arrays, bytes } = pwlBlock(WHOLE, archOf());
  expect(arrays).toEqual({
    knot: { offset: 0, bits: 8, count: 5 },
    base: { offset: 6, bits: 16, count: 5 },
    slope: { offset: 18, bits: 12, count: 5 },
    shift: { offset: 26, bits: 8, count: 1 },
    sum: { offset: 27, bits: 32, count: 0 },
  });
  expect(bytes).toBe(27);
});

test("offsets with a fraction are wider; a mirrored table has two sums, and each piece a shift where they have their own", () => {
  const { arrays } = pwlBlock(
    { ...WHOLE, bits: 8, fraction: 4, mirrored: 1 },
    archOf({ "pwl.shifts": "per-piece" }),
  );
  expect([arrays.base.bits, arrays.shift.count, arrays.sum.count]).toEqual([12, 5, 2]);
});

test.each([undefined, Number.NaN, 0, 2.5])("no table of codes without a width: %s", (bits) => {
  expect(() => pwlBlock({ ...WHOLE, slopeBits: bits as number }, archOf())).toThrow(
    new RangeError(`codes of slope have 1 bit or more, not ${bits}`),
  );
});
