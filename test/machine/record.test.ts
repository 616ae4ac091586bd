import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { Issued } from "../../src/isa/program.ts";
import { ops } from "../../src/isa/table.ts";
import { Machine, type Observer } from "../../src/machine/machine.ts";
import { operandsOf, packed, putCodes, type Recording, recorder } from "../../src/machine/record.ts";

const SHIFTS = makeArch({ "requant.kind": "shift" }, "small");

const PRODUCT = parseProgram(
  [
    "load.weight dst=3 src=0 bytes=3",
    "load.table dst=0 src=4 bytes=9",
    "fetch dst=0 src=0 n=2 bits=8",
    "matmul w=3 x=0 acc=0 m=2 k=2 n=1 wBits=6 xBits=8 keep=0",
    "loop count=2 by=8,0,0,0",
    "  requant dst=16+i0 acc=0 m=2 n=1 scales=0 perChannel=0 bits=8 zero=3",
    "end",
    "add dst=16 a=16 b=16 n=2 period=2 aBits=8 bBits=8 bits=8 aZero=0 bZero=0 zero=0 aScale=8 bScale=8",
  ].join("\n"),
  "product",
);

/** Weights [[1, -2], [3, 4]] of 6 bits, biases [1, -1], a right shift by 1. */
const IMAGE = {
  segments: [
    { address: 0, bits: 6, codes: [1, -2, 3, 4] },
    { address: 4, bits: 32, codes: [1, -1] },
    { address: 12, bits: 8, codes: [1] },
  ],
  bytes: 13,
};

const machine = () => Machine.of(SHIFTS, { image: IMAGE, programs: [PRODUCT], lanes: 1, dataBytes: 32 });

function record(): Recording[] {
  const m = machine();
  m.writeData(8, 0, [5, 6]);
  const recordings: Recording[] = [];
  m.run(
    PRODUCT,
    recorder(m.state, IMAGE, (recording) => recordings.push(recording)),
  );
  return recordings;
}

const codesOf = (side: Recording["reads"]) =>
  Object.fromEntries(side.map(({ name, codes }) => [name, codes]));

describe("an observer", () => {
  test("is told of each instruction before and after, in the order of issue, with final addresses", () => {
    const told: string[] = [];
    const note =
      (when: string) =>
      ({ op, x }: Issued) => {
        told.push(`${when} ${op.name} ${x["dst"] ?? x["acc"]}`);
      };
    const observer: Observer = { before: note("before"), after: note("after") };
    machine().run(PRODUCT, observer);
    const order = [
      "load.weight 3",
      "load.table 0",
      "fetch 0",
      "matmul 0",
      "requant 16",
      "requant 24",
      "add 16",
    ];
    expect(told).toEqual(order.flatMap((one) => [`before ${one}`, `after ${one}`]));
  });

  test("changes nothing", () => {
    const results = [undefined, { before() {}, after() {} }].map((observer) => {
      const m = machine();
      m.writeData(8, 0, [5, 6]);
      m.run(PRODUCT, observer);
      return m.state.read("activation", 8, 16, 10);
    });
    expect(results[1]).toEqual(results[0]);
  });
});

