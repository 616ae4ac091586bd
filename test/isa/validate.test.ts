import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { OpDef } from "../../src/isa/define.ts";
import { byName, ops } from "../../src/isa/table.ts";
import { mayOverflow, sizeOf, validate, Written } from "../../src/isa/validate.ts";
import { within } from "./random.ts";

const EXTENTS = { image: 1000, data: 500 };

const archOf = (changes: Readonly<Record<string, unknown>> = {}) =>
  makeArch({
    "activation.bytes": 1024,
    "weight.bytes": 512,
    "table.bytes": 1024,
    "acc.entries": 64,
    ...changes,
  }).settings;

/** Small legal operands of every operation; tests change one thing of them. */
const LEGAL: Readonly<Record<string, string>> = {
  "load.weight": "dst=0 src=0 bytes=16",
  "load.table": "dst=0 src=0 bytes=16",
  fetch: "dst=0 src=0 n=4 bits=8",
  store: "dst=0 src=0 n=4 bits=8",
  gather: "dst=0 src=0 index=32 rows=4 n=4 bits=8",
  matmul: "w=0 x=0 acc=0 m=4 k=4 n=1 wBits=8 xBits=8 keep=0",
  lanemul: "a=0 x=64 acc=0 m=4 k=4 aBits=8 xBits=8 aZero=0 xZero=0",
  requant: "dst=0 acc=0 m=4 n=1 scales=0 perChannel=0 bits=8 zero=0",
  "requant.pwl":
    "dst=0 acc=0 m=4 n=1 scales=0 perChannel=0 midBits=8 midZero=0 table=64 pieces=4 slopeBits=16 fraction=0 mirrored=0 bits=8",
  pwl: "dst=0 src=32 n=4 inBits=8 bits=8 table=64 pieces=4 slopeBits=16 fraction=0 mirrored=0",
  rsqrt: "dst=0 exponent=32 src=96 n=4 table=64 pieces=4 slopeBits=16 fraction=0",
  reciprocal: "dst=0 exponent=32 src=96 n=4 table=64 pieces=4 slopeBits=16 fraction=0",
  add: "dst=0 a=32 b=64 n=4 period=4 aBits=8 bBits=8 bits=8 aZero=0 bZero=0 zero=0 aScale=0 bScale=16",
  sub: "dst=0 a=32 b=64 n=4 period=4 aBits=8 bBits=8 bits=8 aZero=0 bZero=0 zero=0 aScale=0 bScale=16",
  mul: "dst=0 a=32 b=64 n=4 period=1 aBits=8 bBits=8 bits=8 aZero=0 bZero=0 zero=0 scale=0",
  min: "dst=0 a=32 b=64 n=4 period=4 bits=8",
  larger: "dst=0 a=32 b=64 n=4 period=4 bits=8",
  affine: "dst=0 a=32 n=4 period=2 gains=0 gainBits=8 aBits=8 bits=8 aZero=0 zero=0 drop=0 scale=64",
  rescale: "dst=0 a=32 n=4 aBits=8 bits=8 aZero=0 zero=0 scale=0",
  fill: "dst=0 n=4 bits=8 value=0",
  move: "dst=0 src=64 rows=2 columns=3 dstRow=1 dstColumn=2 srcRow=3 srcColumn=1 bits=8",
  sum: "dst=0 a=32 groups=2 n=4 aBits=8 bits=32 aZero=0",
  sumsq: "dst=0 a=32 groups=2 n=4 aBits=8 bits=32 aZero=0",
  sumabs: "dst=0 a=32 groups=2 n=4 aBits=8 bits=32 aZero=0",
  max: "dst=0 a=32 groups=2 n=4 aBits=8 bits=32 aZero=0",
  argmax: "dst=0 a=32 n=4 aBits=8",
  variance: "dst=0 sums=96 squares=48 groups=2 n=4 epsilon=0",
  isqrt: "dst=0 a=96 groups=4",
  center: "dst=0 a=64 sums=128 groups=2 n=4 aBits=8 factor=4",
  normalize:
    "dst=0 a=32 sums=64 mantissa=96 exponent=128 groups=2 n=4 aBits=8 bits=8 factor=4 point=7 zero=0",
  div: "dst=0 a=32 b=64 groups=2 n=4 aBits=8 bBits=32 bits=8 aZero=0 zero=0 factor=1 shift=0 rounding=0",
  rowscale: "dst=0 a=32 mantissa=64 exponent=96 groups=2 n=4 aBits=8 bits=8 point=0 aZero=0 zero=0",
  convert:
    "dst=0 a=32 n=4 aBits=8 bits=8 aZero=0 zero=0 shift=0 rounding=0 overflow=0 to=8 unsigned=0 kept=0",
  clamp: "dst=0 a=32 n=4 bits=8 lo=-1 hi=1",
  moments: "mean=0 variance=48 sums=96 squares=144 groups=2 n=4 guard=1",
  average: "dst=0 a=32 groups=2 aBits=32 bits=32 n=4 plus=0 rounding=0",
  exp: "dst=0 a=64 b=96 groups=2 n=4 aBits=8 limit=-31 scale=0",
  logistic: "dst=0 src=32 n=4 bits=16 integerBits=3",
  tanh: "dst=0 src=32 n=4 bits=16 integerBits=3",
  "reciprocal.newton": "dst=0 exponent=32 src=96 n=4",
  "rsqrt.newton": "dst=0 exponent=32 src=96 n=4",
  mirrored: "dst=0 src=32 n=4 inBits=8 factor=3 shift=0 odd=0 table=0",
  "exp.poly": "dst=0 a=64 b=96 groups=2 n=4 aBits=8 log2=10 ca=1 cb=20 cc=30",
  "gelu.poly": "dst=0 src=32 n=4 aBits=8 aZero=0 one=100 cb=10",
};

