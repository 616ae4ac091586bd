import { expect, test } from "vitest";
import { parseProgram } from "../../src/isa/asm.ts";
import { type Issued, isLoop, unroll } from "../../src/isa/program.ts";

const field =
  (name: string) =>
  ({ x }: Issued): number =>
    x[name]!;

/** Destinations of the `fill`s that a program issues, in order. */
const issued = (text: string): number[] =>
  unroll(parseProgram(text.replaceAll(/fill (\S+)/g, "fill dst=$1 n=1 bits=8 value=0"), "p")).map(
    field("dst"),
  );

test("without loops, instructions are issued as written", () => {
  expect(issued("fill 3\nfill 1\nfill 2")).toEqual([3, 1, 2]);
});

test("a loop's registers start at zero and advance after every turn, each by its stride", () => {
  expect(
    issued("loop count=3 by=10,-1,0,7\nfill 100+i0\nfill 100+i1\nfill 100+i2\nfill 100+i3\nfill 5\nend"),
  ).toEqual([...[100, 100, 100, 100, 5], ...[110, 99, 100, 107, 5], ...[120, 98, 100, 114, 5]]);
});

test("the inner loop's registers start anew in every turn of the outer loop", () => {
  const text =
    "loop count=2 by=100\n  loop count=3 by=1\n    fill 0+i0\n    fill 0+j0\n  end\n  fill 7+i0\nend";
  expect(issued(text)).toEqual([...[0, 0, 0, 1, 0, 2, 7], ...[100, 0, 100, 1, 100, 2, 107]]);
});

test("an instruction may have a register of each level on its addresses", () => {
  const text = "loop count=2 by=100\nloop count=2 by=0,5\nfetch dst=1+i0 src=2+j1 n=1 bits=8\nend\nend";
  expect(unroll(parseProgram(text, "p")).map((i) => [field("dst")(i), field("src")(i)])).toEqual([
    [1, 2],
    [1, 7],
    [101, 2],
    [101, 7],
  ]);
});

test("loops one after the other both start at zero", () => {
  expect(issued("loop count=2 by=4\nfill 0+i0\nend\nloop count=2 by=4\nfill 0+i0\nend")).toEqual([
    0, 4, 0, 4,
  ]);
});

test("two inner loops in one outer loop share the inner registers, one after the other", () => {
  const inner = (stride: number) => `loop count=2 by=${stride}\nfill 0+j0\nend\n`;
  expect(issued(`loop count=2 by=0\n${inner(1)}${inner(3)}end`)).toEqual([0, 1, 0, 3, 0, 1, 0, 3]);
});

test("a loop of no turns issues nothing, and neither does an empty one", () => {
  expect(issued("loop count=0 by=1\nfill 1\nend\nfill 2\nloop count=9 by=1\nend")).toEqual([2]);
});

test("strides that are not there are zero", () => {
  const program = parseProgram("loop count=2 by=1\nfill dst=0+i3 n=1 bits=8 value=0\nend", "p");
  const [loop] = program.items;
  if (loop === undefined || !isLoop(loop)) return expect.fail("no loop");
  expect(unroll({ name: "p", items: [{ ...loop, strides: [1] }] }).map(field("dst"))).toEqual([0, 0]);
});

test("a field without a register keeps its value, and the program is not touched", () => {
  const program = parseProgram("loop count=2 by=8\nfill dst=0+i0 n=3 bits=8 value=-1\nend", "p");
  const before = structuredClone(program.items.map((item) => ("body" in item ? item.strides : [])));
  expect(unroll(program).map(({ x }) => x)).toEqual([
    { dst: 0, n: 3, bits: 8, value: -1 },
    { dst: 8, n: 3, bits: 8, value: -1 },
  ]);
  expect(program.items.map((item) => ("body" in item ? item.strides : []))).toEqual(before);
  expect(unroll(program)).toEqual(unroll(program));
});

test("a thousand times a thousand turns are issued without trouble", () => {
  const text = "loop count=1000 by=1000\nloop count=300 by=1\nfill 0+j0\nend\nend";
  const all = issued(text);
  expect(all).toHaveLength(300_000);
  expect(all.at(-1)).toBe(299);
});

test("what is shown inside a loop moves with its register; what a loop shows, its last instruction shows", () => {
  const { items } = parseProgram("loop count=2 by=16\n  fill dst=0+i0 n=1 bits=8 value=0\nend", "p");
  const grid = { format: { bits: 8, signed: true }, scale: 1, zero: 0 };
  const shown = { at: 4, length: 1, count: 1, grid };
  const [loop] = items;
  if (loop === undefined || !isLoop(loop)) throw new Error("not a loop");
  const body = loop.body.map((item) => ({ ...item, shows: [{ ...shown, site: "h", by: 0 }] }));
  const program = { name: "p", items: [{ ...loop, body, shows: [{ ...shown, site: "all" }] }] };
  expect(unroll(program).map(({ shows }) => shows!.map(({ site, at }) => `${site} ${at}`))).toEqual([
    ["h 4"],
    ["h 20", "all 4"],
  ]);
});
