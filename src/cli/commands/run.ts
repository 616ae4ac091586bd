import { writeWhole } from "../../base/files.ts";
import { traceOf } from "../../machine/trace.ts";
import type { Stage } from "../../model/job.ts";
import { valueIn } from "../../model/model.ts";
import { modelOf } from "../../model/table.ts";
import { columnsOf } from "../../sweep/columns.ts";
import { type PointReport, runPoint } from "../../sweep/point-report.ts";
import { chosenPoint, mapperOption, POINT_LISTS, pointOptions } from "../chosen.ts";
import { defineCommand, STATUS } from "../command.ts";
import { recordOf, toJson } from "../layout.ts";
import { json, wholeNumber } from "../options.ts";
import { pointText } from "../point.ts";

export const run = defineCommand({
  command: "run [experiment]",
  describe: "Run one point and report on it: accuracy, cycles by unit, traffic, energy, assumptions",
  lists: POINT_LISTS,
  builder: (y) =>
    pointOptions(y)
      .option("mapper", mapperOption)
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
    const words = args.words === undefined ? undefined : wholeNumber(args.words, "--words", 1);
    const { experiment, point } = chosenPoint(args, words);
    const report = runPoint(experiment, point);
    io.out(args.json ? toJson(documentOf(report)) : pointText(report));
    if (args.trace !== undefined) {
      writeWhole(args.trace, `${JSON.stringify(jobTrace(report))}\n`);
      io.err(`wrote ${args.trace}: open it in https://ui.perfetto.dev; a microsecond there is a cycle\n`);
    }
    return STATUS.done;
  },
});

function documentOf({ row, job, programs }: PointReport) {
  const model = modelOf(row.point.subject.model);
  return {
    columns: recordOf(columnsOf(model), row),
    metrics: model.metrics.map((metric) => {
      const { name, unit, doc, better, isRelative } = metric;
      const integer = valueIn(metric, row.accuracy.scores);
      const float = isRelative === true ? {} : { float: valueIn(metric, row.reference) };
      return { name, unit, doc, better, integer, ...float };
    }),
    arch: row.point.arch,
    recipe: row.point.recipe,
    mapping: job.mapping,
    cost: row.cost,
    ...(row.point.arch.settings["mac.zeroSkip"] === "none"
      ? {}
      : { zeroSkipCyclesSavedEstimate: row.accuracy.skippedCycles }),
    programs: programs.map(({ program, times, timing }) => ({ name: program.name, times, timing })),
  };
}

/** The load, and the stages of the size that most inputs have, each as a process of one trace. */
function jobTrace({ row, job, programs }: PointReport) {
  const timesOf = new Map(programs.map(({ program, times }) => [program, times]));
  const firstTimes = ([first]: readonly Stage[]): number => timesOf.get(first!.program) ?? 0;
  const [stages] = [...job.stages.values()].sort((a, b) => firstTimes(b) - firstTimes(a));
  const run = [job.load, ...stages!.map(({ program }) => program)];
  const traces = run.map((program) => traceOf(program, row.point.arch));
  return {
    ...traces[0],
    traceEvents: traces.flatMap(({ traceEvents }, i) =>
      traceEvents.map((event) => ({ ...event, pid: i + 1 })),
    ),
  };
}
