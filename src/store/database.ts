import { resolve } from "node:path";
import type { DuckDBConnection, DuckDBInstance, Json } from "@duckdb/node-api";
import { InputError } from "../base/errors.ts";
import { manifest } from "../base/package.ts";
import { readText } from "../base/yaml.ts";
import type { ColumnFacts } from "../report/column.ts";
import { parseCsv } from "../report/csv.ts";
import { isWords } from "./typed.ts";

/** What SQL may ask about, and nothing else. */
export interface Sources {
  /** Parquet files whose rows, one after another, are the view `results`; where there are none, it is not there. */
  readonly results: readonly string[];
  /** CSV files, by the names of their tables. */
  readonly csvs: ReadonlyMap<string, string>;
  /** What is known of columns of CSVs, by name: words stay words. */
  readonly facts: ReadonlyMap<string, ColumnFacts>;
  /** The one file that may be written. */
  readonly out?: string | undefined;
}

/** A table that SQL has made. */
export interface Answer {
  readonly columns: readonly { readonly name: string; readonly isNumeric: boolean }[];
  /** `[rows][columns]` */
  readonly rows: readonly (readonly Json[])[];
}

const PACKAGE = "@duckdb/node-api";
/** No code from elsewhere, and nothing on the disk. */
const OPTIONS = {
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
  allow_community_extensions: "false",
  temp_directory: "",
};
const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/;

/** DuckDB in memory, over the files of its sources: it reads no other, writes none but `out`, and knows no network. */
export class Database {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  /** @throws InputError where DuckDB is not installed, or a source cannot be read */
  static async open(sources: Sources): Promise<Database> {
    const { DuckDBInstance } = await duckdb();
    const instance = await DuckDBInstance.create(":memory:", OPTIONS);
    const database = new Database(instance, await instance.connect());
    try {
      await database.#see(sources);
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  }

  /** Makes the view and the tables, then shuts everything else out for good. */
  async #see({ results, csvs, facts, out }: Sources): Promise<void> {
    const run = (sql: string) => this.#connection.run(sql);
    const files = results.map((path) => patternOf(path)).join(", ");
    if (results.length > 0)
      await run(`create view results as from read_parquet([${files}], union_by_name = true)`);
    for (const [name, path] of csvs) await this.#load(name, path, facts);
    const read = results.flatMap((path) => [literal(resolve(path)), patternOf(path)]);
    const allowed = out === undefined ? read : [...read, literal(resolve(out))];
    await run(`set allowed_paths = [${allowed.join(", ")}]`);
    await run("set enable_external_access = false");
    await run("set lock_configuration = true");
  }

  /** Reads a CSV: every row of it decides the types, but for those that are known. */
  async #load(name: string, path: string, facts: Sources["facts"]): Promise<void> {
    const text = readText(path);
    if (text.trim() === "") throw new InputError(path, "an empty file, without a header");
    const [comments] = /^(#.*\n)*/.exec(text)!;
    parseCsv(text.slice(comments.length), path); // says what is wrong with it, which DuckDB would guess around
    const skip = comments.split("\n").length - 1;
    const dialect = `delim = ',', quote = '"', escape = '"', strict_mode = true`;
    const source = `${patternOf(path)}, header = true, skip = ${skip}, ${dialect}`;
    // DuckDB would take a column of infinities for one of dates.
    const types = "sample_size = -1, auto_type_candidates = ['BIGINT', 'DOUBLE', 'VARCHAR']";
    try {
      const columns = await this.#connection.runAndReadAll(`describe from read_csv(${source})`);
      const words = columns
        .getRowsJson()
        .map(([column]) => String(column))
        .filter((column) => facts.has(column) && isWords(facts.get(column)!))
        .map(literal);
      const known = words.map((word) => `${word}: 'VARCHAR'`).join(", ");
      const asWords =
        words.length === 0 ? "" : `, types = {${known}}, force_not_null = [${words.join(", ")}]`;
      await this.#connection.run(
        `create table ${quoted(name)} as from read_csv(${source}, ${types}${asWords})`,
      );
    } catch (error) {
      throw new InputError(path, `cannot be read as CSV (${messageOf(error).split("\n", 2).join(" ")})`);
    }
  }

  /** What a query says. @throws InputError where it is not one SELECT, or fails, with what DuckDB says of it */
  async ask(sql: string): Promise<Answer> {
    const statement = await this.#selectOf(sql);
    const reader = await telling(statement.runAndReadAll());
    const names = reader.deduplicatedColumnNames();
    const columns = reader.columnTypes().map((type, i) => ({
      name: names[i]!,
      isNumeric: NUMERIC.test(type.toString()),
    }));
    return { columns, rows: reader.getRowsJson() };
  }

  /** Writes what a query says as Parquet, to `out` of the sources, and gives the number of rows. @throws InputError as `ask` does; else where the file cannot be written */
  async export(sql: string, out: string): Promise<number> {
    await this.#selectOf(sql);
    await telling(this.#connection.run(`create temp table "the answer" as\n${sql}`));
    await this.#connection.run(`copy "the answer" to ${literal(resolve(out))} (format parquet)`);
    const count = await this.#connection.runAndReadAll(`select count(*) from "the answer"`);
    return Number(count.getRowsJson()[0]![0]);
  }

  async #selectOf(sql: string) {
    const statement = await telling(this.#connection.prepare(sql));
    const { StatementType } = await duckdb();
    if (statement.statementType !== StatementType.SELECT)
      throw new InputError(WHERE, "only reads, as select does");
    return statement;
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/** Seventy megabytes of native code that only questions need: it may be missing. */
async function duckdb() {
  try {
    return await import("@duckdb/node-api");
  } catch (error) {
    const { code = messageOf(error).split("\n")[0] } = error as NodeJS.ErrnoException;
    const version = manifest().optionalDependencies[PACKAGE];
    throw new InputError(
      WHERE,
      `needs DuckDB, which cannot be loaded (${code}): npm install ${PACKAGE}@${version} brings it`,
    );
  }
}

/** Where DuckDB's complaints about a query point to. */
const WHERE = "query";

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What DuckDB says is wrong, with its hint, as one line; where in the query it is stands below that, and is left out. */
async function telling<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const [what = ""] = messageOf(error).split(/\n\nLINE \d+:/);
    throw new InputError(WHERE, what.trim().replace(/\s*\n\s*/g, " "));
  }
}

/** A text in SQL. */
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** A path where DuckDB takes a pattern: itself. */
const patternOf = (path: string): string => literal(resolve(path).replace(/[*?[]/g, "[$&]"));