/** One line of assembly: the legal one with these fields changed. */
function line(name: string, given: Readonly<Record<string, number>> = {}): string {
  const words = LEGAL[name]!.split(" ").map((word) => {
    const field = word.split("=")[0]!;
    return given[field] === undefined ? word : `${field}=${given[field]}`;
  });
  return [name, ...words].join(" ");
}

const faults = (text: string, changes: Readonly<Record<string, unknown>> = {}): readonly string[] =>
  validate(parseProgram(text, "p"), archOf(changes), EXTENTS);

test("every operation has a legal form here", () => {
  expect(Object.keys(LEGAL).sort()).toEqual(ops.map((op) => op.name).sort());
  for (const name of Object.keys(LEGAL)) expect(faults(line(name)), name).toEqual([]);
});

describe.each(ops.map((op) => [op.name, op as OpDef] as const))("%s", (name, op) => {
  test("a field beyond either end of its range is refused", () => {
    for (const [field, f] of Object.entries(op.fields)) {
      for (const value of [f.min - 1, f.max + 1]) {
        expect(faults(line(name, { [field]: value }))).toContain(
          `p: 0: ${name}: ${field}: ${value} is not an integer in ${f.min} … ${f.max}`,
        );
      }
    }
  });

  test("each of its memories is refused beyond the end, and taken up to it", () => {
    const legal = parseProgram(line(name), "p").items[0]!;
    if ("body" in legal) return expect.fail("a loop");
    const limits = { ...EXTENTS, weight: 512, activation: 1024, table: 1024, acc: 64 };
    for (const [field, f] of Object.entries(op.fields)) {
      if (f.space === undefined) continue;
      const limit = f.space === "dram" ? limits.image : limits[f.space];
      expect(faults(line(name, { [field]: limit })).join("\n"), field).toContain(`is outside its ${limit}`);
    }
  });

  test("a missing field is refused", () => {
    const field = Object.keys(op.fields)[0]!;
    const { [field]: _, ...x } = (parseProgram(line(name), "p").items[0] as { x: Record<string, number> }).x;
    const program = { name: "p", items: [{ op, x, by: {} }] };
    expect(validate(program, archOf(), EXTENTS)).toEqual([`p: 0: ${name}: ${field} is missing`]);
  });
});

