import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { formatInstruction, formatProgram, parseProgram } from "../../src/isa/asm.ts";
import type { OpDef } from "../../src/isa/define.ts";
import type { Instruction, Program } from "../../src/isa/program.ts";
import { byName, ops } from "../../src/isa/table.ts";
import { anyInstruction, anyProgram } from "./random.ts";

const all: readonly OpDef[] = ops;

/** What a person reads when this text is assembled, a problem a line. */
function faults(text: string): string {
  try {
    parseProgram(text, "p.s");
  } catch (error) {
    if (error instanceof InputError) return error.message.replaceAll("; line", "\nline");
    throw error;
  }
  return "nothing is wrong";
}

/** A line with every field of the operation, each 1 but those given. */
function line(name: string, given: Readonly<Record<string, string>> = {}): string {
  const words = Object.keys(byName.get(name)!.fields).map((f) => `${f}=${given[f] ?? 1}`);
  return [name, ...words].join(" ");
}

test.each(all.map((op) => [op.name, op] as const))("%s is read back from its text", (name, op) => {
  const rng = seedrandom(`text/${name}`);
  for (let i = 0; i < 300; i++) {
    const instruction = anyInstruction(op, rng);
    const text = formatInstruction(instruction);
    expect(parseProgram(text, "one").items, text).toEqual([instruction]);
  }
});

test("programs with nested loops are read back from their text", () => {
  const rng = seedrandom("text/programs");
  for (let i = 0; i < 200; i++) {
    const program = anyProgram(rng, `p${i}`);
    const text = formatProgram(program);
    expect(parseProgram(text, program.name), text).toEqual(program);
  }
});

test("a program as it is printed", () => {
  const fill = (dst: number, by: Instruction["by"]): Instruction => ({
    op: byName.get("fill")!,
    x: { dst, n: 4, bits: 8, value: -3 },
    by,
  });
  const program: Program = {
    name: "p",
    items: [
      fill(0, {}),
      {
        count: 7,
        strides: [48, -192, 0, 0],
        body: [
          fill(64, { dst: 0 }),
          { count: 2, strides: [1, 2, 3, 4], body: [fill(96, { dst: 7 })] },
          fill(80, { dst: 3 }),
        ],
      },
    ],
  };
  expect(formatProgram(program)).toMatchInlineSnapshot(`
    "fill dst=0 n=4 bits=8 value=-3
    loop count=7 by=48,-192,0,0
      fill dst=64+i0 n=4 bits=8 value=-3
      loop count=2 by=1,2,3,4
        fill dst=96+j3 n=4 bits=8 value=-3
      end
      fill dst=80+i3 n=4 bits=8 value=-3
    end
    "
  `);
});

test("comments, blank lines, indentation and line ends of any system play no part", () => {
  const text = `# first\n\n   ${line("fill")}  # and why\r\n\tloop count=2 by=1\r\n${line("fill", { dst: "5+i0" })}\nend`;
  const [plain, loop] = parseProgram(text, "p").items;
  expect(plain).toMatchObject({ op: { name: "fill" }, by: {} });
  expect(loop).toMatchObject({ count: 2, strides: [1, 0, 0, 0], body: [{ x: { dst: 5 }, by: { dst: 0 } }] });
});

test("fields may come in any order", () => {
  const text = "fill value=-3 bits=8 n=4 dst=64+j3";
  const [instruction] = parseProgram(text, "p").items;
  expect(formatInstruction(instruction as Instruction)).toBe("fill dst=64+j3 n=4 bits=8 value=-3");
});

test("no text is an empty program, and prints as nothing", () => {
  expect(parseProgram("", "p").items).toEqual([]);
  expect(parseProgram(formatProgram({ name: "p", items: [] }), "p").items).toEqual([]);
});

