import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COLUMNS } from "../sweep/lab.ts";
import { experimentIn, truncatedModelIn } from "./experiments.ts";
import { folder, shiftline, without } from "./shiftline.ts";

const TWO_POINTS = "  - {}\n  - { arch: dot16x16 }\n";

test("sweep tells its plan and progress on stderr, prints a table and writes the CSV", async () => {
  const here = folder();
  const csv = join(here, "deep", "small.csv");
  const { status, out, err } = await shiftline("sweep", experimentIn(here, TWO_POINTS), "--out", csv);
  expect(status).toBe(0);
  expect(err).toMatchInlineSnapshot(`
    "small: Does a person get an answer?
    2 points, 1 distinct numerics, at most 2 distinct timings
    1/2 the real-valued reference
    2/2 defaults on edge16x16
    3/3 defaults on dot16x16: cycles
    "
  `);
  expect(out).toMatch(/^point +arch +/m);
  expect(out).toMatch(/^ +2 +dot16x16 /m);
  expect(without(here, out)).toMatch(/\nwrote 2 points to FOLDER\/deep\/small\.csv\n$/);
  const [header, ...rows] = readFileSync(csv, "utf8").trimEnd().split("\n");
  expect(header).toBe(COLUMNS.map(({ name }) => name).join(","));
  expect(rows).toHaveLength(2);
  expect(readdirSync(join(here, "deep"))).toEqual(["small.csv"]);
});

test("--json is one document on stdout: the CSV's columns by name, numbers as numbers", async () => {
  const here = folder();
  const csv = join(here, "small.csv");
  const { out, err } = await shiftline(
    "sweep",
    experimentIn(here),
    "--out",
    csv,
    "--json",
    "--set",
    "mac.rows=8",
  );
  const { experiment, rows } = JSON.parse(out);
  expect(experiment).toBe("small");
  expect(rows).toEqual([expect.objectContaining({ point: 1, arch: "edge16x16", rows: 8, words: 4 })]);
  expect(Object.keys(rows[0])).toEqual(COLUMNS.map(({ name }) => name));
  expect(typeof rows[0].per_pct).toBe("number");
  expect(err).toContain("wrote 1 points");
});

test("a bar is drawn where a person watches, and taken away", async () => {
  const { main } = await import("../../src/cli/main.ts");
  const { PassThrough } = await import("node:stream");
  const here = folder();
  const terminal = new PassThrough();
  let err = "";
  const io = {
    out() {},
    err(text: string) {
      err += text;
    },
    terminal,
  };
  expect(await main(["sweep", experimentIn(here), "--out", join(here, "small.csv")], io)).toBe(0);
  expect(err.split("\n").slice(2)).toEqual([""]);
});

test("--columns prints every column with its unit and meaning", async () => {
  const { status, out } = await shiftline("sweep", "--columns");
  expect(status).toBe(0);
  for (const { name } of COLUMNS) expect(out).toMatch(new RegExp(`^${name} `, "m"));
  expect(JSON.parse((await shiftline("sweep", "--columns", "--json")).out)).toEqual(
    COLUMNS.map(({ name, unit, doc }) => ({ name, unit, doc })),
  );
});

