import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { csvOf, parseCsv } from "../../src/report/csv.ts";
import { folder, shiftline, without } from "./shiftline.ts";

const HEADER = "point,arch,recipe,per_pct,cycles";

function csvs(before: string, after: string): { here: string; files: [string, string] } {
  const here = folder();
  const files: [string, string] = [join(here, "before.csv"), join(here, "after.csv")];
  for (const [i, rows] of [before, after].entries()) writeFileSync(files[i]!, `${HEADER}\n${rows}\n`);
  return { here, files };
}

test("equal files are status 0", async () => {
  const { files } = csvs("1,edge8x8,abc,9.5000,100", "1,edge8x8,abc,9.5000,100");
  const { status, out, err } = await shiftline("compare", ...files);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toBe("1 row equal, 0 moved\n");
});

test("rows that moved are printed with by how much, and are status 1 where anything got worse", async () => {
  const { files } = csvs("1,edge8x8,abc,9.5000,100", "1,edge8x8,abc,9.2500,120");
  const { status, out } = await shiftline("compare", ...files);
  expect(status).toBe(1);
  expect(out).toMatchInlineSnapshot(`
    "0 rows equal, 1 moved: 1 worse

    point 1: edge8x8
      per_pct  9.5000 -> 9.2500  -0.2500   -2.6%  better
      cycles      100 -> 120         +20  +20.0%  worse
    "
  `);
  const { equal, moved } = JSON.parse((await shiftline("compare", ...files, "--json")).out);
  expect(equal).toBe(false);
  expect(moved[0].moves).toContainEqual({
    column: "cycles",
    from: "100",
    to: "120",
    by: "+20",
    verdict: "worse",
  });
});

test("a CSV of before model_hash, whose data_hash was of the weights too, is still compared and drawn", async () => {
  const here = folder();
  const path = "test/golden/experiments/g2p-smoke.csv";
  const { header, rows } = parseCsv(readFileSync(path, "utf8"), path);
  const weights = header.indexOf("model_hash");
  const data = header.indexOf("data_hash");
  const before = join(here, "before.csv");
  writeFileSync(
    before,
    csvOf({
      header: header.toSpliced(weights, 1),
      rows: rows.map((row) => row.with(data, "f00d").toSpliced(weights, 1)),
    }),
  );
  const { status, out } = await shiftline("compare", before, path, "--json");
  const { worse, moved, columnsOnlyInB } = JSON.parse(out);
  expect({ status, worse, columnsOnlyInB }).toEqual({
    status: 0,
    worse: false,
    columnsOnlyInB: ["model_hash"],
  });
  expect(moved).toHaveLength(rows.length);
  for (const { moves } of moved) expect(moves).toMatchObject([{ column: "data_hash", verdict: "moved" }]);
  expect(await shiftline("report", before)).toMatchObject({ status: 0, err: "" });
});

test("files that are missing or no CSV are refused on stderr", async () => {
  const { here, files } = csvs("1,edge8x8,abc,9.5000", "1,edge8x8,abc,9.5000,100");
  const answers: string[] = [];
  for (const pair of [files, [files[1], join(here, "none.csv")]]) {
    const { status, out, err } = await shiftline("compare", ...pair);
    expect({ status, out }).toEqual({ status: 1, out: "" });
    answers.push(without(here, err).trimEnd());
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "shiftline: FOLDER/before.csv: record 2 has 4 fields, the header 5
    shiftline: FOLDER/none.csv: no such file"
  `);
});

test("tolerances decide the status, and --exact lets nothing pass", async () => {
  const { files } = csvs("1,edge8x8,abc,9.5000,100", "1,edge8x8,abc,9.4000,101");
  const statusOf = async (...options: readonly string[]) =>
    (await shiftline("compare", ...files, ...options)).status;
  expect(await statusOf()).toBe(1);
  expect(await statusOf("--tolerance", "cycles=1%")).toBe(0);
  expect(await statusOf("--tolerance", "cycles=1%", "--exact")).toBe(1);
  expect(await statusOf("--tolerance", "cycles=1%", "--tolerance", "per_pct=0.5")).toBe(0);
  expect(await statusOf("--key", "arch,recipe")).toBe(1);
});

test.each([
  [["--tolerance", "cycle=1"], 1, "FOLDER/before.csv: no column cycle; did you mean cycles?"],
  [["--key", "arch,curve"], 1, "FOLDER/before.csv: no column curve"],
  [["--tolerance", "cycles=1", "--tolerance", "cycles=2"], 1, "--tolerance: cycles is given twice"],
  [["--tolerance", "cycles"], 2, '--tolerance takes KEY=VALUE, not "cycles" (see shiftline --help)'],
  [
    ["--tolerance", "cycles=a bit"],
    2,
    '--tolerance takes a number or a percentage from 0 on, not "a bit" for cycles (see shiftline --help)',
  ],
])("%j is refused", async (options, expected, problem) => {
  const { here, files } = csvs("1,edge8x8,abc,9.5000,100", "1,edge8x8,abc,9.5000,100");
  const { status, out, err } = await shiftline("compare", ...files, ...options);
  expect({ status, out, err: without(here, err) }).toEqual({
    status: expected,
    out: "",
    err: `shiftline: ${problem}\n`,
  });
});
