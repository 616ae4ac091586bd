import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parquetMetadata, type SchemaElement } from "hyparquet";
import { parquetWriteBuffer, schemaFromColumnData } from "hyparquet-writer";
import { InputError } from "../base/errors.ts";
import { writeWhole } from "../base/files.ts";
import { digestOf, sha256 } from "../base/hash.ts";
import type { ColumnFacts } from "../report/column.ts";
import type { CsvTable } from "../report/csv.ts";
import { kindOf, valuesOf } from "./typed.ts";

/** A moment: milliseconds of the epoch, and the same as ISO 8601 in UTC. */
export interface Instant {
  readonly epochMs: number;
  readonly utc: string;
}

/** Rows that are to be kept. */
export interface Batch {
  readonly table: CsvTable;
  /** What is known of its columns, by name. */
  readonly facts: ReadonlyMap<string, ColumnFacts>;
  /** `[rows]` digest of the code that computed each. */
  readonly codes: readonly string[];
  readonly at: Instant;
}

/** What a file says of one of its columns. */
export interface KeptColumn {
  readonly name: string;
  readonly unit: string;
  readonly doc: string;
}

/** What the store adds to a row. */
const CODE: KeptColumn = {
  name: "code_hash",
  unit: "",
  doc: "identity of the code that computed the row: this package, those it depends on, the JavaScript engine",
};
const KEPT: KeptColumn = { name: "kept_at", unit: "", doc: "when the row was kept, in UTC" };

/** Without a time zone, as all of them are in UTC: a reader would show its own. */
const TIME: SchemaElement = {
  ...{ name: KEPT.name, type: "INT64", repetition_type: "REQUIRED" },
  logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "MILLIS" },
};

/** Under this key, a file's metadata has its columns. */
const COLUMNS = "shiftline.columns";
const DIGITS = 16;

/** When, digest of the rows, digest of the file's bytes. */
const NAME = /^\d{8}T\d{9}Z-([0-9a-f]{16})-([0-9a-f]{16})\.parquet$/;

/**
 * Keeps rows as one Parquet file, which is never changed again. Its name begins with the time, so that names are in the order in which they
 * were kept; then the digest of the rows and of the code they come from, by which equal ones are kept once; then the digest of its bytes, by
 * which a damaged one is known.
 *
 * @throws InputError where it cannot be written, nothing of it being left then, or has a column that the store adds
 */
export function keep(folder: string, batch: Batch): void {
  const { table, codes, at } = batch;
  const own = [CODE, KEPT].find(({ name }) => table.header.includes(name));
  if (own !== undefined) throw new InputError(folder, `${own.name} is a column of the store's own`);
  const rows = digestOf([table.header, table.rows, codes]).slice(0, DIGITS);
  if (filesOf(folder).some((file) => file.rows === rows && faultOf(file) === undefined)) return;
  const bytes = parquetOf(batch);
  const time = at.utc.replace(/[-:.]/g, "");
  writeWhole(join(folder, `${time}-${rows}-${sha256(bytes).slice(0, DIGITS)}.parquet`), bytes);
}

function parquetOf({ table: { header, rows }, facts, codes, at }: Batch): Uint8Array {
  const columns = header.map((name, c) => {
    const texts = rows.map((row) => row[c]!);
    const type = kindOf(texts, facts.get(name));
    const { unit, doc } = facts.get(name) ?? { unit: "", doc: "" };
    return { kept: { name, unit, doc }, source: { name, type, data: valuesOf(texts, type) } };
  });
  const sources = [
    ...columns.map(({ source }) => source),
    { name: CODE.name, type: "STRING" as const, data: codes.map((code) => code.slice(0, 12)) },
    { name: KEPT.name, data: rows.map(() => BigInt(at.epochMs)) },
  ];
  const schema = schemaFromColumnData({ columnData: sources, schemaOverrides: { [KEPT.name]: TIME } });
  const kept = [...columns.map((column) => column.kept), CODE, KEPT];
  return new Uint8Array(
    parquetWriteBuffer({
      // The types are in the schema, and the writer wants them once.
      columnData: sources.map(({ name, data }) => ({ name, data })),
      ...{ schema, kvMetadata: [{ key: COLUMNS, value: JSON.stringify(kept) }] },
    }),
  );
}

/** A file of the store, by its name. */
interface StoreFile {
  readonly path: string;
  /** Digests that the name has; undefined where it has none. */
  readonly rows: string | undefined;
  readonly bytes: string | undefined;
}

/** Every Parquet file of a folder, the oldest first; of a folder that is not there, none. */
function filesOf(folder: string): StoreFile[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw new InputError(folder, `cannot be read (${code})`);
  }
  return names
    .filter((name) => name.endsWith(".parquet"))
    .sort()
    .map((name) => {
      const [, rows, bytes] = NAME.exec(name) ?? [];
      return { path: join(folder, name), rows, bytes };
    });
}

/** What is wrong with a file, in one clause. */
function faultOf({ path, bytes }: StoreFile): string | undefined {
  if (bytes === undefined) return "is none that shiftline kept";
  try {
    return sha256(readFileSync(path)).startsWith(bytes) ? undefined : "is damaged";
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** What a store holds. */
export interface Store {
  /** Files that are whole, in the order in which they were kept; equal rows come once. */
  readonly files: readonly string[];
  /** Those that are not, and whose rows no other file has. */
  readonly faults: readonly { readonly path: string; readonly problem: string }[];
}

/** Looks through a store, and reads every byte of it. @throws InputError where the folder cannot be read */
export function readStore(folder: string): Store {
  const files = new Map<string, string>();
  const faulty: { file: StoreFile; problem: string }[] = [];
  for (const file of filesOf(folder)) {
    const problem = faultOf(file);
    if (problem !== undefined) faulty.push({ file, problem });
    else if (!files.has(file.rows!)) files.set(file.rows!, file.path);
  }
  const lost = faulty.filter(({ file }) => file.rows === undefined || !files.has(file.rows));
  return {
    files: [...files.values()],
    faults: lost.map(({ file: { path }, problem }) => ({ path, problem })),
  };
}

/** The columns of files, as the latest that has one tells of it. */
export function columnsIn(files: readonly string[]): KeptColumn[] {
  const columns = new Map<string, KeptColumn>();
  for (const path of files.toReversed())
    for (const column of columnsOf(path)) if (!columns.has(column.name)) columns.set(column.name, column);
  return [...columns.values()];
}

function columnsOf(path: string): readonly KeptColumn[] {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  const whole = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  const { key_value_metadata: entries = [] } = parquetMetadata(whole);
  return JSON.parse(entries.find(({ key }) => key === COLUMNS)?.value ?? "[]") as KeptColumn[];
}
