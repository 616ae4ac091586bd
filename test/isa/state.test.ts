import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { storageBytes } from "../../src/fixed/format.ts";
import type { Scale } from "../../src/fixed/requant.ts";
import type { Space } from "../../src/isa/define.ts";
import { type Image, overlap, type Segment } from "../../src/isa/image.ts";
import { containerOf, MachineState, type StateOptions } from "../../src/isa/state.ts";
import { alignmentOf, channelBlock, scaleBlock } from "../../src/isa/tables.ts";
import { expectSameInts } from "../support/ints.ts";
import { within } from "./random.ts";

const WIDTHS = [2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48];
const NOTHING: Image = { segments: [], bytes: 0 };

const archOf = (changes: Readonly<Record<string, unknown>> = {}) =>
  makeArch({
    "activation.bytes": 2048,
    "weight.bytes": 2048,
    "table.bytes": 2048,
    "acc.entries": 64,
    ...changes,
  }).settings;

const stateOf = (options: Partial<StateOptions> = {}, changes: Readonly<Record<string, unknown>> = {}) =>
  new MachineState(archOf(changes), {
    lanes: 16,
    image: NOTHING,
    dataBytes: 1024,
    wideAccumulators: false,
    ...options,
  });

/** Random codes of `bits` bits, the ends among them. */
function codesOf(rng: () => number, n: number, bits: number): number[] {
  const half = 2 ** (bits - 1);
  return Array.from({ length: n }, (_, i) =>
    i === 0 ? -half : i === 1 ? half - 1 : within(rng, -half, half - 1),
  );
}

test("containers are the next power of two of bytes", () => {
  const pairs = WIDTHS.map((bits) => [bits, containerOf(bits)]);
  expect(pairs).toEqual([
    ...[2, 3, 4, 5, 6, 7, 8].map((bits) => [bits, 1]),
    ...[12, 16].map((bits) => [bits, 2]),
    ...[24, 32].map((bits) => [bits, 4]),
    [48, 8],
  ]);
  expect([9, 17, 33].map(containerOf)).toEqual([2, 4, 8]);
});

describe.each(WIDTHS)("memories of packed %i-bit codes", (bits) => {
  const step = alignmentOf(bits);
  /** Codes in the smallest aligned stretch of bytes. */
  const codesPerStep = (step * 8) / bits;

  test("any stretch of a tensor is where its address says", () => {
    const rng = seedrandom(`state/${bits}`);
    for (const space of ["activation", "data", "weight", "table"] as const) {
      const s = stateOf();
      const n = codesPerStep * 40;
      const codes = codesOf(rng, n, bits);
      const address = step * 5;
      s.write(space, bits, address, codes, 3);
      expectSameInts(s.read(space, bits, address, n, 3), codes, `${space}`);
      for (let i = 0; i < 30; i++) {
        const first = within(rng, 0, 39);
        const count = within(rng, 1, n - first * codesPerStep);
        const got = s.read(space, bits, address + first * step, count, 3);
        const from = first * codesPerStep;
        expectSameInts(got, codes.slice(from, from + count), `${space} from code ${from}`);
      }
    }
  });

  test("a write in the middle moves no neighbour", () => {
    const rng = seedrandom(`state/middle/${bits}`);
    const s = stateOf();
    const codes = codesOf(rng, codesPerStep * 6, bits);
    const patch = codesOf(rng, codesPerStep * 2, bits);
    s.write("activation", bits, 0, codes);
    s.write("activation", bits, step * 2, patch);
    const want = [...codes.slice(0, codesPerStep * 2), ...patch, ...codes.slice(codesPerStep * 4)];
    expectSameInts(s.read("activation", bits, 0, want.length), want, "activation");
  });

  test("the last byte of the memory holds codes too", () => {
    const s = stateOf();
    const address = Math.floor(2048 / step - 1) * step;
    const codes = codesOf(seedrandom(`state/last/${bits}`), codesPerStep, bits);
    s.write("activation", bits, address, codes, 15);
    expectSameInts(s.read("activation", bits, address, codesPerStep, 15), codes, "activation");
  });

  test("an address between codes is refused", () => {
    const s = stateOf();
    for (let a = 1; a < step; a++) expect(() => s.pointer("activation", bits, a)).toThrow(RangeError);
    expect(() => s.pointer("activation", bits, step)).not.toThrow();
  });
});

