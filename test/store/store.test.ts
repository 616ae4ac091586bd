import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import fc from "fast-check";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { columnsIn, keep, readStore } from "../../src/store/store.ts";
import { kindOf, valuesOf } from "../../src/store/typed.ts";
import { folder } from "../cli/shiftline.ts";
import { anyRows, batchOf, FACTS, ROWS } from "./batches.ts";

/** The folder that no room is left in. */
const disk = vi.hoisted(() => ({ full: "nowhere" }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const writeFileSync = (...args: Parameters<typeof fs.writeFileSync>) => {
    fs.writeFileSync(...args);
    if (String(args[0]).startsWith(disk.full))
      throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
  };
  return { ...fs, writeFileSync };
});

beforeEach(() => {
  disk.full = "nowhere";
});

const rowsOf = async (path: string) => parquetReadObjects({ file: await asyncBufferFromFile(path) });

test("rows come back as they were: whole numbers, infinities, what is missing, any text", async () => {
  const here = folder();
  await fc.assert(
    fc.asyncProperty(anyRows, async (rows) => {
      rmSync(here, { recursive: true });
      const batch = batchOf(rows, "c0de", 86_400_123);
      keep(here, batch);
      const { files, faults } = readStore(here);
      expect(faults).toEqual([]);
      const columns = batch.table.header.map((name, c) => {
        const texts = rows.map((row) => row[c]!);
        return { name, values: valuesOf(texts, kindOf(texts, FACTS.get(name))) };
      });
      const wanted = rows.map((_, r) => ({
        ...Object.fromEntries(columns.map(({ name, values }) => [name, values[r]])),
        ...{ code_hash: "c0de", kept_at: new Date(86_400_123) },
      }));
      expect(await rowsOf(files[0]!)).toEqual(wanted);
    }),
    { numRuns: 50 },
  );
});

test("equal rows of the same code are kept once, as they were first; of other code, or other rows, again", () => {
  const here = folder();
  keep(here, batchOf(ROWS, "c0de", 0));
  const first = readdirSync(here);
  expect(first).toEqual([expect.stringMatching(/^19700101T000000000Z-[0-9a-f]{16}-[0-9a-f]{16}\.parquet$/)]);
  keep(here, batchOf(ROWS, "c0de", 5000));
  expect(readdirSync(here)).toEqual(first);
  keep(here, batchOf(ROWS, "0ther", 6000));
  keep(here, batchOf(ROWS.toReversed(), "c0de", 7000));
  expect(readStore(here).files.map((path) => basename(path).split("-")[0])).toEqual([
    ...["19700101T000000000Z", "19700101T000006000Z", "19700101T000007000Z"],
  ]);
});

test("rows that two processes kept at once, or on two machines, count once", () => {
  const [here, there] = [folder(), folder()];
  keep(here, batchOf(ROWS, "c0de", 0));
  keep(there, batchOf(ROWS, "c0de", 1000));
  const [first] = readStore(here).files;
  const [second] = readStore(there).files;
  copyFileSync(second!, join(here, basename(second!)));
  expect(readdirSync(here)).toHaveLength(2);
  expect(readStore(here)).toEqual({ files: [first], faults: [] });
  truncateSync(first!, 10);
  expect(readStore(here)).toEqual({ files: [join(here, basename(second!))], faults: [] });
});

test("a file says what its columns mean, and of several the latest does", () => {
  const here = folder();
  keep(here, batchOf(ROWS, "c0de", 0));
  const { table, ...batch } = batchOf(ROWS, "c0de", 1000);
  const facts = new Map([...FACTS].map(([name, one]) => [name, { ...one, doc: `now ${name}` }]));
  keep(here, { ...batch, facts, table: { header: table.header.with(5, "fresh"), rows: table.rows } });
  expect(columnsIn(readStore(here).files)).toEqual([
    { name: "point", unit: "", doc: "now point" },
    { name: "changes", unit: "", doc: "now changes" },
    { name: "arch_hash", unit: "", doc: "now arch_hash" },
    { name: "cycles", unit: "cycle", doc: "now cycles" },
    { name: "per_pct", unit: "%", doc: "now per_pct" },
    { name: "fresh", unit: "", doc: "" },
    { name: "code_hash", unit: "", doc: expect.stringMatching(/^identity of the code/) },
    { name: "kept_at", unit: "", doc: "when the row was kept, in UTC" },
    { name: "note", unit: "", doc: "" },
  ]);
});

test("a folder that is not there is empty; a file in its place is the user's mistake", () => {
  const here = folder();
  expect(readStore(join(here, "none"))).toEqual({ files: [], faults: [] });
  writeFileSync(join(here, "file"), "");
  expect(() => readStore(join(here, "file"))).toThrow(`${here}/file: cannot be read (ENOTDIR)`);
  expect(() => keep(join(here, "file"), batchOf(ROWS))).toThrow(`${here}/file: cannot be read (ENOTDIR)`);
});

test("a column that the store adds is none that a table may have", () => {
  const here = folder();
  const { table, ...batch } = batchOf(ROWS);
  for (const name of ["code_hash", "kept_at"]) {
    const taken = { ...batch, table: { ...table, header: table.header.with(5, name) } };
    expect(() => keep(here, taken)).toThrow(`${here}: ${name} is a column of the store's own`);
  }
  expect(readdirSync(here)).toEqual([]);
});

test("where the disk is full nothing is left of the file, and what was kept before is whole", () => {
  const here = folder();
  keep(here, batchOf(ROWS, "c0de"));
  const before = readdirSync(here);
  disk.full = here;
  expect(() => keep(here, batchOf(ROWS, "0ther"))).toThrow(/\.parquet: cannot be written \(ENOSPC\)$/);
  expect(readdirSync(here)).toEqual(before);
  expect(readStore(here)).toMatchObject({ files: [expect.anything()], faults: [] });
});

describe("a damaged file", () => {
  const damages: readonly (readonly [string, (path: string) => void, string])[] = [
    ["cut short", (path) => truncateSync(path, 300), "is damaged"],
    ["empty", (path) => truncateSync(path, 0), "is damaged"],
    [
      "with a flipped bit in its data",
      (path) => {
        const bytes = readFileSync(path);
        bytes[40]! ^= 1;
        writeFileSync(path, bytes);
      },
      "is damaged",
    ],
    [
      "that is a folder",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      "cannot be read (EISDIR)",
    ],
  ];

  test.each(damages)("%s is named, left where it is, and replaced by the same rows", (_, damage, problem) => {
    const here = folder();
    keep(here, batchOf(ROWS, "c0de", 0));
    keep(here, batchOf(ROWS, "0ther", 1000));
    const [path, other] = readStore(here).files;
    damage(path!);
    expect(readStore(here)).toEqual({ files: [other], faults: [{ path, problem }] });
    expect(readdirSync(here)).toHaveLength(2);
    keep(here, batchOf(ROWS, "c0de", 2000));
    const healed = readStore(here);
    expect(healed.faults).toEqual([]);
    expect(healed.files).toEqual([other, expect.stringContaining("19700101T000002000Z")]);
  });

  test("by another name, or of others, is named; what is no Parquet is nobody's business", () => {
    const here = folder();
    keep(here, batchOf(ROWS));
    const [path] = readStore(here).files;
    const renamed = join(here, "mine.parquet");
    renameSync(path!, renamed);
    writeFileSync(`${path}.17.part`, "");
    writeFileSync(join(here, "notes.txt"), "");
    expect(readStore(here)).toEqual({
      ...{ files: [], faults: [{ path: renamed, problem: "is none that shiftline kept" }] },
    });
  });
});
