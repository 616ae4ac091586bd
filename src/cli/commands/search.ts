import { join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { type ModelName, modelOf } from "../../model/table.ts";
import type { Column } from "../../report/column.ts";
import { METHODS, type Method } from "../../search/search.ts";
import { columnsOf } from "../../sweep/columns.ts";
import { withDerived } from "../../sweep/derive.ts";
import { type Design, loadDesign } from "../../sweep/experiment.ts";
import { type Explored, explore, type Quest } from "../../sweep/explore.ts";
import { type Goals, readGoals } from "../../sweep/goals.ts";
import { Lattice } from "../../sweep/lattice.ts";
import type { Mapper } from "../../sweep/mapped.ts";
import { Measurer, type Row } from "../../sweep/run.ts";
import { cacheOf, cacheOption } from "../caching.ts";
import { mapperOption, modelOption } from "../chosen.ts";
import { defineCommand, STATUS } from "../command.ts";
import { grouped, layOut, toJson } from "../layout.ts";
import { json, set, settingsOf, wholeNumber } from "../options.ts";
import { placeOf } from "../places.ts";
import { report, type Searched } from "../searched.ts";
import { type Watched, watched } from "../watched.ts";

const METHOD_NAMES = Object.keys(METHODS) as Method[];
export const search = defineCommand({
  command: "search <experiment>",
  describe: "Look for the best trades among the points of an experiment, evaluating as few as may be",
  lists: ["set", "constraint"],
  builder: (y) =>
    y
      .positional("experiment", {
        ...{ type: "string", demandOption: true, describe: "its file, or its name in experiments/" },
      } as const)
      .option("objectives", {
        ...{ type: "string", demandOption: true, requiresArg: true },
        describe:
          "columns of the sweep's CSV, as in per_pct,cycles; min:NAME or max:NAME says which way is better",
      } as const)
      .option("budget", {
        ...{ type: "string", demandOption: true, requiresArg: true },
        describe: "how many points may be evaluated",
      } as const)
      .option("constraint", {
        ...{ type: "string", array: true, nargs: 1, requiresArg: true },
        describe: 'what a point has to be, as in "per_pct <= 10"; may be repeated',
      } as const)
      .option("method", {
        ...{ choices: METHOD_NAMES, default: METHOD_NAMES[0]!, requiresArg: true },
        describe: "breed or draw at random; evaluate all of that, or what is promising by its cost",
      })
      .option("versus", {
        ...{ choices: METHOD_NAMES, requiresArg: true },
        describe: "another method to compare with, of the same budget",
      })
      .option("seed", {
        ...{ type: "string", default: "1", requiresArg: true, describe: "which run of the method" },
      } as const)
      .option("out", {
        ...{ type: "string", requiresArg: true, describe: "the CSV; default results/NAME-search.csv" },
      } as const)
      .option("progress-csv", {
        ...{ type: "string", requiresArg: true, describe: "a CSV of the hypervolume after each evaluation" },
      } as const)
      .option("svg", {
        ...{ type: "string", requiresArg: true, describe: "a chart of the same" },
      } as const)
      .option("columns", {
        ...{ type: "boolean", default: false },
        describe: "print the columns that may be objectives, and which way they are better",
      } as const)
      .option("workers", {
        ...{ type: "string", default: "2", requiresArg: true },
        describe: "threads, or fewer cores. They change no byte of the result",
      } as const)
      .option("set", {
        ...set,
        describe: "change a parameter of every point, as in mac.rows=32 or cell_bits=8",
      })
      .option("model", modelOption)
      .option("mapper", mapperOption)
      .option("cache", cacheOption)
      .option("json", json)
      .example("$0 search search-g2p --objectives per_pct,cycles,energy_uj --budget 60", "of 2,880 points"),
  async run(args, io) {
    const budget = wholeNumber(args.budget, "--budget", 1);
    const seed = wholeNumber(args.seed, "--seed", 0);
    const workers = wholeNumber(args.workers, "--workers", 0);
    const design = designOf(args);
    const columns = columnsWith(design, new Map());
    const lattice = new Lattice(design);
    if (budget > lattice.points)
      throw new InputError(
        "--budget",
        `${budget} is more than the ${lattice.points} points of ${design.path}`,
      );
    const goalsIn = (all: typeof columns) => readGoals(all, args.objectives, args.constraint ?? []);
    // What is wrong with them is told before anything is measured.
    goalsIn(columns);
    if (args.columns) {
      io.out(args.json ? toJson(objectivesIn(columns)) : objectivesText(columns));
      return STATUS.done;
    }
    const methods = args.versus === undefined ? [args.method] : [args.method, args.versus];
    const cache = cacheOf(args.cache, io);
    const means = { cache, workers, pieces: "points", goOn: "the same command" };
    io.err(`${design.name}: ${design.question}\n${budget} of ${grouped(lattice.points)} points\n`);
    const quest = { lattice, goalsIn, budget, seed };
    const searched = await watched(io, means, (told) =>
      searchBy(methods, design, quest, { ...told, cache, workers }),
    );
    if (searched === undefined) return STATUS.interrupted;
    const out = args.out ?? join("results", `${design.name}-search.csv`);
    return report({ ...searched, design, out }, args, io);
  },
});

interface Asked {
  readonly experiment: string;
  readonly set: readonly string[] | undefined;
  readonly model: ModelName | undefined;
  readonly mapper: Mapper | undefined;
}

const designOf = ({ experiment, set: sets, model, mapper }: Asked): Design =>
  loadDesign(placeOf(experiment, "experiments"), {
    sets: settingsOf(sets, "--set"),
    ...(model === undefined ? {} : { model }),
    ...(mapper === undefined ? {} : { mapper }),
  });

/** A sweep's columns and the experiment's own, which may compare with baselines. */
const columnsWith = (design: Design, baselines: ReadonlyMap<string, Row>): readonly Column<Row>[] =>
  withDerived(columnsOf(modelOf(design.model)), design.derived, baselines);

interface Wanted extends Pick<Quest, "lattice" | "budget" | "seed"> {
  readonly goalsIn: (columns: readonly Column<Row>[]) => Goals;
}

/** One method after another, on the same threads. */
async function searchBy(
  methods: readonly Method[],
  design: Design,
  { goalsIn, ...quest }: Wanted,
  { onProgress, ...means }: ConstructorParameters<typeof Measurer>[0] & Watched,
): Promise<Pick<Searched, "columns" | "goals" | "explored">> {
  const measurer = new Measurer(means);
  try {
    const { baselines } = await measurer.measure({ ...design, points: [] });
    const columns = columnsWith(design, baselines);
    const goals = goalsIn(columns);
    const explored: Explored[] = [];
    for (const method of methods) {
      const before = explored.length * quest.budget;
      const tell = (done: number, label: string) =>
        onProgress(before + done, methods.length * quest.budget, `${method}: ${label}`);
      const about = { ...quest, about: design, goals, method, onProgress: tell };
      explored.push(await explore(about, measurer));
    }
    return { columns, goals, explored };
  } finally {
    await measurer.end();
  }
}

const objectivesIn = (columns: readonly Column<Row>[]) =>
  columns.flatMap(({ name, unit, better, doc }) =>
    better === undefined ? [] : [{ name, unit, better, doc }],
  );

const objectivesText = (columns: readonly Column<Row>[]): string =>
  layOut([
    ["column", "unit", "better", "meaning"],
    ...objectivesIn(columns).map(({ name, unit, better, doc }) => [name, unit, better, doc]),
  ]);
