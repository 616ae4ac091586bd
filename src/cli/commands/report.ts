import { basename, join } from "node:path";
import { writeWhole } from "../../base/files.ts";
import { PACKAGE, version } from "../../base/package.ts";
import { readText } from "../../base/yaml.ts";
import { parseCsv } from "../../report/csv.ts";
import { svgFile } from "../../report/drawing.ts";
import { pngOf } from "../../report/png.ts";
import { type Axes, allCharts, chooseAxes } from "../../report/sweep/charts.ts";
import { sweepPage } from "../../report/sweep/html.ts";
import { type Results, resultsOf } from "../../report/sweep/results.ts";
import { FACTS } from "../../sweep/columns.ts";
import { defineCommand, STATUS, UsageError } from "../command.ts";
import { toJson } from "../layout.ts";
import { json } from "../options.ts";
import { Reproducer } from "../reproduce.ts";

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
      .option("json", json)
      .example("$0 report results/g2p.csv", "results/g2p.html, for a browser")
      .example("$0 report results/g2p.csv --svg charts --x energy_uj_per_word", "files for a paper"),
  async run(args, io) {
    const { results: path } = args;
    const table = parseCsv(readText(path), path);
    const reproducer = new Reproducer(args.experiment);
    const results = resultsOf(table, path, FACTS, (cells) => reproducer.commandOf(cells));
    const axes = chooseAxes(results, path, args);
    const written = await writeCharts(args, results, axes);
    const page =
      args.out ?? (args.svg === undefined && args.png === undefined ? pageBeside(path) : undefined);
    if (page !== undefined) {
      if (page === path) throw new UsageError("--out is the CSV itself");
      writeWhole(page, pageOf(results, axes, reproducer.question, path));
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
async function writeCharts({ svg, png }: Folders, results: Results, axes: Axes): Promise<string[]> {
  const written: string[] = [];
  if (svg === undefined && png === undefined) return written;
  const keep = (folder: string, name: string, data: string | Uint8Array) => {
    const path = join(folder, name);
    writeWhole(path, data);
    written.push(path);
  };
  for (const { name, chart } of allCharts(results, axes)) {
    const drawing = svgFile(chart.title, [chart]);
    if (svg !== undefined) keep(svg, `${name}.svg`, drawing);
    if (png !== undefined) keep(png, `${name}.png`, await pngOf(drawing));
  }
  return written;
}

function pageOf(results: Results, axes: Axes, question: string, path: string): string {
  const built = (file: string) => readText(join(PACKAGE, "dist", "report", "sweep", file));
  const text = { question, origin: `shiftline ${version()}: shiftline report ${basename(path)}` };
  return sweepPage(results, axes, text, { script: built("page.js"), style: built("page.css") });
}
