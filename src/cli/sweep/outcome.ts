import { writeWhole } from "../../base/files.ts";
import type { Column } from "../../report/column.ts";
import { tableOf } from "../../report/csv.ts";
import { renderTable } from "../../report/table.ts";
import type { Experiment } from "../../sweep/experiment.ts";
import type { Refused, Shard } from "../../sweep/shards.ts";
import { type Io, STATUS, type Status } from "../command.ts";
import { recordOf, toJson } from "../layout.ts";
import { keepRows } from "../storing.ts";

/** What of an experiment is run, and where it goes. */
export interface Part {
  readonly experiment: Experiment;
  readonly shard: Shard | undefined;
  /** Identity of the whole experiment, where this is a part of it. */
  readonly whole: string | undefined;
  readonly out: string;
}

/** What came of a sweep, whoever ran it: rows, what to read of them, and the file that they make. */
interface Outcome<R> {
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  /** `[rows]` digest of the code that computed each. */
  readonly codes: readonly string[];
  readonly refused: readonly Refused[];
  readonly csv: string;
}

/** How it is told, and where its rows are kept beside the CSV. */
interface Ending {
  readonly json: boolean;
  readonly store: string | undefined;
}

/** Prints a sweep's results, then what was refused, writes the CSV, and keeps the rows. @throws InputError where that cannot be written */
export function conclude<R>(
  { experiment, shard, out }: Part,
  outcome: Outcome<R>,
  { json, store }: Ending,
  io: Io,
): Status {
  const { columns, rows, codes, refused, csv } = outcome;
  const hasRows = rows.length > 0;
  const records = () => rows.map((row) => recordOf(columns, row));
  if (json) io.out(toJson({ experiment: experiment.name, rows: records(), refused }));
  else if (hasRows) io.out(renderTable(columns, rows));
  for (const point of refused) io.err(`shiftline: ${experiment.path}: ${refusalText(point)}\n`);
  if (hasRows || shard !== undefined) {
    writeWhole(out, csv);
    (json ? io.err : io.out)(`wrote ${rows.length} points to ${out}\n`);
  }
  // A shard's rows are kept when all of them are merged.
  if (shard === undefined) keepRows(store, tableOf(columns, rows), columns, codes, io);
  return refused.length === 0 ? STATUS.done : STATUS.refused;
}

/** `point 3, edge8x8, weight_bits=4: weight.bytes: …` */
export const refusalText = ({ point, arch, changes, problem }: Refused): string =>
  `${[`point ${point}`, arch, changes].filter(Boolean).join(", ")}: ${problem}`;
