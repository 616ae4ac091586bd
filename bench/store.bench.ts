import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, bench, describe } from "vitest";
import { parseCsv } from "../src/report/csv.ts";
import { Database } from "../src/store/database.ts";
import { keep, readStore } from "../src/store/store.ts";
import { FACTS } from "../src/sweep/columns.ts";
import { HAS_DUCKDB, NEEDS_DUCKDB } from "../test/store/duckdb.ts";

const FILES = 200;
const ROWS = 1000;
const CSV = "test/golden/experiments/g2p-smoke.csv";

const folder = mkdtempSync(join(tmpdir(), "shiftline-bench-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { header, rows } = parseCsv(readFileSync(CSV, "utf8"), CSV);
const moving = new Set(["point", "cycles", "energy_uj"].map((name) => header.indexOf(name)));

/** As many rows as a large sweep has, all of them other points. */
function keepSome(file: number): void {
  const table = {
    header,
    rows: Array.from({ length: ROWS }, (_, i) =>
      rows[i % rows.length]!.map((cell, c) => (moving.has(c) ? `${cell}${file * ROWS + i}` : cell)),
    ),
  };
  keep(folder, {
    ...{ table, facts: FACTS, codes: table.rows.map(() => "c0de") },
    at: { epochMs: file, utc: `2026-01-01T00:00:00.${String(file).padStart(3, "0")}Z` },
  });
}

for (let file = 0; file < FILES; file++) keepSome(file);

describe(`rows of ${header.length} columns`, () => {
  let file = FILES;
  bench(`keep ${ROWS.toLocaleString("en")}`, () => keepSome(file++), { iterations: 5, time: 0 });
});

const SQL =
  "select weight_bits, arch, count(*), avg(cycles), min(energy_uj) from results group by all order by all";

describe.runIf(HAS_DUCKDB)(
  `${(FILES * ROWS).toLocaleString("en")} rows in ${FILES} files${NEEDS_DUCKDB}`,
  () => {
    const results = readStore(folder).files;

    bench("every byte checked", () => void readStore(folder), { iterations: 5, time: 0 });

    bench(
      "opened, and grouped by two columns",
      async () => {
        const database = await Database.open({ results, csvs: new Map(), facts: FACTS });
        await database.ask(SQL);
        database.close();
      },
      { iterations: 5, time: 0 },
    );
  },
);
