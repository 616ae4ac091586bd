import { join } from "node:path";
import { writeWhole } from "../../base/files.ts";
import { toCsv } from "../../report/csv.ts";
import { renderTable } from "../../report/table.ts";
import { COLUMNS } from "../../sweep/columns.ts";
import { loadExperiment } from "../../sweep/experiment.ts";
import { planOf, type Row, runSweep } from "../../sweep/run.ts";
import { mapperOption } from "../chosen.ts";
import { defineCommand, type Io, STATUS, UsageError } from "../command.ts";
import { layOut, recordOf, toJson } from "../layout.ts";
import { json, set, settingsOf, wholeNumber } from "../options.ts";
import { placeOf } from "../places.ts";
import { progressOn } from "../progress.ts";

/** Leaves the rest of a shared machine alone. */
const DEFAULT_WORKERS = 2;

export const sweep = defineCommand({
  command: "sweep [experiment]",
  describe: "Run every point of an experiment into a CSV",
  lists: ["set"],
  builder: (y) =>
    y
      .positional("experiment", { type: "string", describe: "its file, or its name in experiments/" })
      .option("out", { type: "string", requiresArg: true, describe: "the CSV; default results/NAME.csv" })
      .option("workers", {
        type: "string",
        requiresArg: true,
        describe: "threads; default 2, or fewer cores. They change no byte of the result",
      })
      .option("set", {
        ...set,
        describe: "change a parameter of every point, as in mac.rows=32 or cell_bits=8",
      })
      .option("mapper", mapperOption)
      .option("columns", {
        type: "boolean",
        default: false,
        describe: "print the CSV's columns and what they mean",
      })
      .option("json", json)
      .example("$0 sweep g2p", "the default experiment, into results/g2p.csv")
      .example("$0 sweep g2p --set mac.rows=32 --out wide.csv", "the same on a taller array")
      .example("$0 sweep --columns", "what the CSV holds"),
  async run(args, io) {
    if (args.columns) {
      io.out(args.json ? toJson(COLUMNS.map(({ name, unit, doc }) => ({ name, unit, doc }))) : columnTable());
      return STATUS.done;
    }
    if (args.experiment === undefined) throw new UsageError("sweep needs an experiment, as in: sweep g2p");
    const workers = wholeNumber(args.workers ?? String(DEFAULT_WORKERS), "--workers", 0);
    const experiment = loadExperiment(placeOf(args.experiment, "experiments"), {
      sets: settingsOf(args.set, "--set"),
      ...(args.mapper === undefined ? {} : { mapper: args.mapper }),
    });
    const out = args.out ?? join("results", `${experiment.name}.csv`);
    const { points, numerics, timings } = planOf(experiment);
    io.err(`${experiment.name}: ${experiment.question}\n`);
    io.err(`${points} points, ${numerics} distinct numerics, at most ${timings} distinct timings\n`);
    const rows = await finish(io, (onProgress) => runSweep(experiment, { workers, onProgress }));
    if (args.json)
      io.out(toJson({ experiment: experiment.name, rows: rows.map((row) => recordOf(COLUMNS, row)) }));
    else io.out(renderTable(COLUMNS, rows));
    writeWhole(out, toCsv(COLUMNS, rows));
    (args.json ? io.err : io.out)(`wrote ${rows.length} points to ${out}\n`);
    return STATUS.done;
  },
});

/** Runs with a progress report that is gone when it ends, well or not. */
async function finish(
  io: Io,
  work: (onProgress: (done: number, total: number, label: string) => void) => Promise<Row[]>,
): Promise<Row[]> {
  const progress = progressOn(io);
  try {
    return await work(progress.update);
  } finally {
    progress.stop();
  }
}

const columnTable = (): string =>
  layOut([["column", "unit", "meaning"], ...COLUMNS.map(({ name, unit, doc }) => [name, unit, doc])]);