describe("addresses", () => {
  test("up to the last byte of a memory", () => {
    expect(faults(line("fill", { dst: 1020 }))).toEqual([]);
    expect(faults(line("fill", { dst: 1021 }))).toMatchInlineSnapshot(`
      [
        "p: 0: fill: activation 1021 … 1024 is outside its 1024 bytes",
      ]
    `);
    expect(faults(line("matmul", { acc: 60 }))).toEqual([]);
    expect(faults(line("matmul", { acc: 61 }))).toMatchInlineSnapshot(`
      [
        "p: 0: matmul: acc 61 … 64 is outside its 64 accumulators",
      ]
    `);
    expect(faults(line("load.weight", { src: 984 }))).toEqual([]);
    expect(faults(line("load.weight", { src: 985 }))).toMatchInlineSnapshot(`
      [
        "p: 0: load.weight: dram 985 … 1000 is outside its 1000 bytes",
      ]
    `);
    expect(faults(line("fetch", { src: 497 }))).toMatchInlineSnapshot(`
      [
        "p: 0: fetch: data 497 … 500 is outside its 500 bytes",
      ]
    `);
  });

  test("packed codes take the bytes that they fill", () => {
    expect(faults(line("fill", { dst: 1022, bits: 4 }))).toEqual([]);
    expect(faults(line("fill", { dst: 1023, bits: 4 }))).toHaveLength(1);
    expect(faults(line("fill", { dst: 1022, bits: 4, n: 5 }))).toHaveLength(1);
  });

  test("on the alignment of their codes", () => {
    expect(faults(line("fill", { dst: 3, bits: 3 }))).toEqual([]);
    expect(faults(line("fill", { dst: 4, bits: 3 }))).toMatchInlineSnapshot(`
      [
        "p: 0: fill: activation 4 is not a multiple of 3, as 3-bit codes need",
      ]
    `);
    expect(faults(line("isqrt", { a: 100 }))).toMatchInlineSnapshot(`
      [
        "p: 0: isqrt: activation 100 is not a multiple of 6, as 48-bit codes need",
      ]
    `);
    expect(faults(line("add", { aScale: 1 }))).toMatchInlineSnapshot(`
      [
        "p: 0: add: table 1 is not a multiple of 2, as 16-bit codes need",
      ]
    `);
  });

  test("a table that a lookup picks rows from has all of its rows in the image", () => {
    expect(faults(line("gather", { rows: 250 }))).toEqual([]);
    expect(faults(line("gather", { rows: 251 }))).toMatchInlineSnapshot(`
      [
        "p: 0: gather: dram 0 … 1003 is outside its 1000 bytes",
      ]
    `);
  });

  test("of every turn of a loop, with the number of the instruction as issued", () => {
    const text = `${line("fill")}\nloop count=4 by=300\n${line("fill").replace("dst=0", "dst=100+i0")}\nend`;
    expect(faults(text)).toEqual([]);
    expect(faults(text.replace("300", "400"))).toMatchInlineSnapshot(`
      [
        "p: 4: fill: activation 1300 … 1303 is outside its 1024 bytes",
      ]
    `);
    expect(faults(text.replace("300", "-60"))).toMatchInlineSnapshot(`
      [
        "p: 3: fill: dst: -20 is not an integer in 0 … 268435455",
        "p: 4: fill: dst: -80 is not an integer in 0 … 268435455",
      ]
    `);
  });
});

