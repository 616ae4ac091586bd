import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type Answer, Database, type Sources } from "../../src/store/database.ts";
import { keep, readStore } from "../../src/store/store.ts";
import { kindOf, valuesOf } from "../../src/store/typed.ts";
import { folder, without } from "../cli/shiftline.ts";
import { anyRows, batchOf, FACTS, ROWS } from "./batches.ts";
import { HAS_DUCKDB, NEEDS_DUCKDB } from "./duckdb.ts";

const sourcesOf = (here: string, csvs: Readonly<Record<string, string>> = {}): Sources => ({
  results: readStore(here).files,
  csvs: new Map(Object.entries(csvs)),
  facts: FACTS,
});

async function withDatabase<T>(sources: Sources, use: (database: Database) => Promise<T>): Promise<T> {
  const database = await Database.open(sources);
  try {
    return await use(database);
  } finally {
    database.close();
  }
}

const ask = (sources: Sources, sql: string): Promise<Answer> =>
  withDatabase(sources, (database) => database.ask(sql));

/** What a query, or a source of it, is refused with. */
const refusal = async (sources: Sources, sql: string): Promise<string> => {
  try {
    return JSON.stringify(await ask(sources, sql));
  } catch (error) {
    return (error as Error).message;
  }
};

/** How DuckDB writes a value as JSON. */
const jsonOf = (value: unknown) =>
  typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value)) ? String(value) : value;

