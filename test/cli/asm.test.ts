import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folder, shiftline, without } from "./shiftline.ts";

const PROGRAM = `# a row of four, scaled and looked up, three times
load.weight dst=0 src=0 bytes=16
loop count=3 by=4,0,0,0
  fill dst=64+i0 n=4 bits=8 value=-3
end
matmul w=0 x=64 acc=0 m=4 k=4 n=1 wBits=8 xBits=8 keep=0
`;

/** A file of assembly text in a folder of its own. */
function written(text: string): { here: string; file: string } {
  const here = folder();
  const file = join(here, "prog.s");
  writeFileSync(file, text);
  return { here, file };
}

test("asm prints a 64-bit word a line", async () => {
  const { status, out, err } = await shiftline("asm", written(PROGRAM).file);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatchInlineSnapshot(`
    "0000000000000008
    0000000000000400
    00010000040000c1
    0000000000000000
    0000000000000000
    2000010400001025
    00000000fffffffd
    0000100000000010
    1000010000000000
    0000082000004000
    "
  `);
});

test("disasm gives back what asm was given, but for the comments", async () => {
  const { here, file } = written(PROGRAM);
  const bin = join(here, "deep", "prog.bin");
  const { status, out, err } = await shiftline("asm", file, "--arch", "edge16x16", "--out", bin);
  expect({ status, out, err: without(here, err) }).toEqual({
    status: 0,
    out: "",
    err: "wrote FOLDER/deep/prog.bin: 10 words\n",
  });
  const words = (await shiftline("asm", file)).out.trimEnd().split("\n");
  expect(Array.from(new BigUint64Array(new Uint8Array(readFileSync(bin)).buffer))).toEqual(
    words.map((word) => BigInt(`0x${word}`)),
  );
  expect((await shiftline("disasm", bin)).out).toBe(PROGRAM.slice(PROGRAM.indexOf("\n") + 1));
});

test("--json is one document on stdout, whatever else is written", async () => {
  const { here, file } = written("fill dst=0 n=1 bits=8 value=1\n");
  const bin = join(here, "prog.bin");
  const { out } = await shiftline("asm", file, "--json", "--out", bin);
  expect(JSON.parse(out)).toEqual({ file, words: [expect.any(String), expect.any(String)] });
  expect(JSON.parse((await shiftline("disasm", bin, "--json")).out)).toEqual({
    file: bin,
    lines: ["fill dst=0 n=1 bits=8 value=1"],
  });
});

test("a faulty program is refused with every fault, and nothing is written", async () => {
  const texts = [
    "matmull w=0\nfill dst=0 n=4 bits=8 valeu=1\nend\n",
    "fill dst=0 n=0 bits=99 value=1\n",
    "loop count=2000000 by=0\nfill dst=0 n=1 bits=8 value=1\nend\n",
    "loop count=2 by=999999999\nfill dst=0 n=1 bits=8 value=1\nend\n",
  ];
  const answers: string[] = [];
  for (const text of texts) {
    const { here, file } = written(text);
    const bin = join(here, "prog.bin");
    const { status, out, err } = await shiftline("asm", file, "--out", bin);
    expect({ text, status, out, isWritten: existsSync(bin) }).toEqual({
      text,
      status: 1,
      out: "",
      isWritten: false,
    });
    answers.push(without(here, err).trimEnd());
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "shiftline: FOLDER/prog.s: line 1: no operation "matmull"; did you mean matmul?; line 2: fill has no field valeu; did you mean value?; line 2: fill lacks value; line 3: end without a loop
    shiftline: FOLDER/prog.s: fill dst=0 n=0 bits=99 value=1: n: 0 is not an integer in 1 … 1048575; fill dst=0 n=0 bits=99 value=1: bits: 99 is not an integer in 2 … 48
    shiftline: FOLDER/prog.s: loop: 2000000 does not fit 20 bits unsigned
    shiftline: FOLDER/prog.s: loop: 999999999 does not fit 28 bits signed"
  `);
});

test("what one machine refuses, another may take", async () => {
  const { here, file } = written("fill dst=65528 n=64 bits=8 value=1\n");
  expect((await shiftline("asm", file)).status).toBe(0);
  expect((await shiftline("asm", file, "--arch", "edge32x32")).status).toBe(0);
  const { status, err } = await shiftline("asm", file, "--arch", "edge16x16");
  expect(status).toBe(1);
  expect(without(here, err)).toMatchInlineSnapshot(`
    "shiftline: FOLDER/prog.s on edge16x16: line 1, instruction 0: fill: activation 65528 … 65591 is outside its 65536 bytes
    "
  `);
});

test("what is wrong in a loop is told with its line, and how often", async () => {
  const { here, file } = written(`# far too long
fill dst=0 n=4 bits=8 value=0
loop count=1000000 by=0
  loop count=1000000 by=64

    store dst=0 src=0 n=4 bits=8  # fine
    fetch dst=0+i0 src=0 n=4 bits=8
    fetch dst=0+j0 src=0 n=4 bits=8
  end
end
store dst=0 src=0 n=4 bits=4
`);
  const { status, err } = await shiftline("asm", file, "--arch", "edge16x16");
  expect(status).toBe(1);
  expect(without(here, err)).toMatchInlineSnapshot(`
    "shiftline: FOLDER/prog.s on edge16x16: line 8, instruction 3075: fetch: activation 65536 … 65539 is outside its 65536 bytes, and 999 more of its line
    "
  `);
});

test("reading what nothing wrote is refused, unless others may have", async () => {
  const { here, file } = written("store dst=0 src=16 n=4 bits=8\n");
  const { status, err } = await shiftline("asm", file, "--arch", "edge16x16");
  expect(status).toBe(1);
  expect(without(here, err)).toMatchInlineSnapshot(`
    "shiftline: FOLDER/prog.s on edge16x16: line 1, instruction 0: store: reads activation 16 … 19, but nothing wrote 16
    "
  `);
  expect((await shiftline("asm", file, "--arch", "edge16x16", "--filled")).status).toBe(0);
});

test("missing files and bytes that are no program are refused, status 1", async () => {
  const here = folder();
  const bin = join(here, "noise.bin");
  writeFileSync(bin, Uint8Array.from([31, 0, 0, 0, 0, 0, 0, 0]));
  const short = join(here, "short.bin");
  writeFileSync(short, Uint8Array.from([1, 2, 3]));
  const answers: string[] = [];
  for (const line of [
    ["asm", join(here, "none.s")],
    ["disasm", join(here, "none.bin")],
    ["asm", here],
    ["disasm", bin],
    ["disasm", short],
  ]) {
    const { status, out, err } = await shiftline(...line);
    expect({ line, status, out }).toEqual({ line, status: 1, out: "" });
    answers.push(without(here, err).trimEnd());
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "shiftline: FOLDER/none.s: no such file
    shiftline: FOLDER/none.bin: no such file
    shiftline: FOLDER: cannot be read (EISDIR)
    shiftline: FOLDER/noise.bin: byte 0: no operation has opcode 31
    shiftline: FOLDER/short.bin: 3 bytes are not whole 64-bit words"
  `);
});
