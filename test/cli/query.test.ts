import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCsv } from "../../src/report/csv.ts";
import { codeDigest } from "../../src/sweep/code.ts";
import { HAS_DUCKDB, NEEDS_DUCKDB } from "../store/duckdb.ts";
import { COLUMNS } from "../sweep/lab.ts";
import { experimentIn } from "./experiments.ts";
import { folder, shiftline, without } from "./shiftline.ts";

const FOUR = "  - axes: { weight_bits: [8, 4], arch: [edge16x16, dot16x16] }\n";

/** Sweeps into a CSV of a folder, with its rows into a store there. */
const sweepIn = (here: string, csv: string, ...words: readonly string[]) =>
  shiftline(
    ...["sweep", join(here, "small.yaml"), "--out", join(here, csv)],
    ...["--cache", join(here, "cache"), "--store", join(here, "store"), ...words],
  );

const queryIn = (here: string, ...words: readonly string[]) =>
  shiftline("query", ...words, "--store", join(here, "store"));

const last = (here: string, err: string): string => without(here, err).trimEnd().split("\n").at(-1)!;

describe("the rows of a run", () => {
  test("are kept once, and those of shards when they are merged", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    await sweepIn(here, "a.csv");
    const kept = readdirSync(join(here, "store"));
    expect(kept).toHaveLength(1);
    await sweepIn(here, "b.csv", "--json");
    for (const part of ["1/2", "2/2"]) await sweepIn(here, `${part[0]}.csv`, "--shard", part);
    const merge = ["merge", join(here, "2.csv"), join(here, "1.csv"), "--out", join(here, "c.csv")];
    await shiftline(...merge, "--store", join(here, "store"));
    expect(readFileSync(join(here, "c.csv"))).toEqual(readFileSync(join(here, "a.csv")));
    expect(readdirSync(join(here, "store"))).toEqual(kept);
    await shiftline(...merge, "--store", join(here, "other"));
    // The digest of the rows is that of the sweep as a whole.
    expect(readdirSync(join(here, "other"))[0]!.split("-")[1]).toBe(kept[0]!.split("-")[1]);
  });

  test("are kept nowhere with --no-store, or where no point has any", async () => {
    const here = folder();
    experimentIn(here);
    await sweepIn(here, "a.csv", "--set", "activation.bytes=256");
    await shiftline("sweep", join(here, "small.yaml"), "--out", join(here, "a.csv"), "--no-store");
    expect(readdirSync(here).sort()).toEqual(["a.csv", "cache", "small.yaml"]);
  });

  test("that cannot be kept cost a warning, and neither the CSV nor the exit status", async () => {
    const here = folder();
    experimentIn(here);
    writeFileSync(join(here, "store"), "");
    const { status, err } = await sweepIn(here, "a.csv");
    expect(`${status} ${last(here, err)}`).toBe(
      "0 shiftline: FOLDER/store: cannot be read (ENOTDIR); these rows are not kept for query",
    );
    expect(existsSync(join(here, "a.csv"))).toBe(true);
  });
});

test("--columns lists what was kept with unit and meaning, and needs no DuckDB", async () => {
  const here = folder();
  experimentIn(here);
  await sweepIn(here, "a.csv");
  const { status, out } = await queryIn(here, "--columns", "--json");
  expect(status).toBe(0);
  const columns = JSON.parse(out) as { name: string }[];
  expect(columns.slice(0, -2)).toEqual(COLUMNS.map(({ name, unit, doc }) => ({ name, unit, doc })));
  expect(columns.slice(-2).map(({ name }) => name)).toEqual(["code_hash", "kept_at"]);
  expect((await queryIn(here, "--columns")).out).toMatch(/^energy_uj +uJ +all words and the load$/m);
});

