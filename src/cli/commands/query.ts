import { basename } from "node:path";
import { InputError } from "../../base/errors.ts";
import { writeWhole, writtenWhole } from "../../base/files.ts";
import { type CsvTable, csvOf } from "../../report/csv.ts";
import { type Answer, Database, type Sources } from "../../store/database.ts";
import { columnsIn, readStore, type Store } from "../../store/store.ts";
import { FACTS } from "../../sweep/columns.ts";
import { defineCommand, type Io, STATUS, UsageError } from "../command.ts";
import { layOut, toJson } from "../layout.ts";
import { json } from "../options.ts";
import { storeFolder, storeOption } from "../storing.ts";

export const query = defineCommand({
  command: "query [sql]",
  describe: "Ask in SQL about the rows of all runs, which are the table `results`",
  lists: ["csv"],
  builder: (y) =>
    y
      .positional("sql", { type: "string", describe: "one SELECT, in DuckDB's SQL" })
      .option("csv", {
        ...{ type: "string", array: true, nargs: 1, requiresArg: true },
        describe: "a CSV, as a table of its file's name; may be repeated",
      } as const)
      .option("out", {
        ...{ type: "string", requiresArg: true },
        describe: "write the answer to this .csv or .parquet",
      } as const)
      .option("columns", {
        ...{ type: "boolean", default: false },
        describe: "print the columns of results and what they mean",
      } as const)
      .option("store", storeOption)
      .option("json", json)
      .example('$0 query "select experiment, count(*) from results group by all"', "what is there")
      .example('$0 query "from results" --out all.parquet', "all of it, for other tools")
      .example(
        '$0 query "from \\"g2p-full\\" limit 3" --csv g2p-full.csv',
        "a CSV, in quotes for its hyphen",
      ),
  async run(args, io) {
    const { sql, out } = args;
    if (args.columns && sql !== undefined) throw new UsageError("--columns takes no SQL");
    if (!args.columns && sql === undefined)
      throw new UsageError('query needs SQL, as in: query "select * from results limit 3"');
    const csvs = csvsOf(args.csv ?? []);
    const { files, faults } = resultsOf(storeFolder(args.store), args.columns || csvs.size === 0, io);
    if (args.columns || sql === undefined) io.out(columnsText(files, args.json));
    else await answer(sql, { results: files, csvs, facts: FACTS }, { out, json: args.json }, io);
    return faults.length === 0 ? STATUS.done : STATUS.refused;
  },
});

/** The CSVs by the names of their tables. @throws UsageError where two have one name */
function csvsOf(paths: readonly string[]): ReadonlyMap<string, string> {
  const csvs = new Map<string, string>();
  for (const path of paths) {
    const name = basename(path).replace(/\.csv$/i, "");
    // SQL does not tell capitals from others.
    const other = ["results", ...csvs.keys()].find((one) => one.toLowerCase() === name.toLowerCase());
    if (other !== undefined) throw new UsageError(`--csv ${path}: there is a table ${other} already`);
    csvs.set(name, path);
  }
  return csvs;
}

/** The store's files; damaged ones are named, and the others answer. @throws InputError where some are needed, and none there */
function resultsOf(folder: string | undefined, isNeeded: boolean, io: Io): Store {
  const store = folder === undefined ? { files: [], faults: [] } : readStore(folder);
  for (const { path, problem } of store.faults) io.err(`shiftline: ${path}: ${problem}; left out\n`);
  if (isNeeded && store.files.length === 0) {
    const where = folder ?? "--no-store";
    throw new InputError(
      where,
      "no results to ask about; a sweep keeps its rows, as in: shiftline sweep g2p",
    );
  }
  return store;
}

function columnsText(files: readonly string[], isJson: boolean): string {
  const columns = columnsIn(files);
  if (isJson) return toJson(columns);
  return layOut([["column", "unit", "meaning"], ...columns.map(({ name, unit, doc }) => [name, unit, doc])]);
}

interface Wanted {
  readonly out: string | undefined;
  readonly json: boolean;
}

/** Answers a query, on the terminal or into a file. */
async function answer(sql: string, sources: Sources, { out, json }: Wanted, io: Io): Promise<void> {
  const ending = /\.(csv|parquet)$/.exec(out ?? "")?.[1];
  if (out !== undefined && ending === undefined)
    throw new UsageError(`--out takes a .csv or a .parquet, not "${out}"`);
  const tell = (rows: number) => io.out(json ? toJson({ out, rows }) : `wrote ${rows} rows to ${out}\n`);
  if (out !== undefined && ending === "parquet") {
    const write = (part: string) =>
      opened({ ...sources, out: part }, (database) => database.export(sql, part));
    return tell(await writtenWhole(out, write));
  }
  const found = await opened(sources, (database) => database.ask(sql));
  if (out === undefined) return io.out(json ? toJson(recordsOf(found)) : textOf(found));
  writeWhole(out, csvOf(tableOf(found)));
  tell(found.rows.length);
}

async function opened<T>(sources: Sources, use: (database: Database) => Promise<T>): Promise<T> {
  const database = await Database.open(sources);
  try {
    return await use(database);
  } finally {
    database.close();
  }
}

type Value = Answer["rows"][number][number];

/** A value as text: nothing where there is none. */
const cellOf = (value: Value): string =>
  value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);

const tableOf = ({ columns, rows }: Answer): CsvTable => ({
  header: columns.map(({ name }) => name),
  rows: rows.map((row) => row.map(cellOf)),
});

function textOf(answer: Answer): string {
  const { header, rows } = tableOf(answer);
  if (rows.length === 0) return "no rows\n";
  const right = answer.columns.flatMap(({ isNumeric }, i) => (isNumeric ? [i] : []));
  const cells = rows.map((row) => row.map((cell) => (cell === "" ? "-" : cell.replace(/\s/g, " "))));
  return layOut([header, ...cells], { right });
}

/** Digits that a number of JSON keeps. */
const EXACT_DIGITS = 15;

/** Rows by name; numbers are numbers, but for those that JSON has no words for. */
const recordsOf = ({ columns, rows }: Answer): Record<string, Value>[] =>
  rows.map((row) =>
    Object.fromEntries(
      columns.map(({ name, isNumeric }, i) => [name, isNumeric ? numberOf(row[i]!) : row[i]!]),
    ),
  );

const numberOf = (value: Value): Value =>
  typeof value === "string" &&
  /^-?[\d.]+$/.test(value) &&
  value.replace(/^-?0*|\./g, "").length <= EXACT_DIGITS
    ? Number(value)
    : value;
