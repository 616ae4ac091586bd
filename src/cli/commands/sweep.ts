import { join } from "node:path";
import { writeWhole } from "../../base/files.ts";
import { MODEL_NAMES, type ModelName, modelOf } from "../../model/table.ts";
import type { Column } from "../../report/column.ts";
import { toCsv } from "../../report/csv.ts";
import { renderTable } from "../../report/table.ts";
import { columnsOf } from "../../sweep/columns.ts";
import { type Experiment, loadExperiment } from "../../sweep/experiment.ts";
import type { Mapper } from "../../sweep/mapped.ts";
import { planOf, type RefusedPoint, type Row, runSweep, type Swept } from "../../sweep/run.ts";
import { experimentOf, mapperOption, modelOption } from "../chosen.ts";
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
      .option("model", modelOption)
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
    const workers = wholeNumber(args.workers ?? String(DEFAULT_WORKERS), "--workers", 0);
    const experiment = askedFor(args);
    const columns = columnsOf(modelOf(experiment?.subject.model ?? MODEL_NAMES[0]));
    if (args.columns) {
      io.out(
        args.json ? toJson(columns.map(({ name, unit, doc }) => ({ name, unit, doc }))) : docsOf(columns),
      );
      return STATUS.done;
    }
    if (experiment === undefined) throw new UsageError("sweep needs an experiment, as in: sweep g2p");
    const { name, path, question } = experiment;
    const { points, numerics, timings } = planOf(experiment);
    io.err(`${name}: ${question}\n`);
    io.err(`${points} points, ${numerics} distinct numerics, at most ${timings} distinct timings\n`);
    const { rows, refused } = await finish(io, (onProgress) => runSweep(experiment, { workers, onProgress }));
    const hasRows = rows.length > 0;
    if (args.json) io.out(toJson(documentOf(name, columns, rows, refused)));
    else if (hasRows) io.out(renderTable(columns, rows));
    for (const point of refused) io.err(`shiftline: ${path}: ${refusalText(point)}\n`);
    if (hasRows) {
      const out = args.out ?? join("results", `${name}.csv`);
      writeWhole(out, toCsv(columns, rows));
      (args.json ? io.err : io.out)(`wrote ${rows.length} points to ${out}\n`);
    }
    return refused.length === 0 ? STATUS.done : STATUS.refused;
  },
});

interface Asked {
  readonly experiment: string | undefined;
  readonly set: readonly string[] | undefined;
  readonly model: ModelName | undefined;
  readonly mapper: Mapper | undefined;
}

function askedFor({ experiment, set, model, mapper }: Asked): Experiment | undefined {
  const name = experiment ?? (model && experimentOf(model));
  if (name === undefined) return undefined;
  return loadExperiment(placeOf(name, "experiments"), {
    sets: settingsOf(set, "--set"),
    ...(model === undefined ? {} : { model }),
    ...(mapper === undefined ? {} : { mapper }),
  });
}

const documentOf = (
  experiment: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  refused: readonly RefusedPoint[],
) => ({
  experiment,
  rows: rows.map((row) => recordOf(columns, row)),
  refused: refused.map(({ point: { index, arch, changes }, problem }) => ({
    ...{ point: index, arch: arch.name, changes, problem },
  })),
});

/** `point 3, edge8x8, weight_bits=4: weight.bytes: …` */
const refusalText = ({ point: { index, arch, changes }, problem }: RefusedPoint): string =>
  `${[`point ${index}`, arch.name, changes].filter(Boolean).join(", ")}: ${problem}`;

/** Runs with a progress report that is gone when it ends, well or not. */
async function finish(
  io: Io,
  work: (onProgress: (done: number, total: number, label: string) => void) => Promise<Swept>,
): Promise<Swept> {
  const progress = progressOn(io);
  try {
    return await work(progress.update);
  } finally {
    progress.stop();
  }
}

const docsOf = (columns: readonly Column<Row>[]): string =>
  layOut([["column", "unit", "meaning"], ...columns.map(({ name, unit, doc }) => [name, unit, doc])]);
