import { basename, join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { writeWhole } from "../../base/files.ts";
import { PACKAGE, version } from "../../base/package.ts";
import { readText } from "../../base/yaml.ts";
import { type CsvTable, parseCsv } from "../../report/csv.ts";
import { svgFile } from "../../report/drawing.ts";
import { pngOf } from "../../report/png.ts";
import { FILE_WIDTH } from "../../report/sweep/chart.ts";
import { type Axes, allCharts, chooseAxes } from "../../report/sweep/charts.ts";
import { sweepPage } from "../../report/sweep/html.ts";
import { type Results, resultsOf } from "../../report/sweep/results.ts";
import { drawTimeline, type Timeline, wholeOf } from "../../report/sweep/timeline.ts";
import { FACTS } from "../../sweep/columns.ts";
import { defineCommand, STATUS, UsageError } from "../command.ts";
import { toJson } from "../layout.ts";
import { json, wholeNumber } from "../options.ts";
import { Reproducer } from "../reproduce.ts";
import { timelinesOf } from "../timelines.ts";

export const report = defineCommand({
  command: "report <results>",
  describe: "Draw a sweep's CSV: a page that works offline, or its charts as SVG or PNG",
  lists: [],
  builder: (y) =>
    y
      .positional("results", { type: "string", demandOption: true, describe: "a CSV that sweep wrote" })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe: "the page; default beside the CSV, as .html, unless --svg or --png asks for charts alone",
      })
      .option("svg", { type: "string", requiresArg: true, describe: "a folder for the charts, each a file" })
      .option("png", { type: "string", requiresArg: true, describe: "a folder for the same as pixels" })
      .option("x", {
        type: "string",
        requiresArg: true,
        describe: "the column across the front; default the cycles",
      })
      .option("y", {
        type: "string",
        requiresArg: true,
        describe: "the column up the front; default the model's first metric",
      })
      .option("experiment", {
        type: "string",
        requiresArg: true,
        describe: "the experiment's file, where it is not one of that name in experiments/",
      })
      .option("timeline", {
        ...{ type: "string", requiresArg: true },
        describe: "points whose programs are shown cycle by cycle too, as in 1,5; they are compiled again",
      } as const)
      .option("json", json)
      .example("$0 report results/g2p.csv", "results/g2p.html, for a browser")
      .example("$0 report results/g2p.csv --svg charts --x energy_uj_per_word", "files for a paper"),
  async run(args, io) {
    const { results: path } = args;
    const table = parseCsv(readText(path), path);
    const reproducer = new Reproducer(args.experiment);
    const results = resultsOf(table, path, FACTS, (cells) => reproducer.commandOf(cells));
    const axes = chooseAxes(results, path, args);
    const timelines = timelinesIn(args.timeline, table, path, reproducer);
    const written = await writeCharts(args, results, axes, timelines);
    const page =
      args.out ?? (args.svg === undefined && args.png === undefined ? pageBeside(path) : undefined);
    if (page !== undefined) {
      if (page === path) throw new UsageError("--out is the CSV itself");
      writeWhole(page, pageOf(results, axes, reproducer.question, path, timelines));
      written.push(page);
    }
    io.out(
      args.json
        ? toJson({ points: results.count, written })
        : written.map((file) => `wrote ${file}\n`).join(""),
    );
    return STATUS.done;
  },
});

const pageBeside = (path: string): string => `${path.replace(/\.csv$/i, "")}.html`;

interface Folders {
  readonly svg: string | undefined;
  readonly png: string | undefined;
}

/** Every chart into the folders that are asked for. */
async function writeCharts(
  { svg, png }: Folders,
  results: Results,
  axes: Axes,
  timelines: readonly Timeline[],
): Promise<string[]> {
  const written: string[] = [];
  if (svg === undefined && png === undefined) return written;
  const keep = (folder: string, name: string, data: string | Uint8Array) => {
    const path = join(folder, name);
    writeWhole(path, data);
    written.push(path);
  };
  const pictures = timelines.map((timeline) => ({
    name: `timeline-${timeline.point}-${timeline.program.split(" ")[0]}`,
    chart: drawTimeline(timeline, wholeOf(timeline), FILE_WIDTH),
  }));
  for (const { name, chart } of [...allCharts(results, axes), ...pictures]) {
    const drawing = svgFile(chart.title, [chart]);
    if (svg !== undefined) keep(svg, `${name}.svg`, drawing);
    if (png !== undefined) keep(png, `${name}.png`, await pngOf(drawing));
  }
  return written;
}

/** Of the points that are asked for, by their numbers. @throws InputError for one that is not in the CSV, or no more what its row says */
function timelinesIn(
  list: string | undefined,
  { header, rows }: CsvTable,
  path: string,
  reproducer: Reproducer,
): Timeline[] {
  if (list === undefined) return [];
  return [...new Set(list.split(","))].flatMap((text) => {
    const index = String(wholeNumber(text, "--timeline", 1));
    const row = rows.find((cells) => cells[header.indexOf("point")] === index);
    if (row === undefined) throw new InputError(path, `has no point ${index}, which --timeline asks for`);
    return timelinesOf(
      reproducer.pointOf(Object.fromEntries(header.map((name, c) => [name, row[c]!])), path),
    );
  });
}

function pageOf(
  results: Results,
  axes: Axes,
  question: string,
  path: string,
  timelines: readonly Timeline[],
): string {
  const built = (file: string) => readText(join(PACKAGE, "dist", "report", "sweep", file));
  const text = { question, origin: `shiftline ${version()}: shiftline report ${basename(path)}` };
  return sweepPage(results, axes, text, { script: built("page.js"), style: built("page.css") }, timelines);
}