describe("an operation's own rules:", () => {
  test("a period divides the elements", () => {
    for (const name of ["add", "sub", "mul", "min", "affine"])
      expect(faults(line(name, { period: 3 }))).toEqual([`p: 0: ${name}: period 3 does not divide n 4`]);
  });

  test("a table has no more pieces than the machine", () => {
    for (const name of ["pwl", "requant.pwl", "rsqrt", "reciprocal"]) {
      expect(faults(line(name), { "pwl.maxPieces": 4 })).toEqual([]);
      expect(faults(line(name), { "pwl.maxPieces": 3 })).toEqual([
        `p: 0: ${name}: 4 pieces exceed pwl.maxPieces 3`,
      ]);
    }
  });

  test("chaining needs the path", () => {
    expect(faults(line("requant.pwl"), { "pwl.chained": "no" })).toMatchInlineSnapshot(`
      [
        "p: 0: requant.pwl: pwl.chained is no: this machine has no path from requantizer to PWL unit",
      ]
    `);
  });

  describe("an affine operation's", () => {
    const wide = { aBits: 32, gainBits: 16 };
    const multiplier = { "vector.multiplierBits": 31 };

    test("product with a multiplier stays within 64 bits, after the drop", () => {
      expect(faults(line("affine", { ...wide, scale: 31 }), multiplier)).toMatchInlineSnapshot(`
        [
          "p: 0: affine: 32 bits times a gain of 16, 0 of them dropped, times a multiplier of 31 exceed the 64-bit product",
        ]
      `);
      expect(faults(line("affine", { ...wide, drop: 14, scale: 31 }), multiplier)).toHaveLength(1);
      expect(faults(line("affine", { ...wide, drop: 15, scale: 31 }), multiplier)).toEqual([]);
      expect(faults(line("affine", { ...wide, aBits: 16, scale: 31 }), multiplier)).toEqual([]);
      expect(faults(line("affine", wide), { "requant.kind": "shift" })).toEqual([]);
    });

    test("product has room for anything where it takes 32 bits, or is a float32", () => {
      const double = { "vector.multiplierBits": 31, "vector.rounding": "tflite-double" };
      const single = { "vector.multiplierBits": 24, "vector.rounding": "float32" };
      expect(faults(line("affine", { ...wide, scale: 31 }), double)).toEqual([]);
      expect(faults(line("affine", { ...wide, scale: 66 }), single)).toEqual([]);
    });
  });

  test("a converted code fits where it is stored", () => {
    expect(faults(line("convert", { zero: 1 }))).toMatchInlineSnapshot(`
      [
        "p: 0: convert: results of -127 … 128 do not fit 8 bits",
      ]
    `);
    expect(faults(line("convert", { zero: 1, to: 7 }))).toEqual([]);
    expect(faults(line("convert", { unsigned: 1 }))).toMatchInlineSnapshot(`
      [
        "p: 0: convert: results of 0 … 255 do not fit 8 bits",
      ]
    `);
    expect(faults(line("convert", { unsigned: 1, to: 7 }))).toEqual([]);
    expect(faults(line("convert", { unsigned: 1, zero: -128 }))).toEqual([]);
  });

  test("a conversion's left shift is exact", () => {
    expect(faults(line("convert", { aBits: 22, a: 33, shift: -31 }))).toEqual([]);
    expect(faults(line("convert", { aBits: 23, a: 46, shift: -31 }))).toMatchInlineSnapshot(`
      [
        "p: 0: convert: 23 bits shifted left by 31 exceed 53 bits",
      ]
    `);
  });

  test("a conversion keeps bits from wrapping only where it wraps", () => {
    expect(faults(line("convert", { overflow: 3, kept: 8 }))).toEqual([]);
    expect(faults(line("convert", { overflow: 3, kept: 9 }))).toMatchInlineSnapshot(`
      [
        "p: 0: convert: wrap in 8 bits cannot keep 9 of them",
      ]
    `);
    expect(faults(line("convert", { overflow: 0, kept: 1 }))).toMatchInlineSnapshot(`
      [
        "p: 0: convert: saturate in 8 bits cannot keep 1 of them",
      ]
    `);
    expect(faults(line("convert", { overflow: 4, unsigned: 1, to: 7 }))).toMatchInlineSnapshot(`
      [
        "p: 0: convert: sign and magnitude do not wrap without a sign",
      ]
    `);
  });

  test("a move leaves no result twice, takes no more codes than an operand has, and keeps apart what it reads and writes", () => {
    expect(faults(line("move", { dstRow: 6, dstColumn: 1 }))).toEqual([]);
    expect(faults(line("move", { dstRow: 2, dstColumn: 1 }))).toMatchInlineSnapshot(`
      [
        "p: 0: move: its results meet: rows of 3 codes, 1 apart, every 2 codes",
      ]
    `);
    expect(faults(line("move", { rows: 2 ** 10, columns: 2 ** 10 }))).toMatchInlineSnapshot(`
      [
        "p: 0: move: 1024 rows of 1024 are more than 1048575 codes",
        "p: 0: move: its results meet: rows of 1024 codes, 2 apart, every 1 codes",
        "p: 0: move: activation 64 … 4156 is outside its 1024 bytes",
        "p: 0: move: activation 0 … 3069 is outside its 1024 bytes",
        "p: 0: move: its result at activation 0 overlaps its operand at 64",
      ]
    `);
    expect(faults(line("move", { src: 6 }))).toEqual([]);
    expect(faults(line("move", { src: 5 }))).toMatchInlineSnapshot(`
      [
        "p: 0: move: its result at activation 0 overlaps its operand at 5",
      ]
    `);
    expect(faults(line("move", { src: 0, dstRow: 3, dstColumn: 1 }))).toMatchInlineSnapshot(`
      [
        "p: 0: move: its result at activation 0 overlaps its operand at 0",
      ]
    `);
    // Between the codes of one, yet in its region.
    expect(faults(line("move", { dstRow: 20, dstColumn: 1, src: 10 }))).toMatchInlineSnapshot(`
      [
        "p: 0: move: its result at activation 0 overlaps its operand at 10",
      ]
    `);
    expect(faults(line("move", { src: 1018 }))).toEqual([]);
    expect(faults(line("move", { src: 1018, srcRow: 4 }))).toMatchInlineSnapshot(`
      [
        "p: 0: move: activation 1018 … 1024 is outside its 1024 bytes",
      ]
    `);
  });

  test("what a move steps over is neither written nor read", () => {
    const arch = archOf();
    const found = (...lines: readonly string[]) =>
      validate(parseProgram(lines.join("\n"), "p"), arch, EXTENTS, new Written([], arch));
    const operand = "fill dst=64 n=6 bits=8 value=1";
    expect(found(operand, line("move"), "store dst=0 src=0 n=6 bits=8")).toEqual([]);
    const rows = line("move", { dstRow: 6, dstColumn: 1, dst: 20 });
    expect(found(operand, rows, "store dst=0 src=20 n=3 bits=8", "store dst=0 src=26 n=3 bits=8")).toEqual(
      [],
    );
    expect(found(operand, rows, "store dst=0 src=20 n=9 bits=8")).toMatchInlineSnapshot(`
      [
        "p: 2: store: reads activation 20 … 28, but nothing wrote 23",
      ]
    `);
    const between = "fill dst=23 n=3 bits=4 value=1";
    expect(found(operand, rows, between, line("move", { src: 20, srcRow: 6, dst: 100 }))).toEqual([]);
    expect(
      found(operand, rows, between, line("move", { src: 20, srcRow: 4, dst: 100 })),
    ).toMatchInlineSnapshot(`
      [
        "p: 3: move: reads 8-bit codes at activation 20 that were written with 4 bits",
        "p: 3: move: reads activation 20 … 26, but nothing wrote 25",
      ]
    `);
  });

  test("the bounds of a clamp are codes, in their order", () => {
    expect(faults(line("clamp", { lo: 1 }))).toEqual([]);
    expect(faults(line("clamp", { lo: 2 }))).toMatchInlineSnapshot(`
      [
        "p: 0: clamp: lo 2 is above hi 1",
      ]
    `);
    expect(faults(line("clamp", { hi: 128 }))).toMatchInlineSnapshot(`
      [
        "p: 0: clamp: hi: 128 is no code of 8 bits",
      ]
    `);
  });

  test("a zero point that is taken off is a code of its operand", () => {
    const zeros = [
      ...[
        ["lanemul", "aZero"],
        ["lanemul", "xZero"],
      ],
      ...[
        ["add", "aZero"],
        ["add", "bZero"],
        ["sub", "aZero"],
        ["sub", "bZero"],
      ],
      ...[
        ["mul", "aZero"],
        ["mul", "bZero"],
        ["affine", "aZero"],
        ["convert", "aZero"],
        ["rowscale", "aZero"],
        ["gelu.poly", "aZero"],
        ["rescale", "aZero"],
      ],
      ...[
        ["sum", "aZero"],
        ["sumsq", "aZero"],
        ["sumabs", "aZero"],
        ["max", "aZero"],
        ["div", "aZero"],
      ],
    ] as const;
    for (const [name, field] of zeros) {
      for (const zero of [-128, 127]) expect(faults(line(name!, { [field!]: zero }))).toEqual([]);
      for (const zero of [-129, 128])
        expect(faults(line(name!, { [field!]: zero }))).toEqual([
          `p: 0: ${name}: ${field}: ${zero} is no code of 8 bits`,
        ]);
    }
  });

  test("what is filled in is a code", () => {
    expect(faults(line("fill", { value: 7, bits: 4 }))).toEqual([]);
    expect(faults(line("fill", { value: 8, bits: 4 }))).toMatchInlineSnapshot(`
      [
        "p: 0: fill: value: 8 is no code of 4 bits",
      ]
    `);
    expect(faults(line("fill", { value: -(2 ** 31), bits: 48, dst: 6 }))).toEqual([]);
    expect(faults(line("fill", { value: 2 ** 31 - 1, bits: 32 }))).toEqual([]);
  });

  test("a reduction's result has room for the largest sum of its codes", () => {
    // 4 codes of 16 bits: sums to 2^17, and to 2^18 around the lowest zero point.
    const wide = { aBits: 16, bits: 18 };
    expect(faults(line("sum", wide))).toEqual([]);
    expect(faults(line("sum", { ...wide, bits: 17 }))).toMatchInlineSnapshot(`
      [
        "p: 0: sum: results of -131072 … 131068 do not fit 17 bits",
      ]
    `);
    expect(faults(line("sum", { ...wide, aZero: -32_768 }))).toMatchInlineSnapshot(`
      [
        "p: 0: sum: results of 0 … 262140 do not fit 18 bits",
      ]
    `);
    expect(faults(line("sum", { ...wide, aZero: -32_768, bits: 19 }))).toEqual([]);
    expect(faults(line("sumabs", wide))).toMatchInlineSnapshot(`
      [
        "p: 0: sumabs: results of 0 … 131072 do not fit 18 bits",
      ]
    `);
    expect(faults(line("sumabs", { ...wide, bits: 19 }))).toEqual([]);
    expect(faults(line("sumsq", { aBits: 16, bits: 33, dst: 66 }))).toMatchInlineSnapshot(`
      [
        "p: 0: sumsq: results of 0 … 4294967296 do not fit 33 bits",
      ]
    `);
    expect(faults(line("sumsq", { aBits: 16, bits: 34, dst: 17 }))).toEqual([]);
    expect(faults(line("max", { aBits: 32, bits: 32 }))).toEqual([]);
    expect(faults(line("max", { aBits: 32, bits: 31, dst: 93 }))).toMatchInlineSnapshot(`
      [
        "p: 0: max: results of -2147483648 … 2147483647 do not fit 31 bits",
      ]
    `);
  });

  test("a divisor stays within 62 bits", () => {
    expect(faults(line("div", { shift: 31 }))).toEqual([]);
    expect(faults(line("div", { bBits: 48, b: 66, shift: 15 }))).toEqual([]);
    expect(faults(line("div", { bBits: 48, b: 66, shift: 16 }))).toMatchInlineSnapshot(`
      [
        "p: 0: div: a denominator of 48 bits shifted left by 16 exceeds 63 bits",
      ]
    `);
  });

  test("a rescaled value times the multiplier stays within 64 bits", () => {
    expect(faults(line("rescale", { aBits: 48, a: 36 }))).toEqual([]);
    expect(
      faults(line("rescale", { aBits: 48, a: 36 }), { "requant.multiplierBits": 17 }),
    ).toMatchInlineSnapshot(`
      [
        "p: 0: rescale: 48 bits times a multiplier of 17 exceed the 64-bit product",
      ]
    `);
    expect(faults(line("rescale", { aBits: 48, a: 36 }), { "requant.kind": "shift" })).toEqual([]);
    expect(faults(line("rescale", { aBits: 32 }), { "requant.multiplierBits": 31 })).toEqual([]);
  });

  test("TFLite's double rounding takes 32 bits", () => {
    const tflite = { "requant.rounding": "tflite-double", "requant.multiplierBits": 31 };
    expect(faults(line("rescale", { aBits: 32 }), tflite)).toEqual([]);
    expect(faults(line("rescale", { aBits: 33, a: 33 }), tflite)).toMatchInlineSnapshot(`
      [
        "p: 0: rescale: tflite-double takes at most 32 bits, not 33",
      ]
    `);
  });
});