describe("refused with its line:", () => {
  test("an operation that is not there", () => {
    expect(faults("matmull w=1\nfoo\nloop\nfil dst=1")).toMatchInlineSnapshot(`
      "p.s: line 1: no operation "matmull"; did you mean matmul?
      line 2: no operation "foo"
      line 3: no operation "loop"
      line 4: no operation "fil"; did you mean fill?"
    `);
  });

  test("a field that the operation does not have", () => {
    expect(faults(`${line("fill")} valu=1`)).toMatchInlineSnapshot(
      `"p.s: line 1: fill has no field valu; did you mean value?"`,
    );
    expect(faults(`${line("fill")} constructor=1`)).toMatchInlineSnapshot(
      `"p.s: line 1: fill has no field constructor"`,
    );
  });

  test("a field twice", () => {
    expect(faults(`${line("fill")} n=2`)).toMatchInlineSnapshot(`"p.s: line 1: fill: n is given twice"`);
  });

  test("a field that is missing", () => {
    expect(faults("fill")).toMatchInlineSnapshot(`"p.s: line 1: fill needs dst, n, bits, value"`);
    expect(faults("fill dst=1 n=2")).toMatchInlineSnapshot(`"p.s: line 1: fill lacks bits, value"`);
  });

  test("a value that is no integer, or has no such register", () => {
    expect(faults(line("fill", { value: "x" }))).toMatchInlineSnapshot(`
      "p.s: line 1: fill: "value=x" is not FIELD=INTEGER or FIELD=INTEGER+REGISTER
      line 1: fill lacks value"
    `);
    expect(faults(line("fill", { value: "1.5" }))).toMatchInlineSnapshot(`
      "p.s: line 1: fill: "value=1.5" is not FIELD=INTEGER or FIELD=INTEGER+REGISTER
      line 1: fill lacks value"
    `);
    expect(faults(line("fill", { dst: "1+k0" }))).toMatchInlineSnapshot(`
      "p.s: line 1: fill: "dst=1+k0" is not FIELD=INTEGER or FIELD=INTEGER+REGISTER
      line 1: fill lacks dst"
    `);
    expect(faults(line("fill", { dst: "1+i4" }))).toMatchInlineSnapshot(`
      "p.s: line 1: fill: "dst=1+i4" is not FIELD=INTEGER or FIELD=INTEGER+REGISTER
      line 1: fill lacks dst"
    `);
    expect(faults("fill dst")).toMatchInlineSnapshot(`
      "p.s: line 1: fill: "dst" is not FIELD=INTEGER or FIELD=INTEGER+REGISTER
      line 1: fill lacks dst, n, bits, value"
    `);
  });

  test("a register on what is no address", () => {
    expect(faults(line("fill", { value: "1+i0" }))).toMatchInlineSnapshot(`
      "p.s: line 1: fill: value is no address, so no register can be added
      line 1: fill lacks value"
    `);
  });

  test("a loop of another form, or with too many strides", () => {
    expect(faults("loop 7\nend")).toMatchInlineSnapshot(
      `"p.s: line 1: "loop 7" is not of the form loop count=N by=S,S,S,S"`,
    );
    expect(faults("loop count=-1 by=1\nend")).toMatchInlineSnapshot(
      `"p.s: line 1: "loop count=-1 by=1" is not of the form loop count=N by=S,S,S,S"`,
    );
    expect(faults("loop count=1 by=1,2,3,4,5\nend")).toMatchInlineSnapshot(
      `"p.s: line 1: a loop has 4 strides, not 5"`,
    );
  });

  test("loops that are too deep, not closed, or not opened", () => {
    const loop = "loop count=2 by=1\n";
    expect(faults(`${loop}${loop}${loop}end\nend\nend`)).toMatchInlineSnapshot(
      `"p.s: line 3: loops nest at most 2 deep"`,
    );
    expect(faults(`${loop}end\n${loop}${line("fill")}`)).toMatchInlineSnapshot(
      `"p.s: line 3: loop without an end"`,
    );
    expect(faults(`${line("fill")}\nend`)).toMatchInlineSnapshot(`"p.s: line 2: end without a loop"`);
  });

  test("everything that is wrong in a file, at once", () => {
    expect(
      faults(
        `# a program\nfill dst=1\n${line("fill")} m=1\nloop count=x by=1\n  nop\nend\nend\nloop count=1 by=1`,
      ),
    ).toMatchInlineSnapshot(`
      "p.s: line 2: fill lacks n, bits, value
      line 3: fill has no field m
      line 4: "loop count=x by=1" is not of the form loop count=N by=S,S,S,S
      line 5: no operation "nop"
      line 7: end without a loop
      line 8: loop without an end"
    `);
  });
});