test("memories, and widths of one memory, do not touch each other", () => {
  const s = stateOf();
  const rng = seedrandom("state/planes");
  const spaces = ["activation", "data", "weight", "table"] as const;
  const held = spaces.flatMap((space) =>
    WIDTHS.map((bits) => ({ space, bits, codes: codesOf(rng, 48, bits), address: 2 * alignmentOf(bits) })),
  );
  // Every new plane may grow the memory: what was written before must survive it.
  for (const { space, bits, address, codes } of held) s.write(space, bits, address, codes, 7);
  for (const { space, bits, address, codes } of held)
    expectSameInts(s.read(space, bits, address, codes.length, 7), codes, `${space} of ${bits} bits`);
});

describe("lanes", () => {
  test("come in steps of 16", () => {
    expect([1, 16, 17, 33].map((lanes) => stateOf({ lanes }).lanes)).toEqual([16, 16, 32, 48]);
  });

  test.each(["activation", "data", "acc"] as const)("%s has one of each inference", (space) => {
    const s = stateOf({ lanes: 20 });
    const tensors = Array.from({ length: s.lanes }, (_, lane) =>
      codesOf(seedrandom(`${space}/${lane}`), 9, 16),
    );
    for (const [lane, codes] of tensors.entries()) s.write(space, 16, 4, codes, lane);
    for (const [lane, codes] of tensors.entries())
      expectSameInts(s.read(space, 16, 4, 9, lane), codes, `${space}, lane ${lane}`);
  });

  test.each(["weight", "table"] as const)("%s is shared by all of them", (space) => {
    const s = stateOf();
    s.write(space, 8, 0, [1, 2, 3], 0);
    expect(s.read(space, 8, 0, 3, 9)).toEqual([1, 2, 3]);
  });

  test("are contiguous in memory, [code][lane]", () => {
    const s = stateOf();
    s.write("activation", 8, 3, [11, 22], 5);
    const at = s.pointer("activation", 8, 3);
    expect([s.heap.int8(at, 32)[5], s.heap.int8(at, 32)[16 + 5]]).toEqual([11, 22]);
    expect(s.pointer("activation", 8, 4)).toBe(at + 16);
  });
});

describe("accumulators", () => {
  test("have four bytes up to 32 bits, and eight beyond or where asked for", () => {
    expect(stateOf().accContainer).toBe(4);
    expect(stateOf({ wideAccumulators: true }).accContainer).toBe(8);
    expect(stateOf({}, { "acc.bits": 33 }).accContainer).toBe(8);
    expect(stateOf({}, { "acc.bits": 24 }).accContainer).toBe(4);
  });

  test("are addressed by index, whatever their width", () => {
    const s = stateOf({ wideAccumulators: true });
    s.write("acc", 32, 3, [5, 6, 7], 2);
    expect(s.read("acc", 24, 4, 2, 2)).toEqual([6, 7]);
  });
});

test("filling takes all lanes and no neighbour", () => {
  const s = stateOf();
  s.write("activation", 8, 0, [1, 1, 1, 1], 4);
  s.fill("activation", 8, 1, 2, -3);
  expect(s.read("activation", 8, 0, 4, 4)).toEqual([1, -3, -3, 1]);
  expect(s.read("activation", 8, 0, 4, 0)).toEqual([0, -3, -3, 0]);
  s.fill("table", 8, 1, 2, 9);
  expect(s.read("table", 8, 0, 4)).toEqual([0, 9, 9, 0]);
});

test("copying moves every lane, also into a plane that was never used", () => {
  for (const bits of WIDTHS) {
    const s = stateOf();
    const step = alignmentOf(bits);
    const codes = codesOf(seedrandom(`copy/${bits}`), 8 * step, bits);
    s.write("data", bits, step, codes, 6);
    s.copy(bits, "data", step, "activation", 2 * step, codes.length);
    expectSameInts(s.read("activation", bits, 2 * step, codes.length, 6), codes, `${bits} bits`);
    const other = stateOf();
    other.copy(bits, "data", step, "activation", 2 * step, codes.length);
    expect(other.read("activation", bits, 2 * step, codes.length, 6).every((code) => code === 0)).toBe(true);
  }
});

test("scratch memory grows on demand and is told apart by name", () => {
  const s = stateOf();
  const small = s.scratch("a", 64);
  expect(s.scratch("a", 32)).toBe(small);
  const large = s.scratch("a", 4096);
  expect(large).not.toBe(small);
  expect(s.scratch("a", 64)).toBe(large);
  expect(s.scratch("b", 64)).not.toBe(large);
});

