import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FIELDS } from "../../src/arch/fields.ts";
import { hashArch, loadArch } from "../../src/arch/spec.ts";
import { folder, shiftline } from "./shiftline.ts";

test("arch lists every machine with what its file says first", async () => {
  const { status, out, err } = await shiftline("arch");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatchInlineSnapshot(`
    "dot16x16     An adder-tree engine (the shape of NVDLA's and most edge NPUs' cores): 16 products summed into
                 each of 16 outputs every cycle, which suits the matrix-vector products of a recurrent network.
    edge16x16    The default: a phone-class edge core, a 256-multiplier systolic array with half a megabyte of
                 weights on chip.
    edge32x32    A larger systolic array (the class of Google's Edge TPU at a quarter of its side): fast where
                 matrices meet matrices, mostly idle on a batch of one.
    edge8x8      A microcontroller's neural accelerator (the class of Arm's Ethos-U55-64): a small array, little
                 SRAM, a narrow path to memory.
    narrow-acc   The default core with accumulators of 24 bits that saturate at the end of each array pass, as
                 low-power DSP-derived engines have them: results may then depend on the array's shape.
    pure-shift   A requantizer without a multiplier (the shape of Shift-BatchNorm and of power-of-two schemes):
                 one shift, floor with a carry-in.
    scalesim-is  SCALE-Sim's input-stationary array: folds never overlap, each pays its fill, its drain and its
                 preload.
    scalesim-os  SCALE-Sim's output-stationary array: folds never overlap, each pays its fill and its drain.
    scalesim-ws  SCALE-Sim's weight-stationary array: folds never overlap, each pays its fill, its drain and its
                 preload.
    "
  `);
});

test("arch FILE prints every parameter with its unit and meaning", async () => {
  const { status, out } = await shiftline("arch", "arch/edge8x8.yaml");
  expect(status).toBe(0);
  for (const name of Object.keys(FIELDS)) expect(out).toContain(`\n${name} `);
  expect(out.split("\n").slice(0, 6).join("\n")).toMatchInlineSnapshot(`
    "parameter                           edge8x8  unit         meaning
    mac.rows                                  8  row          rows of the MAC array; under \`dot\`, products summed
                                                              into an output each cycle
    mac.columns                               8  column       columns of the MAC array; under \`dot\`, outputs
                                                              computed in parallel
    mac.dataflow              weight-stationary               what stays in the array while the rest streams past"
  `);
});

test("a name means the same machine as its file, and several stand side by side", async () => {
  expect((await shiftline("arch", "edge8x8")).out).toBe((await shiftline("arch", "arch/edge8x8.yaml")).out);
  const { out } = await shiftline("arch", "edge8x8", "edge32x32");
  expect(out).toMatch(/^parameter +edge8x8 +edge32x32 /);
  expect(out).toMatch(/^acc\.entries +2,048 +16,384 +entry/m);
});

test("--set changes a parameter, a number or a word, before or after the file", async () => {
  const { out } = await shiftline(
    "arch",
    "--set",
    "mac.rows=32",
    "edge8x8",
    "--set",
    "mac.dataflow=dot",
    "--json",
  );
  const [machine] = JSON.parse(out);
  expect(machine.settings).toMatchObject({ "mac.rows": 32, "mac.dataflow": "dot", "mac.columns": 8 });
});

test("--fields prints what can be set: unit, default, range or choices, meaning", async () => {
  const { out } = await shiftline("arch", "--fields");
  for (const name of Object.keys(FIELDS)) expect(out).toContain(`\n${name} `);
  expect(out).toMatch(/^mac\.rows +row +16 +1 … 256: rows of the MAC array;/m);
  expect(out).toMatch(/^mac\.dataflow +weight-stationary +weight-stationary, output-stationary,$/m);
});

test("--json is one document each time", async () => {
  const parsed = async (...line: string[]) => JSON.parse((await shiftline("arch", ...line, "--json")).out);
  expect(await parsed("--fields")).toEqual(JSON.parse(JSON.stringify(FIELDS)));
  expect((await parsed()).map(({ name }: { name: string }) => name)).toContain("edge16x16");
  const spec = loadArch("arch/edge16x16.yaml");
  expect(await parsed("edge16x16")).toEqual([{ ...spec, hash: hashArch(spec) }]);
});

test("the current folder comes before the package, from which a name is found anywhere", async () => {
  const here = folder();
  mkdirSync(join(here, "arch"));
  writeFileSync(join(here, "arch", "tiny.yaml"), "# Smaller than the others.\nmac: { rows: 2 }\n");
  const before = process.cwd();
  try {
    process.chdir(here);
    expect((await shiftline("arch")).out).toMatch(/^tiny +Smaller than the others\.\ndot16x16 /);
    expect((await shiftline("arch", "tiny")).out).toMatch(/^mac\.rows +2 /m);
    expect((await shiftline("arch", "edge8x8")).out).toMatch(/^mac\.rows +8 /m);
    expect((await shiftline("arch", "arch/edge8x8.yaml")).out).toMatch(/^mac\.rows +8 /m);
  } finally {
    process.chdir(before);
  }
});

test("a refused machine is one line on stderr, status 1", async () => {
  const here = folder();
  const file = join(here, "odd.yaml");
  writeFileSync(file, "mac: { rows: 0, colums: 4 }\nacc: { bits: 99 }\n");
  const lines = [
    ["edge16"],
    ["arch/none.yaml"],
    ["edge8x8", "--set", "mac.colums=3"],
    ["edge8x8", "--set", "mac.rows=0", "--set", "acc.bits=49"],
    ["edge8x8", "--set", "mac.rows=8", "--set", "mac.rows=9"],
    ["edge8x8", "--set", "activation.banks=7"],
    [file],
  ];
  const answers: string[] = [];
  for (const line of lines) {
    const { status, out, err } = await shiftline("arch", ...line);
    expect({ line, status, out }).toEqual({ line, status: 1, out: "" });
    answers.push(err.replaceAll(here, "FOLDER").trimEnd());
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "shiftline: edge16: no such file; did you mean edge16x16?
    shiftline: arch/none.yaml: no such file
    shiftline: --set: mac.colums: no such parameter; did you mean mac.columns?
    shiftline: --set: mac.rows: 0 is not an integer in 1 … 256 row; acc.bits: 49 is not an integer in 8 … 48 bit
    shiftline: --set: mac.rows is given twice
    shiftline: --set: activation.banks: 32768 bytes do not divide into 7 equal banks
    shiftline: FOLDER/odd.yaml: line 1, column 8: mac.rows: 0 is not an integer in 1 … 256 row; line 1, column 17: mac.colums: no such parameter; did you mean mac.columns?; line 2, column 8: acc.bits: 99 is not an integer in 8 … 48 bit"
  `);
});
