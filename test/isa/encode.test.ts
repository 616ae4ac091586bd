import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { formatProgram, parseProgram } from "../../src/isa/asm.ts";
import type { OpDef } from "../../src/isa/define.ts";
import { decodeProgram, encodeInstruction, encodeProgram, wordsOf } from "../../src/isa/encode.ts";
import { type Instruction, type Item, isLoop, type Loop } from "../../src/isa/program.ts";
import { byName, ops } from "../../src/isa/table.ts";
import { anyInstruction, anyProgram, pick, within } from "./random.ts";

const all: readonly OpDef[] = ops;

test.each(all.map((op) => [op.name, op] as const))("%s is read back from its code", (name, op) => {
  const rng = seedrandom(`code/${name}`);
  for (let i = 0; i < 300; i++) {
    const instruction = anyInstruction(op, rng);
    const code = encodeProgram({ name, items: [instruction] });
    expect(code.length).toBe(8 * wordsOf(op));
    expect(decodeProgram(code, name).items, `0x${encodeInstruction(instruction).toString(16)}`).toEqual([
      instruction,
    ]);
  }
});

test("programs with nested loops are read back from their code, and from the text of that", () => {
  const rng = seedrandom("code/programs");
  for (let i = 0; i < 200; i++) {
    const program = anyProgram(rng, `p${i}`);
    const decoded = decodeProgram(encodeProgram(program), program.name);
    expect(decoded).toEqual(program);
    expect(parseProgram(formatProgram(decoded), program.name)).toEqual(program);
  }
});

/** Binary digits of a value in a field, low bit last. */
const digits = (value: number, bits: number): string =>
  BigInt.asUintN(bits, BigInt(value)).toString(2).padStart(bits, "0");

/** The words of these fields, low bits first, as the hardware's decoder is wired. */
function words(fields: readonly (readonly [value: number, bits: number])[]): bigint[] {
  const all = fields
    .map(([value, bits]) => digits(value, bits))
    .reverse()
    .join("");
  const padded = all.padStart(Math.ceil(all.length / 64) * 64, "0");
  return (padded.match(/.{64}/g) ?? []).map((word) => BigInt(`0b${word}`)).reverse();
}

const wordsIn = (code: Uint8Array): bigint[] => [...new BigUint64Array(code.slice().buffer)];

test("an instruction bit by bit: opcode, then fields, an address with its register behind it", () => {
  const fill: Instruction = {
    op: byName.get("fill")!,
    x: { dst: 5, n: 3, bits: 8, value: -1 },
    by: { dst: 4 },
  };
  const want = words([
    [0x25, 6],
    [5, 28],
    [5, 4], // register 4, counted from 1
    [3, 20],
    [8, 6],
    [-1, 32],
  ]);
  expect(want).toHaveLength(2);
  expect(wordsIn(encodeProgram({ name: "p", items: [fill] }))).toEqual(want);
});

test("a loop bit by bit: opcode 1, turns, length of the body, four strides, then the body", () => {
  const body: Instruction[] = [1, 2].map((dst) => ({
    op: byName.get("fill")!,
    x: { dst, n: 1, bits: 2, value: 0 },
    by: {},
  }));
  const loop: Loop = { count: 1000, strides: [64, -64, 0, 7], body };
  const head = words([
    [1, 6],
    [1000, 20],
    [2, 20],
    [64, 28],
    [-64, 28],
    [0, 28],
    [7, 28],
  ]);
  expect(head).toHaveLength(3);
  expect(wordsIn(encodeProgram({ name: "p", items: [loop] }))).toEqual([
    ...head,
    ...wordsIn(encodeProgram({ name: "p", items: body })),
  ]);
});

test("bytes of a word are little-endian", () => {
  const fill: Instruction = { op: byName.get("fill")!, x: { dst: 0, n: 1, bits: 2, value: 0 }, by: {} };
  expect(encodeProgram({ name: "p", items: [fill] })[0]! % 64).toBe(0x25);
});