test("nothing is counted at first", () => {
  const s = stateOf({ lanes: 32 });
  for (const at of [s.saturations, s.overflows]) expect([...s.heap.int32(at, 32)]).toEqual(Array(32).fill(0));
});

describe("the image", () => {
  /** Segments of every width, end to end. */
  function image(): Image {
    const segments: Segment[] = [];
    let at = 0;
    for (const bits of WIDTHS) {
      const step = alignmentOf(bits);
      const address = Math.ceil(at / step) * step;
      const codes = codesOf(seedrandom(`image/${bits}`), ((step * 8) / bits) * 10, bits);
      segments.push({ address, bits, codes });
      at = address + storageBytes(codes.length, bits);
    }
    return { segments, bytes: at };
  }

  test("lies in DRAM from the start", () => {
    const s = stateOf({ image: image() });
    for (const { address, bits, codes } of image().segments)
      expectSameInts(s.read("dram", bits, address, codes.length), codes, `${bits} bits`);
  });

  test.each(["weight", "table"] as const)("is loaded into %s as bytes, whatever lies in them", (to) => {
    const { segments, bytes } = image();
    const s = stateOf({ image: { segments, bytes } });
    s.load(0, to, 0, bytes);
    for (const { address, bits, codes } of segments)
      expectSameInts(s.read(to, bits, address, codes.length), codes, `${bits} bits`);
  });

  test("is loaded in part, to another place", () => {
    const { segments, bytes } = image();
    for (const { address, bits, codes } of segments) {
      const step = alignmentOf(bits);
      const perStep = (step * 8) / bits;
      const s = stateOf({ image: { segments, bytes } });
      s.load(address + 2 * step, "weight", 7 * step, 3 * step);
      const got = s.read("weight", bits, 0, perStep * 12);
      const want = Array<number>(perStep * 12).fill(0);
      for (let i = 0; i < 3 * perStep; i++) want[7 * perStep + i] = codes[2 * perStep + i]!;
      expectSameInts(got, want, `${bits} bits`);
    }
  });

  test("brings no more of a segment than was asked for, from either end", () => {
    const codes = Array.from({ length: 20 }, (_, i) => i + 1);
    const segments = [
      { address: 0, bits: 8, codes },
      { address: 20, bits: 16, codes },
    ];
    const s = stateOf({ image: { segments, bytes: 60 } });
    s.load(15, "weight", 1, 15); // to byte 30: five of the first, five of the second, at 1 and 6
    expect(s.read("weight", 8, 0, 8)).toEqual([0, 16, 17, 18, 19, 20, 0, 0]);
    expect(s.read("weight", 16, 4, 8)).toEqual([0, 1, 2, 3, 4, 5, 0, 0]);
  });

  test("a load that cuts a code is refused", () => {
    const s = stateOf({ image: { segments: [{ address: 0, bits: 16, codes: [1, 2, 3] }], bytes: 6 } });
    expect(() => s.load(1, "weight", 0, 2)).toThrow(RangeError);
    expect(() => s.load(0, "weight", 0, 3)).toThrow(RangeError);
  });
});

test("the codes of a segment in a range of bytes are those whose every bit is there", () => {
  const rng = seedrandom("image/overlap");
  for (let i = 0; i < 5000; i++) {
    const bits = WIDTHS[within(rng, 0, WIDTHS.length - 1)]!;
    const step = alignmentOf(bits);
    const address = step * within(rng, 0, 6);
    const codes = Array.from({ length: within(rng, 1, 40) }, () => 0);
    const end = address + storageBytes(codes.length, bits);
    const from = within(rng, 0, end + 8);
    const to = from + within(rng, 1, 40);
    // Bit by bit: which codes lie in the range whole, and whether it cuts one.
    const inside = codes.map((_, c) => {
      const [first, last] = [address * 8 + c * bits, address * 8 + (c + 1) * bits];
      if (first >= from * 8 && last <= to * 8) return "whole";
      return last <= from * 8 || first >= to * 8 ? "out" : "cut";
    });
    const what = `${codes.length} ${bits}-bit codes at ${address}, bytes ${from} … ${to}`;
    let got: ReturnType<typeof overlap> | undefined;
    try {
      got = overlap({ address, bits, codes }, from, to);
    } catch {
      if (!inside.includes("cut")) expect.fail(`${what}: refused`);
      continue;
    }
    if (inside.includes("cut")) expect.fail(`${what}: cuts a code, got ${JSON.stringify(got)}`);
    const count = inside.filter((place) => place === "whole").length;
    const first = count === 0 ? got.first : inside.indexOf("whole");
    if (got.count !== count || got.first !== first) expect.fail(`${what}: ${JSON.stringify(got)}`);
  }
});

