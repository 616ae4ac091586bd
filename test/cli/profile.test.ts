import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experimentIn } from "./experiments.ts";
import { folder, shiftline, without } from "./shiftline.ts";

interface Spent {
  readonly instructions: number;
  readonly cycles: number;
  readonly issue: number;
  readonly dram: number;
  readonly work: number;
  readonly pipeline: number;
}

const profiled = async (...line: string[]) => {
  const { status, out, err } = await shiftline("profile", ...line, "--json");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  return JSON.parse(out);
};

test("profile tells a word's cycles by layer, operation and cause, and each layer's bound", async () => {
  const { status, out, err } = await shiftline("profile", experimentIn(folder()));
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(
    out.match(/^\S.*$/gm)!.map((line) => line.replace(/[\d,]+ (?=cycles)|[\d,]+(?= once)/g, "N ")),
  ).toEqual([
    "small, point 1: edge16x16, irnn",
    "4 words; N cycles a word on average, behind a load of N  once a job",
    "cycles a word, by layer: how far its instructions push the end, and what passes meanwhile",
    "by operation",
    "by what an instruction waits for last before it starts",
    "a word's layers under the roofline",
    "mapping",
  ]);
  for (const layer of ["encoder.forward.h", "decoder.cell", "attention.keys", "output", "bridge", "host"])
    expect(out.match(new RegExp(`^  ${layer} `, "gm")), layer).toHaveLength(2);
  expect(out, "every instruction has a layer").not.toMatch(/^ {2}other /m);
  expect(out).toMatch(/^ {2}operands: .* \d+\.\d /m);
  expect(out).toMatch(/^ {2}decoder\.x .* array; mac \d+\.\d$/m);
  expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(110);
});

test("the shares of --json add up to the cycles that run reports", async () => {
  const file = experimentIn(folder());
  const profile = await profiled(file, "--set", "weight.bytes=65536");
  const { cost } = JSON.parse((await shiftline("run", file, "--set", "weight.bytes=65536", "--json")).out);
  expect([profile.cycles, profile.loadCycles]).toEqual([cost.warm.cycles, cost.load.cycles]);
  for (const table of ["layers", "operations", "starts"]) {
    const rows: Spent[] = profile[table];
    const sum = (figure: keyof Spent) => rows.reduce((total, row) => total + row[figure], 0);
    expect([table, sum("cycles"), sum("instructions")]).toEqual([table, cost.warm.cycles, cost.warm.issued]);
    expect(sum("issue") + sum("dram") + sum("work") + sum("pipeline")).toBe(cost.warm.cycles);
    expect(rows.map(({ cycles }) => cycles)).toEqual(rows.map(({ cycles }) => cycles).sort((a, b) => b - a));
  }
  const layers: { macs: number; dramBytes: number; intensity: { dram: number | null } }[] = profile.layers;
  expect(layers.reduce((sum, { macs }) => sum + macs, 0)).toBe(cost.warm.macs);
  const { readBytes, writeBytes } = cost.warm.traffic.dram;
  expect(layers.reduce((sum, { dramBytes }) => sum + dramBytes, 0)).toBe(readBytes + writeBytes);
  for (const { macs, dramBytes, intensity } of layers)
    expect(intensity.dram).toBe(dramBytes === 0 ? null : macs / dramBytes);
});

test("--svg writes the roofline, the same bytes each time, and --point, --arch and --words choose", async () => {
  const here = folder();
  const file = experimentIn(here, "  - {}\n  - { set: { weight_bits: 4 } }\n");
  const picture = async (name: string) => {
    const path = join(here, name);
    const { status, err } = await shiftline(
      ...["profile", file, "--point", "2", "--arch", "dot16x16", "--words", "2", "--svg", path],
    );
    expect({ status, err: without(here, err) }).toEqual({ status: 0, err: `wrote FOLDER/${name}\n` });
    return readFileSync(path, "utf8");
  };
  const svg = await picture("a.svg");
  expect(await picture("b.svg")).toBe(svg);
  expect(svg).toContain("<title>small, point 2: dot16x16, irnn, weight_bits=4: roofline</title>");
  expect(svg).toMatch(/>[^<]*decoder\.x[^<]* \d+\.\d%</);
  expect(svg).toMatch(/>2 words, [\d,]+ cycles each;/);
});

test("what is refused is one line on stderr", async () => {
  const here = folder();
  const file = experimentIn(here);
  const answers: string[] = [];
  for (const line of [
    ["--point", "2"],
    ["--words", "0"],
    ["--svg"],
    ["--svg", join(here, "small.yaml", "r.svg")],
  ]) {
    const { status, err } = await shiftline("profile", file, ...line);
    answers.push(`${status} ${without(here, err).trimEnd()}`);
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "1 shiftline: FOLDER/small.yaml: there is no point 2, only 1 … 1
    2 shiftline: --words takes a whole number from 1 on, not "0" (see shiftline --help)
    2 shiftline: Not enough arguments following: svg (see shiftline --help)
    1 shiftline: FOLDER/small.yaml/r.svg: cannot be written (EEXIST)"
  `);
});