describe("a recording", () => {
  test("has what each instruction found and what it left", () => {
    const [, , fetch, matmul, requant, , add] = record();
    expect([codesOf(fetch!.reads), codesOf(fetch!.writes)]).toEqual([{ src: [5, 6] }, { dst: [5, 6] }]);
    expect(codesOf(matmul!.reads)).toEqual({ w: [1, -2, 3, 4], x: [5, 6] });
    expect(codesOf(matmul!.writes)).toEqual({ acc: [-7, 39] });
    expect(codesOf(requant!.reads)).toEqual({ acc: [-7, 39], scales: [1, -1], "scales+8": [1] });
    expect(codesOf(requant!.writes)).toEqual({ dst: [0, 22] });
    // In place, and both operands the same: what was there before.
    expect(codesOf(add!.reads)).toEqual({ a: [0, 22], b: [0, 22], aScale: [1], bScale: [1] });
    expect(codesOf(add!.writes)).toEqual({ dst: [0, 22] });
  });

  test("has loads as packed bytes, found and left", () => {
    const [weights, table] = record();
    // 000001, 111110, 000011, 000100 from the lowest bit on.
    const bytes = [0b10_000001, 0b0011_1111, 0b000100_00].map((byte) => (byte > 127 ? byte - 256 : byte));
    expect([codesOf(weights!.reads), codesOf(weights!.writes)]).toEqual([{ src: bytes }, { dst: bytes }]);
    expect(codesOf(table!.writes)).toEqual({ dst: [1, 0, 0, 0, -1, -1, -1, -1, 1] });
    expect(weights!.writes[0]!.span).toEqual({ space: "weight", from: 3, bits: 8, count: 3 });
  });

  test.each([
    [0, 0],
    [1, 1],
    [2, 2],
    [9, 2],
    [-1, 0],
  ])("of a gather has the row that is picked: index %i picks row %i", (index, row) => {
    const image = { segments: [{ address: 4, bits: 4, codes: [1, 2, 3, 4, 5, 6] }], bytes: 7 };
    const gather = parseProgram(
      "fetch dst=0 src=0 n=1 bits=16\ngather dst=8 src=4 index=0 rows=3 n=2 bits=4",
      "gather",
    );
    const m = Machine.of(SHIFTS, { image, programs: [gather], lanes: 1, dataBytes: 32 });
    m.writeData(16, 0, [index]);
    let last: Recording | undefined;
    m.run(
      gather,
      recorder(m.state, image, (recording) => {
        last = recording;
      }),
    );
    const picked = image.segments[0]!.codes.slice(2 * row, 2 * row + 2);
    expect(codesOf(last!.reads)).toEqual({ index: [index], src: picked });
    expect(codesOf(last!.writes)).toEqual({ dst: picked });
    expect(last!.reads[1]).toMatchObject({ row, span: { from: 4, among: 6 } });
  });
});

test("a recording of a move has the codes that it moves, in its order, and can be put back", () => {
  const program = parseProgram(
    [
      "fetch dst=0 src=0 n=7 bits=8",
      "fill dst=16 n=12 bits=8 value=9",
      "move dst=16 src=0 rows=3 columns=2 dstRow=5 dstColumn=1 srcRow=1 srcColumn=3 bits=8",
    ].join("\n"),
    "move",
  );
  const m = Machine.of(SHIFTS, { image: IMAGE, programs: [program], lanes: 1, dataBytes: 32 });
  m.writeData(8, 0, [10, 11, 12, 13, 14, 15, 16]);
  let last: Recording | undefined;
  m.run(
    program,
    recorder(m.state, IMAGE, (recording) => {
      last = recording;
    }),
  );
  const moved = [10, 13, 11, 14, 12, 15];
  expect([codesOf(last!.reads), codesOf(last!.writes)]).toEqual([{ src: moved }, { dst: moved }]);
  expect(m.state.read("activation", 8, 16, 12)).toEqual([10, 13, 9, 9, 9, 11, 14, 9, 9, 9, 12, 15]);
  putCodes(m.state, last!.writes[0]!.span, [1, 2, 3, 4, 5, 6]);
  expect(m.state.read("activation", 8, 16, 12)).toEqual([1, 2, 9, 9, 9, 3, 4, 9, 9, 9, 5, 6]);
});

describe("names of operands", () => {
  const { settings } = makeArch();

  test.each(ops)("of $name are those of its fields, each once, even where all addresses are one", (op) => {
    const x = Object.fromEntries(Object.entries(op.fields).map(([name, { min }]) => [name, min]));
    const { reads, writes } = operandsOf({ op, x }, settings);
    for (const side of [reads, writes]) {
      const names = side.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(Object.keys(op.fields)).toContain(name.replace(/\+\d+$/, ""));
    }
  });
});

describe("packed bytes", () => {
  test("hold code i in bits i * width … of a little-endian number", () => {
    const piece = fc.integer({ min: 2, max: 48 }).chain((bits) =>
      fc.record({
        bits: fc.constant(bits),
        codes: fc.array(fc.bigInt({ min: -(2n ** 47n), max: 2n ** 47n - 1n }), { maxLength: 20 }),
        at: fc.integer({ min: 0, max: 3 }),
      }),
    );
    fc.assert(
      fc.property(piece, ({ bits, codes: wide, at }) => {
        const codes = wide.map((code) => Number(BigInt.asIntN(bits, code)));
        const bytes = at + Math.ceil((codes.length * bits) / 8) + 2;
        const memory = codes.reduce(
          (sum, code, i) => sum + (BigInt.asUintN(bits, BigInt(code)) << BigInt(8 * at + i * bits)),
          0n,
        );
        const expected = Array.from({ length: bytes }, (_, i) =>
          Number(BigInt.asIntN(8, memory >> BigInt(8 * i))),
        );
        expect(packed(bytes, [{ at, bits, codes }])).toEqual(expected);
      }),
    );
  });
});