// A round trip cannot see a mistake made the same way on both sides: pin the words.
test("the instruction set, as written down", async () => {
  const lines = all.map((op) => {
    const entries = Object.entries(op.fields);
    const x = Object.fromEntries(
      entries.map(([f, { signed, max }], i) => [f, signed ? -1 - i : Math.min(i + 1, max)]),
    );
    const addresses = entries.filter(([, f]) => f.kind === "address").map(([f]) => f);
    const by = Object.fromEntries(addresses.map((f, i) => [f, i]).filter((_, i) => i % 2 === 0));
    const code = wordsIn(encodeProgram({ name: op.name, items: [{ op, x, by }] }));
    const layout = entries.map(
      ([f, { kind, bits, signed }]) => `${f}:${signed ? "s" : ""}${bits}${kind === "address" ? "+4" : ""}`,
    );
    return [
      `${op.name}  0x${op.code.toString(16).padStart(2, "0")}  ${wordsOf(op)} words`,
      `  ${op.doc}`,
      `  ${layout.join(" ")}`,
      `  ${code.map((word) => word.toString(16).padStart(16, "0")).join(" ")}`,
    ].join("\n");
  });
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("../golden/isa.txt");
});

describe("the table", () => {
  test("opcodes fit six bits, and none is that of a loop or of an empty word", () => {
    const taken = all.map((op) => op.code);
    expect(taken.filter((code) => code < 2 || code > 63)).toEqual([]);
    expect(new Set(taken).size).toBe(taken.length);
  });

  test("every value that a field may have fits its bits", () => {
    for (const op of all) {
      for (const [name, f] of Object.entries(op.fields)) {
        const [lo, hi] = f.signed ? [-(2 ** (f.bits - 1)), 2 ** (f.bits - 1) - 1] : [0, 2 ** f.bits - 1];
        if (f.min < lo || f.max > hi || f.min > f.max)
          expect.fail(`${op.name}.${name} is ${f.min} … ${f.max}`);
        if (f.doc === "") expect.fail(`${op.name}.${name} has no sentence`);
      }
    }
  });
});

test("what does not fit its field is refused, not cut", () => {
  const fill = (x: object): Instruction => ({
    op: byName.get("fill")!,
    x: { dst: 0, n: 1, bits: 2, value: 0, ...x },
    by: {},
  });
  const bad: readonly Item[] = [
    fill({ dst: 2 ** 28 }),
    fill({ dst: -(2 ** 28) - 1 }),
    fill({ n: 2 ** 20 }),
    fill({ value: -(2 ** 32) - 1 }),
    fill({ n: 1.5 }),
    { count: 2 ** 20, strides: [0, 0, 0, 0], body: [] },
    { count: 1, strides: [-(2 ** 28) - 1, 0, 0, 0], body: [] },
  ];
  for (const item of bad) expect(() => encodeProgram({ name: "p", items: [item] })).toThrow(RangeError);
});

test("a field takes no value of the other sign in its place", () => {
  const fill = (x: object): Instruction => ({
    op: byName.get("fill")!,
    x: { dst: 0, n: 1, bits: 2, value: 0, ...x },
    by: {},
  });
  const loop = (strides: readonly number[]): Loop => ({ count: 1, strides, body: [] });
  for (const item of [fill({ dst: -1 }), fill({ n: -1 }), fill({ value: 2 ** 31 }), loop([2 ** 27, 0, 0, 0])])
    expect(() => encodeProgram({ name: "p", items: [item] })).toThrow(RangeError);
});