describe.runIf(HAS_DUCKDB)(`SQL${NEEDS_DUCKDB}`, () => {
  test("finds what was kept, in the order in which it was", async () => {
    const here = folder();
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        const own = join(here, String(readdirSync(here).length));
        keep(own, batchOf(rows));
        const columns = [...FACTS.keys(), "note"].map((name, c) => {
          const texts = rows.map((row) => row[c]!);
          return valuesOf(texts, kindOf(texts, FACTS.get(name))).map(jsonOf);
        });
        const answer = await ask(sourcesOf(own), "select * exclude (code_hash, kept_at) from results");
        expect(answer.rows).toEqual(rows.map((_, r) => columns.map((values) => values[r])));
      }),
      { numRuns: 25 },
    );
  });

  test("columns of several files are joined by name, and a wider type holds both", async () => {
    const here = folder();
    keep(here, batchOf(ROWS, "c0de", 0));
    const { table, ...batch } = batchOf([["3", "", "e", "5", "1", "text"]], "c0de", 1000);
    keep(here, { ...batch, table: { ...table, header: table.header.with(3, "own") } });
    const { columns, rows } = await ask(
      sourcesOf(here),
      "select point, cycles, own, per_pct, note, typeof(note) from results",
    );
    expect(rows).toEqual([
      ["1", "9007199254740993", null, 9.25, "1.0", "VARCHAR"],
      ["2", "12", null, "Infinity", "1.5", "VARCHAR"],
      ["3", null, "5", 1, "text", "VARCHAR"],
    ]);
    expect(columns.map(({ isNumeric }) => isNumeric)).toEqual([true, true, true, true, false, false]);
  });

  test("a CSV's known words stay words, empty ones too, and the notes before its header are left out", async () => {
    const here = folder();
    const path = join(here, "b [x]*'s.csv");
    const lines = ["# a note, and {another}", "arch_hash,changes,per_pct", "1e5,,1.5", "12,a=1,Infinity"];
    writeFileSync(path, `${lines.join("\n")}\n`);
    const { rows } = await ask(sourcesOf(here, { "b c": path }), 'select *, typeof(per_pct) from "b c"');
    expect(rows).toEqual([
      ["1e5", "", 1.5, "DOUBLE"],
      ["12", "a=1", "Infinity", "DOUBLE"],
    ]);
  });

  test("a folder whose name is a pattern is that folder", async () => {
    const here = join(folder(), "it's [a] *");
    keep(here, batchOf(ROWS));
    expect((await ask(sourcesOf(here), "select count(*) from results")).rows).toEqual([["2"]]);
  });

  test("reads nothing else, writes nothing, and changes nothing that it was told", async () => {
    const here = folder();
    const store = join(here, "store");
    keep(store, batchOf(ROWS));
    const other = join(here, "other.csv");
    writeFileSync(other, "a\n1\n");
    const sources = sourcesOf(store);
    const closed = /Permission Error: .*disabled by configuration$/;
    const reads = [`from '${other}'`, `from read_text('${other}')`, `from glob('${here}/*')`];
    for (const sql of [...reads, `copy results to '${here}/x.csv'`])
      expect(await refusal(sources, sql)).toMatch(closed);
    const [file] = sources.results;
    const others = [
      ...[`copy (select 1 a) to '${file}' (format parquet)`, `attach '${here}/x.db'`, "set threads = 1"],
      ...["create table a as select 1", "explain analyze select 1", "install httpfs"],
    ];
    for (const sql of others) expect(await refusal(sources, sql)).toBe("query: only reads, as select does");
    expect(await refusal(sources, "from 'https://localhost/x.parquet'")).toMatch(/^query: \S+ .*Error: /);
    expect(readStore(store)).toEqual({ files: [file], faults: [] });
    expect(readdirSync(here).sort()).toEqual(["other.csv", "store"]);
  });

  test("a mistake is one line, with DuckDB's hint", async () => {
    const here = folder();
    keep(here, batchOf(ROWS));
    const answers: string[] = [];
    const asked = ["select per from results", "from resuls", "selct 1", "", "-- a", "select 1; select 2"];
    for (const sql of [...asked, "select error('a\n\nb')", "select 'x'::int"])
      answers.push(await refusal(sourcesOf(here), sql));
    expect(answers.join("\n")).toMatchInlineSnapshot(`
      "query: Binder Error: Referenced column "per" not found in FROM clause! Candidate bindings: "per_pct", "point"
      query: Catalog Error: Table with name resuls does not exist! Did you mean "results"?
      query: Parser Error: syntax error at or near "selct"
      query: Invalid Input Error: No statement to prepare!
      query: Invalid Input Error: No statement to prepare!
      query: Invalid Input Error: Cannot prepare multiple statements at once!
      query: Invalid Input Error: a b
      query: Conversion Error: Could not convert string 'x' to INT32"
    `);
  });

  test("a CSV that is none, empty or not there is named", async () => {
    const here = folder();
    writeFileSync(join(here, "empty.csv"), " \n");
    writeFileSync(join(here, "broken.csv"), `a,b\n${"1,2\n".repeat(3000)}"1\n`);
    writeFileSync(join(here, "short.csv"), "a,b\n1,2\n3");
    mkdirSync(join(here, "folder.csv"));
    const answers: string[] = [];
    for (const name of ["empty", "broken", "short", "folder", "none"])
      answers.push(without(here, await refusal(sourcesOf(here, { x: join(here, `${name}.csv`) }), "from x")));
    expect(answers.join("\n")).toMatchInlineSnapshot(`
      "FOLDER/empty.csv: an empty file, without a header
      FOLDER/broken.csv: record 3002 is not CSV
      FOLDER/short.csv: record 3 has 1 fields, the header 2
      FOLDER/folder.csv: cannot be read (EISDIR)
      FOLDER/none.csv: no such file"
    `);
  });

  test("exports to the one file that it is given", async () => {
    const here = folder();
    const store = join(here, "store");
    keep(store, batchOf(ROWS));
    const out = join(here, "x y.parquet");
    const count = await withDatabase({ ...sourcesOf(store), out }, (database) =>
      database.export("from results -- all", out),
    );
    expect(count).toBe(2);
    const sources = { ...sourcesOf(store), results: [out] };
    expect(await ask(sources, "from results")).toEqual(await ask(sourcesOf(store), "from results"));
    const elsewhere = withDatabase(sources, (database) => database.export("from results", join(here, "z")));
    await expect(elsewhere).rejects.toThrow(/Permission Error/);
  });
});

test("where DuckDB is missing, one line says how to get it", async () => {
  vi.resetModules();
  vi.doMock("@duckdb/node-api", () => {
    throw Object.assign(new Error("not here\nRequire stack"), { code: "ERR_MODULE_NOT_FOUND" });
  });
  const { Database: Lacking } = await import("../../src/store/database.ts");
  await expect(Lacking.open(sourcesOf("none"))).rejects.toThrow(
    /^query: needs DuckDB, which cannot be loaded \(.+\): npm install @duckdb\/node-api@[\d.]+-r\.\d+ brings it$/,
  );
  vi.doUnmock("@duckdb/node-api");
});
