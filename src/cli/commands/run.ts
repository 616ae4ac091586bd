import { InputError } from "../../base/errors.ts";
import { writeWhole } from "../../base/files.ts";
import { traceOf } from "../../machine/trace.ts";
import { makeRecipe } from "../../quant/recipe.ts";
import { COLUMNS } from "../../sweep/columns.ts";
import { type Experiment, loadExperiment } from "../../sweep/experiment.ts";
import type { Point } from "../../sweep/points.ts";
import { type PointReport, runPoint } from "../../sweep/run.ts";
import { defineCommand, STATUS } from "../command.ts";
import { recordOf, toJson } from "../layout.ts";
import { json, set, settingsOf, wholeNumber } from "../options.ts";
import { placeOf } from "../places.ts";
import { pointText } from "../point.ts";

export const run = defineCommand({
  command: "run [experiment]",
  describe: "Run one point and report on it: accuracy, cycles by unit, traffic, energy, assumptions",
  lists: ["set", "recipe"],
  builder: (y) =>
    y
      .positional("experiment", {
        type: "string",
        default: "g2p",
        describe: "its file, or its name in experiments/",
      })
      .option("point", {
        type: "string",
        requiresArg: true,
        default: "1",
        describe: "which of its points; the first one is the base of the others",
      })
      .option("arch", {
        type: "string",
        requiresArg: true,
        describe: "another machine, a file or its name in arch/",
      })
      .option("set", set)
      .option("recipe", {
        ...set,
        describe: "change a parameter of the recipe, as in weight_bits=4; may be repeated",
      })
      .option("words", { type: "string", requiresArg: true, describe: "how many words to score" })
      .option("trace", {
        type: "string",
        requiresArg: true,
        describe: "write the programs of the commonest word length for Perfetto or chrome://tracing",
      })
      .option("json", json)
      .example("$0 run", "the default point")
      .example("$0 run --arch edge8x8 --recipe weight_bits=4 --words 100", "a small machine, a small model")
      .example("$0 run --set mac.rows=32 --trace t.json", "a taller array, with a trace"),
  run(args, io) {
    const index = wholeNumber(args.point, "--point", 1);
    const experiment = experimentOf(args);
    const report = runPoint(experiment, pointOf(experiment, index));
    io.out(args.json ? toJson(documentOf(report)) : pointText(report));
    if (args.trace !== undefined) {
      writeWhole(args.trace, `${JSON.stringify(jobTrace(report))}\n`);
      io.err(`wrote ${args.trace}: open it in https://ui.perfetto.dev; a microsecond there is a cycle\n`);
    }
    return STATUS.done;
  },
});

interface Asked {
  readonly experiment: string;
  readonly arch: string | undefined;
  readonly set: readonly string[] | undefined;
  readonly recipe: readonly string[] | undefined;
  readonly words: string | undefined;
}

function experimentOf({ experiment, arch, set, recipe, words }: Asked): Experiment {
  const ofRecipe = settingsOf(recipe, "--recipe");
  const sets = { ...settingsOf(set, "--set"), ...ofRecipe };
  const count = words === undefined ? {} : { words: wholeNumber(words, "--words", 1) };
  makeRecipe(ofRecipe, "--recipe");
  return loadExperiment(placeOf(experiment, "experiments"), {
    sets,
    ...count,
    ...(arch === undefined ? {} : { arch: placeOf(arch, "arch") }),
  });
}

function pointOf({ path, points }: Experiment, index: number): Point {
  const point = points[index - 1];
  if (point === undefined)
    throw new InputError(path, `there is no point ${index}, only 1 … ${points.length}`);
  return point;
}

const documentOf = ({ row, programs }: PointReport) => ({
  columns: recordOf(COLUMNS, row),
  arch: row.point.arch,
  recipe: row.point.recipe,
  cost: row.cost,
  programs: programs.map(({ program, times, timing }) => ({ name: program.name, times, timing })),
});

/** The load, and start and step for the word length that most words have, each as a process of one trace. */
function jobTrace({ row, job, programs }: PointReport) {
  const timesOf = new Map(programs.map(({ program, times }) => [program, times]));
  const ranked = [...job.programs.values()].sort(
    (a, b) => (timesOf.get(b.start) ?? 0) - (timesOf.get(a.start) ?? 0),
  );
  const { start, step } = ranked[0]!;
  const traces = [job.load, start, step].map((program) => traceOf(program, row.point.arch));
  return {
    ...traces[0],
    traceEvents: traces.flatMap(({ traceEvents }, i) =>
      traceEvents.map((event) => ({ ...event, pid: i + 1 })),
    ),
  };
}