/** What a person reads when these bytes are decoded. */
function faults(code: Uint8Array): string {
  try {
    decodeProgram(code, "p.bin");
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return "nothing is wrong";
}

const bytesOf = (list: readonly bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(list).buffer);
const loopHead = (count: number, length: number): bigint[] =>
  words([
    [1, 6],
    [count, 20],
    [length, 20],
    [0, 112],
  ]);

describe("code that is no program is refused with its byte:", () => {
  const one = encodeProgram({
    name: "p",
    items: [{ op: byName.get("fill")!, x: { dst: 0, n: 1, bits: 2, value: 0 }, by: {} }],
  });

  test("part of a word", () => {
    expect(faults(one.subarray(0, 13))).toMatchInlineSnapshot(`"p.bin: 13 bytes are not whole 64-bit words"`);
  });

  test("an opcode that nobody has", () => {
    expect(faults(bytesOf([...wordsIn(one), 0n]))).toMatchInlineSnapshot(
      `"p.bin: byte 16: no operation has opcode 0"`,
    );
    expect(faults(bytesOf([31n]))).toMatchInlineSnapshot(`"p.bin: byte 0: no operation has opcode 31"`);
  });

  test("an end inside an instruction", () => {
    expect(faults(one.subarray(0, 8))).toMatchInlineSnapshot(
      `"p.bin: byte 0: the code ends inside an instruction"`,
    );
    expect(faults(bytesOf(loopHead(2, 0).slice(0, 2)))).toMatchInlineSnapshot(
      `"p.bin: byte 0: the code ends inside an instruction"`,
    );
  });

  test("an end inside a loop", () => {
    expect(faults(bytesOf(loopHead(2, 1)))).toMatchInlineSnapshot(
      `"p.bin: byte 24: the code ends inside a loop"`,
    );
    expect(faults(bytesOf([...loopHead(2, 3), ...wordsIn(one)]))).toMatchInlineSnapshot(
      `"p.bin: byte 40: the code ends inside a loop"`,
    );
  });

  test("loops too deep for the registers", () => {
    expect(faults(bytesOf([...loopHead(2, 1), ...loopHead(2, 1), ...loopHead(2, 0)]))).toMatchInlineSnapshot(
      `"p.bin: byte 48: loops nest at most 2 deep"`,
    );
    const nested = Array.from({ length: 20_000 }, () => loopHead(1, 1)).flat();
    expect(faults(bytesOf(nested))).toMatchInlineSnapshot(`"p.bin: byte 48: loops nest at most 2 deep"`);
  });

  test("a register that is not there", () => {
    expect(
      faults(
        bytesOf(
          words([
            [0x25, 6],
            [0, 28],
            [9, 4],
            [1, 20],
            [8, 6],
            [0, 18],
          ]),
        ),
      ),
    ).toMatchInlineSnapshot(`"p.bin: byte 0: fill: dst has no register 9"`);
  });
});

test("a file's buffer is read as well as an array of its own", () => {
  const program = anyProgram(seedrandom("code/buffer"), "p");
  const code = encodeProgram(program);
  // Small buffers are windows into a shared one, at any offset.
  const pooled = Buffer.concat([Buffer.from("x"), code]).subarray(1);
  expect(decodeProgram(pooled, "p")).toEqual(program);
});

test("no bytes are answered in another way than by a program or a refusal", () => {
  const rng = seedrandom("code/noise");
  let programs = 0;
  for (let i = 0; i < 3000; i++) {
    const code = damaged(rng);
    const what = Buffer.from(code).toString("hex");
    let program: ReturnType<typeof decodeProgram>;
    try {
      program = decodeProgram(code, "noise");
    } catch (error) {
      if (!(error instanceof InputError)) expect.fail(`${String(error)} for ${what}`);
      continue;
    }
    programs++;
    expect(decodeProgram(encodeProgram(program), "noise"), what).toEqual(program);
    expect(parseProgram(formatProgram(program), "noise"), what).toEqual(program);
  }
  expect(programs).toBeGreaterThan(100);
});

/** Noise, or a program cut short, or one with a few bits flipped. */
function damaged(rng: () => number): Uint8Array {
  if (rng() < 0.3) return Uint8Array.from({ length: within(rng, 0, 12) * 8 }, () => within(rng, 0, 255));
  const code = encodeProgram(anyProgram(rng, "p"));
  if (rng() < 0.3) return code.subarray(0, within(rng, 0, code.length));
  for (let flips = within(rng, 1, 3); flips > 0 && code.length > 0; flips--) {
    const at = within(rng, 0, code.length - 1);
    code[at] = code[at]! ^ pick(rng, [1, 2, 4, 8, 16, 32, 64, 128]);
  }
  return code;
}

test("the words of a program are those of its parts", () => {
  const count = (items: readonly Item[]): number =>
    items.reduce((sum, item) => sum + (isLoop(item) ? 3 + count(item.body) : wordsOf(item.op)), 0);
  const rng = seedrandom("code/size");
  for (let i = 0; i < 50; i++) {
    const program = anyProgram(rng, "p");
    expect(encodeProgram(program).length).toBe(8 * count(program.items));
  }
});
