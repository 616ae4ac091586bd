import { expect, test } from "vitest";
import { encodeInstruction, wordsOf } from "../../src/isa/encode.ts";
import { ops } from "../../src/isa/table.ts";
import { shiftline } from "./shiftline.ts";

test("isa prints every operation with its opcode, length, unit and meaning", async () => {
  const { status, out, err } = await shiftline("isa");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  for (const { name } of ops) expect(out).toMatch(new RegExp(`^${name.replace(".", "\\.")} +0x`, "m"));
  expect(out).toMatch(/^matmul +0x10 +3 +mac +acc\[n\]\[m\] /m);
  expect(out).toMatch(/^requant\.pwl +0x19 +4 +requant, pwl +requant, each result/m);
  expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(110);
});

test("isa OP prints where each field lies", async () => {
  expect((await shiftline("isa", "fill")).out).toMatchInlineSnapshot(`
    "fill: dst[n] = value
    unit vector; 2 words of 64 bits, bit 0 is the lowest of the first

    field   bits  values                    meaning
             5:0  0x25                      opcode
    dst     33:6  activation address        codes [n]
           37:34  i0 i1 i2 i3 j0 j1 j2 j3   index register added to dst
    n      57:38  1 … 1048575               elements
    bits   63:58  2 … 48                    width
    value  95:64  -2147483648 … 2147483647  the code

    cost             cycles
    vector  beats    max(ceil(n / vector.lanes), stream)
            latency  vector.latency
    in               bytes read from the activation SRAM: each operand's codes packed into whole bytes, times its
                     passes; or the bytes that are stated of it
    out              bytes written to the activation SRAM, likewise
    stream           max(ceil(in / activation.bytesPerCycle), ceil(out / activation.bytesPerCycle))
    "
  `);
});

test("isa OP prints its cost and what that rests on, each term once", async () => {
  const { out } = await shiftline("isa", "requant.pwl");
  expect(out.slice(out.indexOf("cost "))).toMatchInlineSnapshot(`
    "cost                                       cycles
    requant         beats                      ceil(m * n / requant.lanes)
                    latency                    requant.latency
    pwl             beats                      max(ceil(m * n / pwl.lanes), stream)
                    latency                    pwl.latency + search(pieces)
    in                                         bytes read from the activation SRAM: each operand's codes packed
                                               into whole bytes, times its passes; or the bytes that are stated of
                                               it
    out                                        bytes written to the activation SRAM, likewise
    stream                                     max(ceil(in / activation.bytesPerCycle), ceil(out /
                                               activation.bytesPerCycle))
    search(pieces)  where pwl.search = binary  max(1, clog2(pieces))
                    otherwise                  1
    "
  `);
  const { cost } = JSON.parse((await shiftline("isa", "matmul", "--json")).out);
  expect(cost).toEqual([
    { unit: "mac", beats: expect.stringContaining("array(m, k"), latency: "arrayLatency" },
  ]);
});

test("the places that isa prints are those of the encoder", async () => {
  for (const op of ops) {
    const { fields, words, opcode } = JSON.parse((await shiftline("isa", op.name, "--json")).out);
    expect({ words, opcode }).toEqual({ words: wordsOf(op), opcode: op.code });
    const x = Object.fromEntries(Object.entries(op.fields).map(([name, { max }]) => [name, max]));
    const code = encodeInstruction({ op, x, by: {} });
    let next = 6;
    for (const { name, place, register } of fields) {
      expect(place.from, `${op.name}.${name}`).toBe(next);
      const { bits, max } = op.fields[name as keyof typeof op.fields] as { bits: number; max: number };
      expect(Number(BigInt.asUintN(bits, code >> BigInt(place.from))), `${op.name}.${name}`).toBe(max);
      next = (register ?? place).to + 1;
    }
    expect(next).toBeLessThanOrEqual(64 * words);
  }
});

test("an unknown operation is refused with the nearest one", async () => {
  expect(await shiftline("isa", "matmull")).toEqual({
    status: 1,
    out: "",
    err: "shiftline: matmull: no such operation; did you mean matmul?\n",
  });
});

test("--json is one document", async () => {
  const set = JSON.parse((await shiftline("isa", "--json")).out);
  expect(set).toHaveLength(ops.length);
  expect(set[0]).toEqual({
    name: "load.weight",
    opcode: 8,
    words: 2,
    units: ["dma"],
    doc: "weight SRAM[dst] = image[src], bytes",
  });
});
