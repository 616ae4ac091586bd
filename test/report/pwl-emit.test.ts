import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { maxOf, minOf, signed, unsigned } from "../../src/fixed/format.ts";
import { decode, type Grid } from "../../src/fixed/real.ts";
import { ROUNDINGS } from "../../src/fixed/round.ts";
import { buildTable, type TableOptions } from "../../src/pwl/build.ts";
import { CURVES } from "../../src/pwl/curves.ts";
import { lookup, tableCost } from "../../src/pwl/table.ts";
import { type DescribedTable, identifierOf, sumBitsOf } from "../../src/report/pwl/described.ts";
import { EMITTERS } from "../../src/report/pwl/emit.ts";

/** A grid of all codes over [lo, hi], both ends on a code. */
function gridOver(lo: number, hi: number, format: Grid["format"]): Grid {
  const scale = (hi - lo) / (2 ** format.bits - 1);
  return { format, scale, zero: minOf(format) - lo / scale };
}

interface Case {
  readonly curve: keyof typeof CURVES;
  readonly input: Grid;
  readonly output: Grid;
  readonly options: Omit<TableOptions, "rounding">;
}

const UNIT8: Grid = { format: signed(8), scale: 1 / 255, zero: -128 };
const BIPOLAR8: Grid = { format: signed(8), scale: 1 / 127, zero: 0 };
const BIPOLAR16: Grid = { format: signed(16), scale: 1 / 32767, zero: 0 };
const slope = { method: "slope", slopeBits: 16 } as const;

/** Between them every branch of what is emitted; each is written in every rounding. */
const CASES: readonly Case[] = [
  { curve: "sigmoid", input: gridOver(-8, 8, signed(8)), output: UNIT8, options: { ...slope, pieces: 1 } },
  { curve: "sigmoid", input: gridOver(-8, 8, signed(8)), output: UNIT8, options: { ...slope, pieces: 16 } },
  {
    curve: "tanh",
    input: gridOver(-4, 4, signed(12)),
    output: BIPOLAR16,
    options: { ...slope, pieces: 8, offsetFraction: 5, shifts: "per-piece" },
  },
  {
    curve: "sqrt",
    input: gridOver(0, 4, unsigned(10)),
    output: { format: unsigned(6), scale: 2 / 63, zero: 0 },
    options: { ...slope, pieces: 13, slopeBits: 7, offsetFraction: 3 },
  },
  {
    curve: "tanh",
    input: { format: signed(8), scale: 4 / 127, zero: 0 },
    output: BIPOLAR8,
    options: {
      ...slope,
      pieces: 8,
      symmetry: 0,
      offsetFraction: 2,
      shifts: "per-piece",
      polish: "free-knots",
    },
  },
  {
    curve: "sigmoid",
    input: { format: signed(9), scale: 8 / 255, zero: 3 },
    output: UNIT8,
    options: { ...slope, pieces: 9, symmetry: 1, offsetFraction: 4 },
  },
  {
    curve: "hard-sigmoid",
    input: gridOver(-8, 8, signed(16)),
    output: { format: signed(16), scale: 1 / 65535, zero: -32768 },
    options: { ...slope, pieces: 4, slopeBits: 9, offsetFraction: 16, shifts: "per-piece" },
  },
  {
    curve: "exp",
    input: gridOver(-6, 3, signed(11)),
    output: { format: signed(8), scale: 1 / 60, zero: -100 },
    options: { ...slope, pieces: 7, slopeBits: 4, shifts: "per-piece" },
  },
  // Flat ends, whose shift is far above what their product needs.
  {
    curve: "hard-sigmoid",
    input: gridOver(-8, 8, signed(10)),
    output: UNIT8,
    options: { ...slope, pieces: 4, slopeBits: 4, offsetFraction: 3, shifts: "per-piece" },
  },
  // Downwards, and in slopes so coarse that ties are common.
  {
    curve: "reciprocal",
    input: gridOver(0.5, 4, signed(9)),
    output: { format: signed(8), scale: 1 / 50, zero: -100 },
    options: { ...slope, pieces: 6, slopeBits: 3 },
  },
  {
    curve: "reciprocal",
    input: gridOver(0.5, 4, unsigned(8)),
    output: { format: signed(8), scale: 1 / 50, zero: 20 },
    options: { ...slope, pieces: 6, slopeBits: 3, offsetFraction: 1, shifts: "per-piece" },
  },
];

/** Every case in every rounding, each by a name of its own. */
const TABLES = CASES.flatMap(({ curve, input, output, options }, c) =>
  ROUNDINGS.map((rounding): DescribedTable & { readonly name: string } => ({
    table: buildTable(CURVES[curve].f, input, output, { ...options, rounding }),
    ...{ curve: `${curve} ${c} ${rounding}`, input, output, rounding },
    name: identifierOf(`${curve} ${c} ${rounding} pwl`),
    lo: decode(minOf(input.format), input),
    hi: decode(maxOf(input.format), input),
    pieces: options.pieces,
    method: options.method,
    polish: options.polish ?? "none",
  })),
);

const answersOf = ({ table, input: { format }, rounding }: DescribedTable): number[] =>
  Array.from({ length: 2 ** format.bits }, (_, i) => lookup(table, minOf(format) + i, rounding));