describe("activations are read at the width that they were written with:", () => {
  const write = (dst: number, n: number, bits: number) => line("fill", { dst, n, bits });
  const read = (src: number, n: number, bits: number) => line("store", { src, n, bits });

  test("the same width, in whole or in part", () => {
    expect(faults(`${write(0, 8, 8)}\n${read(0, 8, 8)}\n${read(2, 3, 8)}`)).toEqual([]);
  });

  test("another width is refused, if only for one byte", () => {
    expect(faults(`${write(0, 8, 8)}\n${read(0, 8, 4)}`)).toMatchInlineSnapshot(`
      [
        "p: 1: store: reads 4-bit codes at activation 0 that were written with 8 bits",
      ]
    `);
    expect(faults(`${write(0, 8, 8)}\n${read(7, 2, 4)}`)).toHaveLength(1);
    expect(faults(`${write(8, 8, 8)}\n${read(7, 2, 4)}`)).toEqual([]);
    expect(faults(`${write(0, 8, 8)}\n${read(8, 2, 4)}`)).toEqual([]);
  });

  test("what was never written may be read at any", () => {
    expect(faults(read(0, 8, 4))).toEqual([]);
  });

  test("the last writer counts, byte by byte", () => {
    expect(faults(`${write(0, 8, 8)}\n${write(0, 16, 4)}\n${read(0, 16, 4)}`)).toEqual([]);
    const inside = `${write(0, 8, 8)}\n${write(2, 4, 4)}\n`;
    expect(faults(`${inside}${read(0, 2, 8)}\n${read(2, 4, 4)}\n${read(4, 4, 8)}`)).toEqual([]);
    expect(faults(`${inside}${read(0, 3, 8)}`)).toHaveLength(1);
    expect(faults(`${inside}${read(3, 2, 8)}`)).toHaveLength(1);
    expect(faults(`${inside}${read(3, 3, 4)}`)).toHaveLength(1);
    expect(faults(`${inside}${read(0, 4, 4)}`)).toHaveLength(1);
    expect(faults(`${inside}${read(4, 8, 4)}`)).toHaveLength(1);
  });

  test("of a tensor that was overwritten to its end nothing is left", () => {
    expect(faults(`${write(0, 8, 8)}\n${write(4, 8, 4)}\n${write(8, 8, 4)}\n${read(4, 16, 4)}`)).toEqual([]);
    expect(faults(`${write(4, 8, 8)}\n${write(4, 8, 4)}\n${write(0, 8, 4)}\n${read(0, 16, 4)}`)).toEqual([]);
  });

  test("before the write it is not there yet", () => {
    expect(faults(`${read(0, 8, 4)}\n${write(0, 8, 8)}`)).toEqual([]);
  });

  test("a result in place is as wide as the operand that it replaces", () => {
    expect(faults(`${write(0, 4, 8)}\n${line("rescale", { a: 0, dst: 0 })}\n${read(0, 4, 8)}`)).toEqual([]);
  });
});

