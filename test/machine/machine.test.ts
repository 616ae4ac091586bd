import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { Program } from "../../src/isa/program.ts";
import { Machine } from "../../src/machine/machine.ts";

const PRODUCT = parseProgram(
  [
    "load.weight dst=0 src=0 bytes=4",
    "load.table dst=0 src=4 bytes=9",
    "fetch dst=0 src=0 n=2 bits=8",
    "matmul w=0 x=0 acc=0 m=2 k=2 n=1 wBits=8 xBits=8 keep=0",
    "requant dst=16 acc=0 m=2 n=1 scales=0 perChannel=0 bits=8 zero=3",
    "store dst=16 src=16 n=2 bits=8",
  ].join("\n"),
  "product",
);

/** Weights [[1, 2], [3, 4]], biases [1, -1], a right shift by one. */
const IMAGE = {
  segments: [
    { address: 0, bits: 8, codes: [1, 2, 3, 4] },
    { address: 4, bits: 32, codes: [1, -1] },
    { address: 12, bits: 8, codes: [1] },
  ],
  bytes: 13,
};

const machine = (changes: Readonly<Record<string, unknown>> = {}, lanes = 2) =>
  Machine.of(makeArch({ "requant.kind": "shift", ...changes }, "small"), {
    image: IMAGE,
    programs: [PRODUCT],
    lanes,
    dataBytes: 32,
  });

describe("a machine", () => {
  test("runs a program: (W x + b) / 2 + 3, in every lane", () => {
    const m = machine();
    m.writeData(8, 0, [5, 6]);
    m.writeData(8, 0, [-5, 0], 1);
    m.run(PRODUCT);
    expect(m.readData(8, 16, 2)).toEqual([(17 + 1) / 2 + 3, (39 - 1) / 2 + 3]);
    expect(m.readData(8, 16, 2, 1)).toEqual([(-5 + 1) / 2 + 3, (-15 - 1) / 2 + 3]);
  });

  test("counts what saturates, for each lane, until it is asked", () => {
    const m = machine({}, 3);
    m.writeData(8, 0, [127, 127], 1);
    m.run(PRODUCT);
    m.run(PRODUCT);
    expect(m.readData(8, 16, 2, 1)).toEqual([127, 127]);
    expect(m.takeCounts()).toMatchObject({
      saturations: Int32Array.of(0, 4, 0),
      overflows: new Int32Array(3),
    });
    expect(m.takeCounts().saturations).toEqual(new Int32Array(3));
  });

  test("counts what leaves its accumulator, and wraps it or saturates it", () => {
    const narrow = (overflow: string) => {
      const m = machine({ "acc.bits": 8, "acc.overflow": overflow });
      m.writeData(8, 0, [100, 10]);
      m.run(PRODUCT);
      return { accumulators: m.state.read("acc", 8, 0, 2), overflows: m.takeCounts().overflows };
    };
    expect(narrow("wrap")).toEqual({ accumulators: [120, 340 - 256], overflows: Int32Array.of(1, 0) });
    expect(narrow("saturate")).toEqual({ accumulators: [120, 127], overflows: Int32Array.of(1, 0) });
  });

  test("knows its lanes and its programs", () => {
    const m = machine();
    expect(() => m.writeData(8, 0, [1], 2)).toThrow(RangeError);
    expect(() => m.readData(8, 0, 1, -1)).toThrow(RangeError);
    expect(() => m.run({ ...PRODUCT })).toThrow("the machine was not made for program product");
  });
});

describe("refuses", () => {
  test("to be smaller than its programs, and names each memory that is", () => {
    const wide = parseProgram("fill dst=0 n=300 bits=8 value=0\nload.weight dst=0 src=0 bytes=257", "wide");
    const options = {
      image: { segments: [], bytes: 1000 },
      programs: [PRODUCT, wide],
      lanes: 1,
      dataBytes: 32,
    };
    const arch = makeArch({ "activation.bytes": 256, "weight.bytes": 256, "requant.kind": "shift" }, "tiny");
    const build = () => Machine.of(arch, options);
    expect(build).toThrow(InputError);
    expect(build).toThrowErrorMatchingInlineSnapshot(
      `[InputError: tiny: weight.bytes: program wide needs 257, the machine has 256: an operand of 257, load.weight, ends there; activation.bytes: program wide needs 300, the machine has 256: an operand of 300, fill, ends there]`,
    );
  });

  test("illegal programs: the first fault, and how many there are", () => {
    const odd = parseProgram(
      "mul dst=0 a=0 b=0 n=5 period=2 aBits=8 bBits=8 bits=8 aZero=0 bZero=0 zero=0 scale=0",
      "odd",
    );
    const far = parseProgram("fetch dst=0 src=30 n=3 bits=8", "far");
    const build = (programs: Program[]) => () =>
      Machine.of(makeArch(), { image: IMAGE, programs, lanes: 1, dataBytes: 32, filled: true });
    expect(build([far])).toThrowErrorMatchingInlineSnapshot(
      `[InputError: default: far: 0: fetch: data 30 … 32 is outside its 32 bytes]`,
    );
    expect(build([odd, far])).toThrowErrorMatchingInlineSnapshot(
      `[InputError: default: odd: 0: mul: period 2 does not divide n 5; and 2 more of its kind]`,
    );
  });

  test("a read of what nobody writes, unless the host says that it does; each may find what all others write", () => {
    const reader = parseProgram("store dst=0 src=8 n=4 bits=8", "reader");
    const writer = parseProgram("fetch dst=6 src=0 n=4 bits=8\nfetch dst=10 src=0 n=2 bits=8", "writer");
    const late = parseProgram("store dst=0 src=8 n=4 bits=8\nfetch dst=8 src=0 n=4 bits=8", "late");
    const build =
      (programs: Program[], filled = false) =>
      () =>
        Machine.of(makeArch(), { image: IMAGE, programs, lanes: 1, dataBytes: 32, filled });
    expect(build([reader])).toThrowErrorMatchingInlineSnapshot(
      `[InputError: default: reader: 0: store: reads activation 8 … 11, but nothing wrote 8]`,
    );
    expect(build([late])).toThrow(/late: 0: store: reads activation 8 … 11, but nothing wrote 8/);
    expect(build([reader], true)).not.toThrow();
    expect(build([reader, writer])).not.toThrow();
    expect(build([late, writer])).not.toThrow();
  });
});
