import { writeWhole } from "../../base/files.ts";
import { traceOf } from "../../machine/trace.ts";
import { COLUMNS } from "../../sweep/columns.ts";
import { type PointReport, runPoint } from "../../sweep/run.ts";
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