describe("a result that would overwrite what is still to be read is refused:", () => {
  test("in place of an operand of its shape it would not", () => {
    expect(faults(line("add", { dst: 32 }))).toEqual([]);
    expect(faults(line("add", { dst: 64 }))).toEqual([]);
    expect(faults(line("rescale", { dst: 32 }))).toEqual([]);
    expect(faults(line("matmul", { keep: 1 }))).toEqual([]);
  });

  test("beside an operand it would not", () => {
    expect(faults(line("rescale", { dst: 36 }))).toEqual([]);
    expect(faults(line("rescale", { dst: 28 }))).toEqual([]);
  });

  test("off by one byte either way it would", () => {
    expect(faults(line("rescale", { dst: 35 }))).toMatchInlineSnapshot(`
      [
        "p: 0: rescale: its result at activation 35 overlaps its operand at 32",
      ]
    `);
    expect(faults(line("rescale", { dst: 29 }))).toHaveLength(1);
  });

  test("at another width, or of another length, it would", () => {
    expect(faults(line("rescale", { dst: 32, bits: 16 }))).toHaveLength(1);
    expect(faults(line("add", { dst: 64, period: 2 }))).toHaveLength(1);
  });

  test("two results do not overlap either", () => {
    expect(faults(line("rsqrt", { exponent: 16 }))).toEqual([]);
    expect(faults(line("rsqrt", { exponent: 12 }))).toMatchInlineSnapshot(`
      [
        "p: 0: rsqrt: its results at activation 0 and 12 overlap",
      ]
    `);
  });
});

