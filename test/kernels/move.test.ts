import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import type { Grid } from "../../src/fixed/real.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { Builder, Tensor } from "../../src/kernels/builder.ts";
import { compile } from "../../src/kernels/compile.ts";
import { lowerZero } from "../../src/kernels/elementwise.ts";
import { lowerMove, lowerTranspose } from "../../src/kernels/move.ts";
import { time } from "../../src/machine/timing.ts";
import { Bench } from "./harness.ts";

const gridOf = (bits: number): Grid => ({ format: { bits, signed: true }, scale: 1, zero: 0 });
const arch = makeArch();

/** What becomes of the codes 0, 1, 2 … of a tensor, modulo what `bits` bits hold, on both backends. */
function moved(
  bits: number,
  length: number,
  count: number,
  lower: (b: Builder, input: Tensor) => Tensor,
): readonly number[] {
  const compiled = compile(arch, {
    inputs: [{ grid: gridOf(bits), length, count }],
    lower: (b, [input]) => [lower(b, input!)],
  });
  const codes = [Int32Array.from({ length: length * count }, (_, i) => i % 2 ** (bits - 1))];
  const [simd, twin] = (["simd", "twin"] as const).map(
    (backend) => new Bench(compiled, arch, 1, backend).run([[codes]]).codes[0]!,
  );
  expect(twin).toEqual(simd);
  return simd!;
}

describe.each([4, 8, 12, 16, 32, 48])("codes of %i bits", (bits) => {
  test.each([
    [3, 5],
    [1, 6],
    [6, 1],
    [1, 1],
  ])("%i to a vector, %i vectors, are transposed", (length, count) => {
    const got = moved(bits, length, count, (b, input) => {
      const output = b.map.tensor(input.grid, count, length);
      lowerTranspose(b, input, output);
      return output;
    });
    const want = Array.from(
      { length: length * count },
      (_, i) => (i % count) * length + Math.floor(i / count),
    );
    expect(got).toEqual(want.map((code) => code % 2 ** (bits - 1)));
  });
});

test("slices and joins: columns 2 and 3 of four go to columns 4 and 5 of six, the others are zeros", () => {
  const got = moved(8, 4, 3, (b, input) => {
    const output = b.map.tensor(input.grid, 6, 3);
    lowerZero(b, output);
    const from = { ...input, at: (input.at as number) + 2 };
    const to = { ...output, at: (output.at as number) + 4 };
    lowerMove(b, from, to, { rows: 3, columns: 2 });
    return output;
  });
  expect(got).toEqual([0, 0, 0, 0, 2, 3, 0, 0, 0, 0, 6, 7, 0, 0, 0, 0, 10, 11]);
});

test("repeats: a vector for every row, and each code of it several times", () => {
  const rows = moved(8, 3, 1, (b, input) => {
    const output = b.map.tensor(input.grid, 3, 4);
    lowerMove(b, input, output, { rows: 4, columns: 3, fromRow: 0 });
    return output;
  });
  expect(rows).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
  const codes = moved(8, 3, 1, (b, input) => {
    const output = b.map.tensor(input.grid, 2, 3);
    lowerMove(b, input, output, { rows: 3, columns: 2, fromRow: 1, fromColumn: 0 });
    return output;
  });
  expect(codes).toEqual([0, 0, 1, 1, 2, 2]);
});

test("a transposition takes a cycle and a word for each code, rows a cycle each, and what is dense no more than other operations", () => {
  const wide = makeArch({ "vector.lanes": 16, "activation.bytesPerCycle": 64 });
  const cost = (strides: string) => {
    const text = `move dst=0 src=4096 rows=8 columns=32 ${strides} bits=8`;
    const { units, traffic } = time(parseProgram(text, "alone"), wide);
    return [units.vector.busyCycles, traffic.activation.readBytes, traffic.activation.writeBytes];
  };
  expect(cost("dstRow=1 dstColumn=8 srcRow=32 srcColumn=1")).toEqual([256, 256, 256 * 64]);
  expect(cost("dstRow=40 dstColumn=1 srcRow=32 srcColumn=1")).toEqual([16, 256, 8 * 64]);
  expect(cost("dstRow=32 dstColumn=1 srcRow=32 srcColumn=1")).toEqual([16, 256, 256]);
});
