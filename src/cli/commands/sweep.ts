import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { readText } from "../../base/yaml.ts";
import { MODEL_NAMES, type ModelName, modelOf } from "../../model/table.ts";
import type { Column } from "../../report/column.ts";
import { toCsv } from "../../report/csv.ts";
import { codeDigest } from "../../sweep/code.ts";
import { columnsOf } from "../../sweep/columns.ts";
import { withDerived } from "../../sweep/derive.ts";
import { type Experiment, loadExperiment } from "../../sweep/experiment.ts";
import type { Mapper } from "../../sweep/mapped.ts";
import { refuseOthers } from "../../sweep/resume.ts";
import { type Plan, type Row, runSweep, type Swept } from "../../sweep/run.ts";
import { experimentKey, noteLine, type Refused, readSheet, refusedOf, shardOf } from "../../sweep/shards.ts";
import { cacheFolder, cacheOf, cacheOption } from "../caching.ts";
import { experimentOf, mapperOption, modelOption } from "../chosen.ts";
import { defineCommand, type Io, STATUS, type Status, UsageError } from "../command.ts";
import { layOut, toJson } from "../layout.ts";
import { json, set, settingsOf, wholeNumber } from "../options.ts";
import { placeOf } from "../places.ts";
import { storeOption } from "../storing.ts";
import { ENGINES, refuseEngine, sweepOnCluster } from "../sweep/cluster.ts";
import { conclude, type Part } from "../sweep/outcome.ts";
import { watched } from "../watched.ts";

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
      .option("cache", cacheOption)
      .option("store", storeOption)
      .option("resume", {
        ...{ type: "boolean", default: false },
        describe:
          "go on after an interruption, to the same bytes as without; --out may only hold this sweep's rows",
      } as const)
      .option("shard", {
        ...{ type: "string", requiresArg: true },
        describe: "run the i-th of n parts of the points, as in 2/8; `merge` puts the parts together",
      } as const)
      .option("engine", {
        ...{ choices: ENGINES, default: "local" as (typeof ENGINES)[number] },
        describe: "who runs the points: this process, or tasks of a scheduler, whose parts are put together",
      })
      .option("shards", {
        ...{ type: "string", requiresArg: true },
        describe: "slurm: how many tasks; default one a point, and no more than 32",
      } as const)
      .option("sbatch", {
        ...{ type: "string", nargs: 1, requiresArg: true },
        describe: 'slurm: more options for sbatch, as in "--partition=short --time=1:00:00"',
      } as const)
      .option("wait", {
        ...{ type: "boolean", default: true },
        describe: "slurm: collect the parts; --no-wait: submit them, and the same command collects later",
      } as const)
      .option("json", json)
      .example("$0 sweep g2p", "the default experiment, into results/g2p.csv")
      .example("$0 sweep g2p --set mac.rows=32 --out wide.csv", "the same on a taller array")
      .example("$0 sweep --columns", "what the CSV holds"),
  async run(args, io) {
    const workers = wholeNumber(args.workers ?? String(DEFAULT_WORKERS), "--workers", 0);
    const experiment = askedFor(args);
    if (args.columns) {
      const columns = columnsFor(experiment);
      io.out(
        args.json ? toJson(columns.map(({ name, unit, doc }) => ({ name, unit, doc }))) : docsOf(columns),
      );
      return STATUS.done;
    }
    if (experiment === undefined) throw new UsageError("sweep needs an experiment, as in: sweep g2p");
    refuseEngine(args, args.shard);
    const part = partOf(experiment, args.shard, args.out);
    if (args.resume) refuseResume(part, experiment, args.cache);
    if (args.engine !== "local") return sweepOnCluster(part, columnsFor(experiment), args, workers, io);
    return sweepPart(part, args, workers, io);
  },
});

/** The columns of a sweep, an experiment's own among them. */
const columnsFor = (experiment: Experiment | undefined, swept?: Swept): readonly Column<Row>[] =>
  withDerived(
    columnsOf(modelOf(experiment?.model ?? MODEL_NAMES[0])),
    experiment?.derived ?? [],
    swept?.baselines ?? new Map(),
  );

/** @throws InputError where there is no such shard */
function partOf(experiment: Experiment, text: string | undefined, out: string | undefined): Part {
  const { name, points } = experiment;
  if (text === undefined)
    return { experiment, shard: undefined, whole: undefined, out: out ?? join("results", `${name}.csv`) };
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (index === undefined)
    throw new UsageError(`--shard takes a part and how many there are, as in 2/8, not "${text}"`);
  const shard = { index: Number(index), of: Number(of) };
  return {
    experiment: { ...experiment, points: shardOf(points, shard) },
    ...{ shard, whole: experimentKey(experiment) },
    out: out ?? join("results", `${name}-${index}-of-${of}.csv`),
  };
}

/** @throws InputError where what is there already is none of this sweep's */
function refuseResume({ shard, whole, out }: Part, experiment: Experiment, cache: string | undefined): void {
  if (cacheFolder(cache) === undefined)
    throw new UsageError("--resume goes on from what the cache holds, and there is none");
  if (!existsSync(out)) return;
  const sheet = readSheet(out, readText(out));
  refuseOthers(sheet, out, experiment);
  const { note } = sheet;
  const isOther = note?.index !== shard?.index || note?.of !== shard?.of || note?.experiment !== whole;
  if (isOther) throw new InputError(out, "holds another part of the sweep; give another --out");
}

async function sweepPart(
  part: Part,
  args: { readonly json: boolean; readonly cache: string | undefined; readonly store: string | undefined },
  workers: number,
  io: Io,
): Promise<Status> {
  const { experiment } = part;
  const { name, question } = experiment;
  const cache = cacheOf(args.cache, io);
  io.err(`${name}: ${question}\n`);
  const onPlan = (plan: Plan) => io.err(planText(plan, cache !== undefined));
  const means = { cache, workers, pieces: "pieces of work", goOn: "the same command with --resume" };
  const swept = await watched(io, means, (options) =>
    runSweep(experiment, { workers, cache, onPlan, ...options }),
  );
  if (swept === undefined) return STATUS.interrupted;
  const columns = columnsFor(experiment, swept);
  const { rows } = swept;
  const refused = swept.refused.map(refusedOf);
  const csv = `${noteOf(part, rows.length, refused)}${toCsv(columns, rows)}`;
  return conclude(part, { columns, rows, codes: rows.map(codeDigest), refused, csv }, args, io);
}

/** The line that tells a shard's CSV from others; nothing before a whole one. */
function noteOf({ shard, whole }: Part, rows: number, refused: readonly Refused[]): string {
  if (shard === undefined || whole === undefined) return "";
  return noteLine({ ...shard, experiment: whole, code: codeDigest(), rows, refused });
}

function planText({ points, numerics, timings }: Plan, hasCache: boolean): string {
  const cached = (count: number) => (hasCache ? ` (${count} in the cache)` : "");
  const most = timings.isMost ? "at most " : "";
  return [
    `${points} points, ${numerics.distinct} distinct numerics${cached(numerics.cached)}, `,
    `${most}${timings.distinct} distinct timings${cached(timings.cached)}\n`,
  ].join("");
}

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

const docsOf = (columns: readonly Column<Row>[]): string =>
  layOut([["column", "unit", "meaning"], ...columns.map(({ name, unit, doc }) => [name, unit, doc])]);