test("an index register is used inside its loop only", () => {
  const indexed = (register: string) => line("fill").replace("dst=0", `dst=0+${register}`);
  const outer = (body: string) => `loop count=2 by=0\n${body}\nend`;
  expect(faults(outer(indexed("i3")))).toEqual([]);
  expect(faults(outer(outer(`${indexed("i0")}\n${indexed("j3")}`)))).toEqual([]);
  expect(faults(indexed("i0"))).toMatchInlineSnapshot(`
    [
      "p: loop: fill uses i0 outside of its loop",
    ]
  `);
  expect(faults(outer(indexed("j0")))).toMatchInlineSnapshot(`
    [
      "p: loop: fill uses j0 outside of its loop",
    ]
  `);
});

describe("a loop that the sequencer cannot hold is refused:", () => {
  const loop = (turns: number, by: string) => `loop count=${turns} by=${by}\n${line("fill")}\nend`;

  test("at its limits it is not", () => {
    expect(faults(loop(0, "0"))).toEqual([]);
    expect(faults(loop(1, `${2 ** 27 - 1},${-(2 ** 27)},0,0`))).toEqual([]);
  });

  test("too many turns, without counting them", () => {
    expect(faults(loop(2 ** 20, "0"))).toEqual(["p: loop: 1048576 turns are not an integer in 0 … 1048575"]);
    expect(faults(loop(2 ** 52, "0"))).toHaveLength(1);
  });

  test("a stride beyond its bits, either way", () => {
    expect(faults(loop(1, `0,${2 ** 27}`))).toEqual(["p: loop: a stride of 134217728 does not fit 28 bits"]);
    expect(faults(loop(1, `0,${-(2 ** 27) - 1}`))).toHaveLength(1);
  });

  test("too deep, or with too many strides, however it was made", () => {
    const { items } = parseProgram(line("fill"), "p");
    const around = (body: typeof items, strides = [0, 0, 0, 0]) => [{ count: 1, strides, body }];
    const check = (all: typeof items) => validate({ name: "p", items: all }, archOf(), EXTENTS);
    expect(check(around(around(items)))).toEqual([]);
    expect(check(around(around(around(items))))).toEqual(["p: loop: loops nest at most 2 deep"]);
    expect(check(around(items, [1, 2, 3, 4, 5]))).toEqual(["p: loop: 5 strides for 4 registers"]);
  });
});

test("everything that is wrong is told, each thing once", () => {
  const text = [
    line("fill", { n: 0 }),
    line("fill", { dst: 2000 }),
    line("add", { period: 3, aScale: 1200 }),
  ].join("\n");
  expect(faults(text)).toMatchInlineSnapshot(`
    [
      "p: 0: fill: n: 0 is not an integer in 1 … 1048575",
      "p: 1: fill: activation 2000 … 2003 is outside its 1024 bytes",
      "p: 2: add: period 3 does not divide n 4",
      "p: 2: add: table 1200 … 1201 is outside its 1024 bytes",
      "p: 2: add: table 1202 … 1202 is outside its 1024 bytes",
    ]
  `);
  expect(
    faults(line("requant.pwl", { pieces: 65, table: 832 }), { "pwl.chained": "no" }),
  ).toMatchInlineSnapshot(`
    [
      "p: 0: requant.pwl: pwl.chained is no: this machine has no path from requantizer to PWL unit",
      "p: 0: requant.pwl: 65 pieces exceed pwl.maxPieces 64",
      "p: 0: requant.pwl: table 962 … 1091 is outside its 1024 bytes",
      "p: 0: requant.pwl: table 1092 … 1092 is outside its 1024 bytes",
    ]
  `);
});

test("a span's size is its packed bytes, or its accumulators", () => {
  expect(sizeOf({ space: "activation", from: 0, bits: 3, count: 9 })).toBe(4);
  expect(sizeOf({ space: "acc", from: 0, bits: 24, count: 9 })).toBe(9);
});