describe("parameters in table memory", () => {
  const SCALES: readonly Scale[] = [
    { multiplier: 40_000, shift: 20 },
    { multiplier: 32_768, shift: 0 },
    { multiplier: 65_535, shift: 62 },
  ];

  test("multipliers are stored as signed codes that stand for unsigned numbers", () => {
    const s = stateOf();
    const { arrays } = channelBlock(3, true, s.arch);
    s.write(
      "table",
      16,
      64 + arrays.multiplier.offset,
      SCALES.map(({ multiplier }) => multiplier - 2 ** 15),
    );
    s.write(
      "table",
      8,
      64 + arrays.shift.offset,
      SCALES.map(({ shift }) => shift),
    );
    const { multiplier, shift } = s.decodeScales(64, arrays, 3);
    expect([...s.heap.int32(multiplier, 3)]).toEqual([40_000, 32_768, 65_535]);
    expect([...s.heap.int32(shift, 3)]).toEqual([20, 0, 62]);
  });

  test("one scale serves all channels", () => {
    const s = stateOf();
    const { arrays } = channelBlock(3, false, s.arch);
    s.write("table", 16, arrays.multiplier.offset, [40_000 - 2 ** 15]);
    s.write("table", 8, arrays.shift.offset, [20]);
    const { multiplier, shift } = s.decodeScales(0, arrays, 3);
    expect([...s.heap.int32(multiplier, 3), ...s.heap.int32(shift, 3)]).toEqual([
      ...[40_000, 40_000, 40_000],
      ...[20, 20, 20],
    ]);
  });

  test("multipliers of 31 bits keep every bit", () => {
    const s = stateOf({}, { "requant.multiplierBits": 31 });
    const { arrays } = scaleBlock(s.arch);
    s.write("table", 31, 31 + arrays.multiplier.offset, [2 ** 30 - 1]);
    s.write("table", 8, 31 + arrays.shift.offset, [31]);
    expect(s.scale(31)).toEqual({ multiplier: 2 ** 31 - 1, shift: 31 });
  });

  test("a requantizer without a multiplier shifts either way", () => {
    const s = stateOf({}, { "requant.kind": "shift" });
    const { arrays } = scaleBlock(s.arch);
    const scaleOf = (shift: number) => {
      s.write("table", 8, arrays.shift.offset, [shift]);
      return s.scale(0);
    };
    expect(scaleOf(5)).toEqual({ multiplier: 1, shift: 5 });
    expect(scaleOf(0)).toEqual({ multiplier: 1, shift: 0 });
    expect(scaleOf(-3)).toEqual({ multiplier: 8, shift: 0 });
  });

  test.each([4, 8] as const)("arrays are decoded into containers of %i bytes", (container) => {
    const s = stateOf();
    const array = { offset: 6, bits: 12, count: 5 };
    s.write("table", 12, 30 + 6, [1, -2, 2047, -2048, 0]);
    const at = s.decode("a", 30, array, container, 100);
    const got = container === 4 ? s.heap.int32(at, 5) : s.heap.float64(at, 5);
    expect([...got]).toEqual([101, 98, 2147, -1948, 100]);
  });
});

test.each(["simd", "twin"] as const)(
  "the %s backend is the one asked for, on a memory of its own",
  (backend) => {
    const [a, b] = [stateOf({ backend }), stateOf({ backend })];
    a.write("activation", 8, 0, [1]);
    expect(b.read("activation", 8, 0, 1)).toEqual([0]);
    expect(a.heap.memory).not.toBe(b.heap.memory);
  },
);

test("spaces without lanes ignore the lane", () => {
  const unlaned: readonly Space[] = ["dram", "weight", "table"];
  const s = stateOf({ image: { segments: [{ address: 0, bits: 8, codes: [7] }], bytes: 1 } });
  for (const space of unlaned) {
    s.write(space, 8, 0, [7], 3);
    expect(s.read(space, 8, 0, 1, 11)).toEqual([7]);
  }
});