test("a refused sweep is one line on stderr, status 1, and writes nothing", async () => {
  const here = folder();
  const faulty = join(here, "faulty.yaml");
  writeFileSync(
    faulty,
    "question: Why?\nmodel: g3p\nwords: { count: 4 }\narch: edge\npoints:\n  - axes: { weight_bit: [4] }\n",
  );
  const good = experimentIn(here);
  const lines = [
    ["g2p-smoek"],
    [join(here, "none.yaml")],
    [faulty],
    [good, "--set", "mac.row=4"],
    [good, "--set", "weight_bits=1"],
    [good, "--set", "weight.bytes=256"],
    [good, "--set", "activation.bytes=256"],
  ];
  const answers: string[] = [];
  for (const line of lines) {
    const csv = join(here, "out.csv");
    const { status, out, err } = await shiftline("sweep", ...line, "--out", csv);
    expect({ line, status, out, isWritten: existsSync(csv) }).toEqual({
      line,
      status: 1,
      out: "",
      isWritten: false,
    });
    answers.push(without(here, err).trimEnd().split("\n").at(-1)!);
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "shiftline: g2p-smoek: no such file; did you mean g2p-smoke?
    shiftline: FOLDER/none.yaml: no such file
    shiftline: FOLDER/faulty.yaml: line 2, column 1: model: "g3p" is not one of g2p, g2p-ln, g2p-mad, lm-ln, lm-mad, lm-mogrifier, silero-vad, tesseract, and no path of a .yaml file; line 4, column 1: arch: no machine edge; did you mean edge8x8?; line 6, column 13: points.0.axes.weight_bit: no such parameter; did you mean weight_bits?
    shiftline: --set: mac.row: no such parameter; did you mean mac.rows?
    shiftline: --set: weight_bits: 1 is not an integer in 2 … 16 bit
    shiftline: FOLDER/small.yaml: point 1, edge16x16, weight.bytes=256: weight.bytes: 256 bytes cannot hold two tiles of 8 rows of decoder.x 2, 1536 bytes each
    shiftline: FOLDER/small.yaml: point 1, edge16x16, activation.bytes=256: activation.bytes: 256 bytes, 0 of them taken, cannot hold memory, 960 bytes: 960 codes of 8 bits"
  `);
});

test("a point that does not fit is named at the end, status 1, and the others are in the CSV", async () => {
  const here = folder();
  const points = "  - {}\n  - { set: { activation.bytes: 256 } }\n  - { arch: dot16x16 }\n";
  const csv = join(here, "small.csv");
  const file = experimentIn(here, points);
  const { status, out, err } = await shiftline("sweep", file, "--out", csv);
  expect(status).toBe(1);
  expect(without(here, err).trimEnd().split("\n").at(-1)).toBe(
    "shiftline: FOLDER/small.yaml: point 2, edge16x16, activation.bytes=256: activation.bytes: 256 bytes, 0 of them taken, cannot hold memory, 960 bytes: 960 codes of 8 bits",
  );
  expect(without(here, out)).toMatch(/\nwrote 2 points to FOLDER\/small\.csv\n$/);
  const lines = readFileSync(csv, "utf8").trimEnd().split("\n");
  expect(lines.slice(1).map((line) => line.split(",")[1])).toEqual(["1", "3"]);
  const document = JSON.parse((await shiftline("sweep", file, "--out", csv, "--json")).out);
  expect(document.rows).toHaveLength(2);
  expect(document.refused).toEqual([
    {
      ...{ point: 2, arch: "edge16x16", changes: "activation.bytes=256" },
      problem:
        "activation.bytes: 256 bytes, 0 of them taken, cannot hold memory, 960 bytes: 960 codes of 8 bits",
    },
  ]);
});

test("a weight file that was cut short is refused by name", async () => {
  const here = folder();
  truncatedModelIn(here, 100_000);
  const { status, err } = await shiftline("sweep", experimentIn(here), "--out", join(here, "out.csv"));
  expect(status).toBe(1);
  const [first] = without(here, err).trimEnd().split("\n").at(-1)!.split("; ");
  expect(first).toMatchInlineSnapshot(
    `"shiftline: FOLDER/models/g2p/g2p.safetensors: encoder.forward.weight_h: ends at byte 234624 of a body of 96712 (truncated?)"`,
  );
});

test("a place that cannot be written is refused, and the results are still on stdout", async () => {
  const here = folder();
  mkdirSync(join(here, "taken"));
  const { status, out, err } = await shiftline("sweep", experimentIn(here), "--out", join(here, "taken"));
  expect(status).toBe(1);
  expect(out).toMatch(/^point +/m);
  expect(without(here, err)).toMatch(/\nshiftline: FOLDER\/taken: cannot be written \(EISDIR\)\n$/);
  expect(readdirSync(join(here, "taken"))).toEqual([]);
});