describe("whether an accumulator may overflow", () => {
  const may = (text: string, bits: number) =>
    mayOverflow(parseProgram(text, "p"), archOf({ "acc.bits": bits }));
  /** 8-bit operands: each term reaches 2^14. */
  const product = (k: number, keep: number, acc = 0, m = 4) => line("matmul", { k, keep, acc, m });

  test("a sum of 2^14 each needs its bits", () => {
    expect(may(product(1, 0), 16)).toBe(false);
    expect(may(product(2, 0), 16)).toBe(true); // 2^15 is one more than 16 bits hold
    expect(may(product(3, 0), 17)).toBe(false);
    expect(may(product(4, 0), 17)).toBe(true);
  });

  test("what is kept adds up", () => {
    expect(may(`${product(2, 0)}\n${product(1, 1)}`, 17)).toBe(false);
    expect(may(`${product(2, 0)}\n${product(2, 1)}`, 17)).toBe(true);
    expect(may(`${product(3, 0)}\n${product(3, 0)}`, 17)).toBe(false);
  });

  test("what nobody wrote may be anything", () => {
    expect(may(product(1, 1), 32)).toBe(true);
    expect(may(`${product(1, 0)}\n${product(1, 1, 4)}`, 32)).toBe(true);
    expect(may(`${product(1, 0)}\n${product(1, 1, 2)}`, 32)).toBe(true);
  });

  test("a turn of a loop adds to the turn before", () => {
    const loop = (turns: number) => `${product(1, 0)}\nloop count=${turns} by=0\n${product(1, 1)}\nend`;
    expect(may(loop(2), 17)).toBe(false);
    expect(may(loop(3), 17)).toBe(true);
  });

  test("accumulators that start elsewhere in a span are its own too", () => {
    // 3 units in 0 … 3; then 1 in 0 … 1 alone: 2 and 3 still hold 3.
    const partly = `${product(3, 0, 0, 4)}\n${product(1, 0, 0, 2)}\n`;
    expect(may(`${partly}${product(1, 1, 0, 2)}`, 17)).toBe(false);
    expect(may(`${partly}${product(1, 1, 0, 4)}`, 17)).toBe(true);
    expect(may(`${partly}${product(1, 1, 2, 2)}`, 17)).toBe(true);
    // The same from the other end: 0 and 1 still hold 3.
    const ended = `${product(3, 0, 0, 4)}\n${product(1, 0, 2, 2)}\n`;
    expect(may(`${ended}${product(1, 1, 2, 2)}`, 17)).toBe(false);
    expect(may(`${ended}${product(1, 1, 0, 2)}`, 17)).toBe(true);
    // 1 unit in 0 … 3, then 3 in 2 … 5: adding to 0 … 3 meets the 3.
    expect(may(`${product(1, 0, 0, 4)}\n${product(3, 0, 2, 4)}\n${product(1, 1, 0, 4)}`, 17)).toBe(true);
    expect(may(`${product(1, 0, 0, 4)}\n${product(3, 0, 4, 4)}\n${product(1, 1, 0, 4)}`, 17)).toBe(false);
  });

  test("a zero point reaches farther than a code", () => {
    const lane = (zero: number) => line("lanemul", { k: 1, aZero: zero, xZero: zero });
    expect(may(lane(0), 16)).toBe(false);
    expect(may(lane(127), 16)).toBe(true); // 255 · 255
    expect(may(lane(127), 17)).toBe(false);
  });

  test("a sum that just reaches the largest accumulator does not overflow", () => {
    const lane = (xZero: number) => line("lanemul", { k: 1, aZero: 23, xZero });
    expect(may(lane(89), 16)).toBe(false); // 151 · 217 = 2^15 - 1
    expect(may(lane(90), 16)).toBe(true);
  });

  test("operations that do not sum play no part", () => {
    expect(may(line("requant"), 8)).toBe(false);
    expect(byName.get("requant")!.accumulates).toBeUndefined();
  });
});

describe("what an operation may not do does not hang on where its operands lie", () => {
  test.each(ops.map((op): [string, OpDef] => [op.name, op]))("%s", (_, op) => {
    if (op.check === undefined) return;
    const rng = seedrandom(op.name);
    for (let run = 0; run < 300; run++) {
      const legal = Object.entries(op.fields).map(([name, { min, max }]) => [
        name,
        within(rng, min, Math.min(max, min + 60)),
      ]);
      const moved = Object.entries(op.fields).flatMap(([name, { kind, max }]) =>
        kind === "address" ? [[name, within(rng, 0, max)]] : [],
      );
      const x = Object.fromEntries(legal) as Record<string, number>;
      const arch = archOf({ "pwl.maxPieces": 8, "pwl.chained": run % 2 === 0 ? "yes" : "no" });
      expect(op.check({ ...x, ...Object.fromEntries(moved) }, arch)).toEqual(op.check(x, arch));
    }
  });
});