test("faulty words are usage; a store without results is one line", async () => {
  const here = folder();
  mkdirSync(join(here, "store"));
  const lines = [
    ["query"],
    ["query", "from x", "--csv", "a/x.csv", "--csv", "b/X.csv"],
    ["query", "from x", "--csv", "Results.csv"],
    ["query", "from results", "--store", join(here, "store")],
    ["query", "--columns", "--store", join(here, "none")],
    ["query", "from results", "--no-store"],
    ["query", "from results"],
  ];
  const answers: string[] = [];
  for (const line of lines) {
    const { status, out, err } = await shiftline(...line);
    expect(out).toBe("");
    answers.push(`${status} ${last(here, err)}`);
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "2 shiftline: query needs SQL, as in: query "select * from results limit 3" (see shiftline --help)
    2 shiftline: --csv b/X.csv: there is a table x already (see shiftline --help)
    2 shiftline: --csv Results.csv: there is a table results already (see shiftline --help)
    1 shiftline: FOLDER/store: no results to ask about; a sweep keeps its rows, as in: shiftline sweep g2p
    1 shiftline: FOLDER/none: no results to ask about; a sweep keeps its rows, as in: shiftline sweep g2p
    1 shiftline: --no-store: no results to ask about; a sweep keeps its rows, as in: shiftline sweep g2p
    1 shiftline: --no-store: no results to ask about; a sweep keeps its rows, as in: shiftline sweep g2p"
  `);
});

describe.runIf(HAS_DUCKDB)(`a query${NEEDS_DUCKDB}`, () => {
  const SQL = "select point, changes, arch, weight_bits, per_pct, cycles from results order by point";

  test("answers with what the CSVs of all runs say: as a table, as JSON, as a CSV, as Parquet", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    await sweepIn(here, "a.csv");
    const { header, rows } = parseCsv(readFileSync(join(here, "a.csv"), "utf8"), "a.csv");
    const cell = (row: readonly string[], name: string) => row[header.indexOf(name)]!;
    const records = rows.map((row) => ({
      ...{ point: Number(cell(row, "point")), changes: cell(row, "changes"), arch: cell(row, "arch") },
      ...{ weight_bits: Number(cell(row, "weight_bits")), per_pct: Number(cell(row, "per_pct")) },
      cycles: Number(cell(row, "cycles")),
    }));
    expect(JSON.parse((await queryIn(here, SQL, "--json")).out)).toEqual(records);
    const table = (await queryIn(here, SQL)).out.trimEnd().split("\n");
    expect(table.map((line) => line.trim().split(/ {2,}/))).toEqual([
      Object.keys(records[0]!),
      ...records.map((record) => Object.values(record).map((value) => String(value) || "-")),
    ]);
    for (const out of ["x.csv", "deep/x.parquet"]) {
      const answer = await queryIn(here, SQL, "--out", join(here, out));
      expect({ ...answer, out: without(here, answer.out) }).toEqual({
        ...{ status: 0, err: "", out: `wrote 4 rows to FOLDER/${out}\n` },
      });
    }
    expect(readdirSync(join(here, "deep"))).toEqual(["x.parquet"]);
    const back = await queryIn(here, "from x", "--csv", join(here, "x.csv"), "--json");
    // Of a CSV, nothing tells an empty word from none but what is known of the column.
    expect(JSON.parse(back.out)).toEqual(records);
  });

  test("takes what an experiment derives for numbers, of a sweep and of its shards", async () => {
    const here = folder();
    experimentIn(here, `${FOUR}derive: { inverse: 1 / cycles, twice: 2 * cycles }\n`);
    const sql =
      "select typeof(inverse) as a, typeof(twice) as b, max(abs(twice / cycles)) as c from results group by all";
    const wanted = [{ a: "DOUBLE", b: "BIGINT", c: 2 }];
    await sweepIn(here, "a.csv");
    expect(JSON.parse((await queryIn(here, sql, "--json")).out)).toEqual(wanted);
    for (const part of ["1/2", "2/2"]) await sweepIn(here, `${part[0]}.csv`, "--shard", part);
    const other = ["--store", join(here, "other")];
    await shiftline(
      ...["merge", join(here, "1.csv"), join(here, "2.csv"), "--out", join(here, "b.csv"), ...other],
    );
    expect(JSON.parse((await shiftline("query", sql, ...other, "--json")).out)).toEqual(wanted);
  });

  test("tells which code ran each shard", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    for (const part of ["1/2", "2/2"]) await sweepIn(here, `${part[0]}.csv`, "--shard", part);
    const [one, two] = ["1.csv", "2.csv"].map((name) => join(here, name)) as [string, string];
    const other = "f".repeat(64);
    writeFileSync(two, readFileSync(two, "utf8").replace(/"code":"\w+"/, `"code":"${other}"`));
    await shiftline("merge", one, two, "--out", join(here, "a.csv"), "--store", join(here, "store"));
    const sql = "select weight_bits, code_hash, count(*) as n from results group by all order by all";
    const own = codeDigest().slice(0, 12);
    expect(JSON.parse((await queryIn(here, sql, "--json")).out)).toEqual([
      { weight_bits: 4, code_hash: other.slice(0, 12), n: 2 },
      { weight_bits: 8, code_hash: own, n: 2 },
    ]);
  });

  test("joins a CSV with the results", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    await sweepIn(here, "a.csv");
    const sql =
      "select count(*) as n, max(a.cycles - r.cycles) as moved from a join results r using (point, changes, arch_hash)";
    const { out } = await queryIn(here, sql, "--csv", join(here, "a.csv"), "--json");
    expect(JSON.parse(out)).toEqual([{ n: 4, moved: 0 }]);
    const alone = await shiftline("query", "select count(*) from a", "--csv", join(here, "a.csv"));
    expect(alone).toEqual({ status: 0, err: "", out: "count_star()\n           4\n" });
  });

  test("names a damaged file, answers from the others, and is status 1", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    await sweepIn(here, "a.csv");
    await sweepIn(here, "b.csv", "--set", "mac.rows=8");
    const [file] = readdirSync(join(here, "store"));
    truncateSync(join(here, "store", file!), 1000);
    const { status, out, err } = await queryIn(here, "select count(*) as n from results", "--json");
    expect(without(here, err)).toBe(`shiftline: FOLDER/store/${file}: is damaged; left out\n`);
    expect({ status, rows: JSON.parse(out) }).toEqual({ status: 1, rows: [{ n: 4 }] });
    await sweepIn(here, "a.csv");
    expect(await queryIn(here, "select count(*) as n from results")).toEqual({
      ...{ status: 0, err: "", out: "n\n8\n" },
    });
  });

  test("that fails is one line, and writes nothing", async () => {
    const here = folder();
    experimentIn(here);
    await sweepIn(here, "a.csv");
    mkdirSync(join(here, "taken.parquet"));
    const answers: string[] = [];
    for (const [sql, out] of [
      ["select per_pc from results", "x.csv"],
      ["select per_pc from results", "x.parquet"],
      ["set threads = 1", "x.parquet"],
      ["describe results", "x.parquet"],
      ["from results", "x.json"],
      ["from results", "taken.parquet"],
    ]) {
      const { status, out: text, err } = await queryIn(here, sql!, "--out", join(here, out!));
      expect(text).toBe("");
      answers.push(`${status} ${last(here, err)}`);
    }
    expect(readdirSync(here).sort()).toEqual(["a.csv", "cache", "small.yaml", "store", "taken.parquet"]);
    expect(answers.join("\n")).toMatchInlineSnapshot(`
      "1 shiftline: query: Binder Error: Referenced column "per_pc" not found in FROM clause! Candidate bindings: "per_pct", "wer_pct", "pwl_pieces", "per_float_pct", "energy_uj_per_word"
      1 shiftline: query: Binder Error: Referenced column "per_pc" not found in FROM clause! Candidate bindings: "per_pct", "wer_pct", "pwl_pieces", "per_float_pct", "energy_uj_per_word"
      1 shiftline: query: only reads, as select does
      1 shiftline: query: Parser Error: syntax error at or near "describe"
      2 shiftline: --out takes a .csv or a .parquet, not "FOLDER/x.json" (see shiftline --help)
      1 shiftline: FOLDER/taken.parquet: cannot be written (EISDIR)"
    `);
  });

  test("of numbers that JSON has no word for gives their text, of no rows a line", async () => {
    const here = folder();
    writeFileSync(join(here, "x.csv"), "a,b\n1,Infinity\n");
    const ask = (sql: string, ...words: readonly string[]) =>
      shiftline("query", sql, "--csv", join(here, "x.csv"), ...words);
    const sql = "select b, 'NaN'::double as c, 9007199254740993 as d, 1.50 as e, null as f, [a] as g from x";
    expect(JSON.parse((await ask(sql, "--json")).out)).toEqual([
      { b: "Infinity", c: "NaN", d: "9007199254740993", e: 1.5, f: null, g: ["1"] },
    ]);
    expect((await ask(sql)).out).toMatchInlineSnapshot(`
      "       b    c                 d     e  f  g
      Infinity  NaN  9007199254740993  1.50  -  ["1"]
      "
    `);
    expect((await ask("from x where a > 1")).out).toBe("no rows\n");
    expect((await ask("from x where a > 1", "--json")).out).toBe("[]\n");
  });

  test("prints more rows than a call takes arguments", async () => {
    const here = folder();
    writeFileSync(join(here, "x.csv"), "a\n1\n");
    const { status, out } = await shiftline("query", "from range(200000)", "--csv", join(here, "x.csv"));
    expect(status).toBe(0);
    expect(out.split("\n")).toHaveLength(200_002);
  });
});