test("a table's adder is wide enough for every sum that it makes", () => {
  for (const { table, curve } of TABLES)
    expect(tableCost(table).adderBits, curve).toBeGreaterThanOrEqual(sumBitsOf(table));
});

test("the cases tell every rounding from every other", () => {
  const byRounding = ROUNDINGS.map((rounding) =>
    TABLES.filter((given) => given.rounding === rounding)
      .flatMap(answersOf)
      .join(),
  );
  expect(new Set(byRounding).size).toBe(ROUNDINGS.length);
});

/** Programs that a machine may lack. */
const COMPILER = "cc";
const SIMULATOR = ["iverilog", "vvp"] as const;

const has = (program: string): boolean => spawnSync("which", [program]).status === 0;

const folder = mkdtempSync(join(tmpdir(), "shiftline-emit-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes tables and a program that looks up all inputs of all of them, and compares what it prints. */
function compareAll(
  tables: typeof TABLES,
  format: "c" | "sv",
  main: string,
  run: (files: readonly string[]) => string,
): void {
  const files = [
    ...tables.map((given) => [`${given.name}.${format}`, EMITTERS[format].write(given)]),
    ["main.c", main],
  ];
  const paths = files.map(([name, text]) => {
    const path = join(folder, name!);
    writeFileSync(path, text!);
    return path;
  });
  const answers = run(paths).trim().split(/\s+/).map(Number);
  let at = 0;
  for (const given of tables) {
    const wanted = answersOf(given);
    expect(answers.slice(at, at + wanted.length), given.curve).toEqual(wanted);
    at += wanted.length;
  }
  expect(answers).toHaveLength(at);
}

test.skipIf(!has(COMPILER))("C, compiled (skipped where there is no compiler)", () => {
  const loops = TABLES.map(
    ({ name, input: { format } }) =>
      `for (int32_t x = ${minOf(format)}; x <= ${maxOf(format)}; x++) printf("%d\\n", (int)${name}(x));`,
  );
  const includes = TABLES.map(({ name }) => `#include "${name}.c"`);
  const main = [...includes, "#include <stdio.h>", "int main(void) {", ...loops, "return 0; }", ""].join(
    "\n",
  );
  compareAll(TABLES, "c", main, (files) => {
    const binary = join(folder, "binary");
    const flags = "-std=c99 -Wall -Wextra -Werror -pedantic -fsanitize=undefined -fno-sanitize-recover".split(
      " ",
    );
    execFileSync(COMPILER, [...flags, "-o", binary, files.at(-1)!]);
    return execFileSync(binary, { encoding: "utf8", maxBuffer: 1e9 });
  });
});

test.skipIf(!has(SIMULATOR[0]))("SystemVerilog, simulated (skipped where there is no simulator)", () => {
  // A simulator takes its time.
  const tables = TABLES.filter(({ input }) => input.format.bits <= 12);
  // Of a function's result some simulators forget the sign until it is put into a variable.
  const variables = tables.map(
    ({ name, output: { format } }) =>
      `logic ${format.signed ? "signed" : ""} [${format.bits - 1}:0] ${name}_y;`,
  );
  const loops = tables.map(({ name, input: { format } }) => {
    const lookUp = `${name}_y = ${name}::lookup(x[${format.bits - 1}:0]); $display("%0d", ${name}_y);`;
    return `for (int x = ${minOf(format)}; x <= ${maxOf(format)}; x++) begin ${lookUp} end`;
  });
  const main = ["module bench;", ...variables, "initial begin", ...loops, "end endmodule", ""].join("\n");
  compareAll(tables, "sv", main, (files) => {
    const binary = join(folder, "binary");
    execFileSync(SIMULATOR[0], ["-g2012", "-Wall", "-o", binary, ...files]);
    return execFileSync(SIMULATOR[1], [binary], { encoding: "utf8", maxBuffer: 1e9 });
  });
});

test("SystemVerilog keeps to what was checked by simulation: packed parameters of the table's widths", () => {
  for (const given of TABLES) {
    const { table } = given;
    const text = EMITTERS.sv.write(given);
    /** Values from the first piece up, as they are stored in parameters of so many bits each. */
    const stored = (name: string, bits: number, signed: boolean) => {
      const [, width, words] = new RegExp(`\\[PIECES\\*(\\d+)-1:0\\] ${name} = \\{([^}]*)\\}`).exec(text)!;
      expect(Number(width)).toBe(bits);
      return words!
        .split(",")
        .reverse()
        .map((word) => {
          const [, own, digits] = /^(\d+)'h([0-9a-f]+)$/.exec(word.trim())!;
          expect(Number(own)).toBe(bits);
          const code = Number.parseInt(digits!, 16);
          return signed && code >= 2 ** (bits - 1) ? code - 2 ** bits : code;
        });
    };
    expect(stored("KNOTS", table.in.bits, table.in.signed)).toEqual([...table.knots]);
    expect(stored("OFFSETS", table.out.bits + table.offsetFraction, true)).toEqual([...table.bases]);
    expect(stored("SLOPES", table.slopeBits, true)).toEqual([...table.slopes]);
    if (table.shifts.length > 1) expect(stored("SHIFTS", 6, false)).toEqual([...table.shifts]);
    else expect(text).toContain(`SHIFT = ${table.shifts[0]};`);
    expect(text.match(/\bfunction\b/g)).toHaveLength(1);
    expect(text).toMatch(/^package (\w+);[\s\S]*^endpackage$/m);
  }
});
