import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TraceEvent } from "../../src/machine/trace.ts";
import { experimentIn } from "./experiments.ts";
import { folder, shiftline, without } from "./shiftline.ts";

const TWO_POINTS = "  - {}\n  - { arch: dot16x16, set: { weight_bits: 4 } }\n";

test("run reports on one point, each part under its title", async () => {
  const { status, out, err } = await shiftline("run", experimentIn(folder(), TWO_POINTS));
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out.match(/^\S.*$/gm)).toMatchInlineSnapshot(`
    [
      "small, point 1: edge16x16, irnn",
      "accuracy",
      "time at 500 MHz",
      "units, % of the cycles after the load",
      "least cycles a word, were all else free",
      "bytes a word",
      "energy a word",
      "area at 45 nm",
      "the same model in floats",
      "mapping",
      "assumptions",
    ]
  `);
  expect(out).toMatch(/^ {2}%\s+integer\s+float\n {2}phones wrong \(PER\) +\d+\.\d\d +\d+\.\d\d$/m);
  expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(110);
});

test("--point, --arch, --set, --recipe and --words change what is run", async () => {
  const file = experimentIn(folder(), TWO_POINTS);
  const titleOf = async (...line: string[]) => (await shiftline("run", file, ...line)).out.split("\n")[0];
  expect(await titleOf("--point", "2")).toBe("small, point 2: dot16x16, irnn, weight_bits=4");
  expect(await titleOf("--arch", "edge8x8")).toBe("small, point 1: edge8x8, irnn");
  const { out } = await shiftline(
    "run",
    file,
    "--set",
    "mac.rows=8",
    "--recipe",
    "cell_bits=8",
    "--words",
    "2",
  );
  expect(out).toMatch(/^small, point 1: edge16x16, irnn, cell_bits=8 mac\.rows=8\n/);
  expect(out).toMatch(/^ {2}2 words; /m);
  expect(out).toMatch(/^ {2}array +8 x 16, weight-stationary; the next fold/m);
});

test("--recipe takes the name of a recipe beside changed parameters, and what it asks of the machine", async () => {
  const file = experimentIn(folder(), TWO_POINTS);
  const { out } = await shiftline(
    ...["run", file, "--recipe", "tflite-lstm", "--recipe", "weight_bits=6", "--words", "2", "--json"],
  );
  const { columns, arch, recipe } = JSON.parse(out);
  expect(columns).toMatchObject({ recipe: "tflite-lstm", changes: "weight_bits=6" });
  expect(recipe).toMatchObject({ gate_curve: "gemmlowp", weight_bits: 6 });
  expect(arch.settings).toMatchObject({ "requant.rounding": "tflite-double" });
  const shifts = experimentIn(folder(), "  - {}\n  - axes: { requant.kind: [shift, multiplier] }\n");
  const third = await shiftline("run", shifts, "--recipe", "tflite-lstm", "--point", "1", "--words", "2");
  expect(third, "a point that the recipe's machine cannot be is not the one that is wanted").toMatchObject({
    status: 0,
  });
  const second = await shiftline("run", shifts, "--recipe", "tflite-lstm", "--point", "2", "--words", "2");
  expect(second).toMatchObject({ status: 1, out: "" });
  expect(second.err).toContain("tflite-double needs requant.kind multiplier, not shift");
  const two = await shiftline("run", file, "--recipe", "pulp", "--recipe", "irnn");
  expect(two).toMatchObject({ status: 2, out: "" });
  expect(two.err).toMatch(/^shiftline: --recipe names 2 recipes: pulp, irnn /);
  const none = await shiftline("run", file, "--recipe", "tflite");
  expect(none).toMatchObject({ status: 1, out: "", err: "shiftline: tflite: no such file\n" });
});

test("--json has everything that the report has, and the law of each unit holds in it", async () => {
  const { out } = await shiftline("run", experimentIn(folder()), "--json");
  const { columns, arch, recipe, cost, programs } = JSON.parse(out);
  expect(columns).toMatchObject({ point: 1, words: 4 });
  expect([arch.name, recipe.weight_bits]).toEqual(["edge16x16", 8]);
  for (const { busyCycles, stalledCycles, idleCycles } of Object.values<Record<string, never>>(
    cost.warm.units,
  )) {
    const stalled = Object.values<number>(stalledCycles!).reduce((a, b) => a + b, 0);
    expect(busyCycles! + stalled + idleCycles!).toBe(cost.warm.cycles);
  }
  const sum = (programs as { times: number; timing: { cycles: number } }[])
    .map(({ times, timing }) => times * timing.cycles)
    .reduce((a, b) => a + b, 0);
  expect(sum).toBe(cost.load.cycles + cost.warm.cycles);
});

test("--trace writes load, start and step as processes of one trace", async () => {
  const here = folder();
  const file = join(here, "t.json");
  const { status, err } = await shiftline("run", experimentIn(here), "--trace", file);
  expect({ status, err: without(here, err) }).toEqual({
    status: 0,
    err: "wrote FOLDER/t.json: open it in https://ui.perfetto.dev; a microsecond there is a cycle\n",
  });
  const { traceEvents } = JSON.parse(readFileSync(file, "utf8")) as { traceEvents: TraceEvent[] };
  const names = traceEvents.filter(({ name }) => name === "process_name");
  expect(names.map(({ pid, args }) => `${pid} ${JSON.stringify(args)}`)).toEqual([
    `1 {"name":"load on edge16x16"}`,
    expect.stringMatching(/^2 .*"start-\d+ on edge16x16"/),
    expect.stringMatching(/^3 .*"step-\d+ on edge16x16"/),
  ]);
  expect(new Set(traceEvents.map(({ pid }) => pid))).toEqual(new Set([1, 2, 3]));
});

test("a refused run is one line on stderr, status 1", async () => {
  const here = folder();
  const file = experimentIn(here);
  const lines = [
    ["--point", "2"],
    ["--words", "10000"],
    ["--arch", "edge16"],
    ["--set", "mac.row=1"],
    ["--recipe", "weight_bit=4"],
    ["--recipe", "mac.rows=4"],
    ["--recipe", "cell_bits=17"],
    ["--recipe", "pwl_pieces=65"],
    ["--set", "weight.bytes=256"],
    ["--set", "table.bytes=1024"],
  ];
  const answers: string[] = [];
  for (const line of lines) {
    const { status, out, err } = await shiftline("run", file, ...line);
    expect({ line, status, out }).toEqual({ line, status: 1, out: "" });
    answers.push(without(here, err).trimEnd());
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "shiftline: FOLDER/small.yaml: there is no point 2, only 1 … 1
    shiftline: --words: 10000 is not an integer in 1 … 6157 words
    shiftline: edge16: no such file; did you mean edge16x16?
    shiftline: --set: mac.row: no such parameter; did you mean mac.rows?
    shiftline: --recipe: weight_bit: no such parameter; did you mean weight_bits?
    shiftline: --recipe: mac.rows: no such parameter
    shiftline: --recipe: cell_bits: 17 is not an integer in 2 … 16 bit
    shiftline: FOLDER/small.yaml: line 7, column 5: points.0: edge16x16: pwl_pieces: 65 pieces exceed pwl.maxPieces 64
    shiftline: edge16x16: weight.bytes: 256 bytes cannot hold two tiles of 8 rows of decoder.x 2, 1536 bytes each
    shiftline: edge16x16: table.bytes: 1024 bytes cannot hold the model's 32842 bytes of scales and tables"
  `);
});
