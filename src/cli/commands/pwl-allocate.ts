import type { Metric, Scores } from "../../model/model.ts";
import { modelOf } from "../../model/table.ts";
import { TABLE_SITES } from "../../quant/sites.ts";
import type { Column } from "../../report/column.ts";
import { toCsv } from "../../report/csv.ts";
import { chosenPoint, POINT_LISTS, pointOptions } from "../chosen.ts";
import { defineCommand, type Io, STATUS, UsageError } from "../command.ts";
import { layOut, toJson } from "../layout.ts";
import { json, wholeNumber } from "../options.ts";
import { progressOn } from "../progress.ts";
import {
  type AllocateOptions,
  type Allocation,
  allocatePieces,
  type SiteReport,
} from "../pwl/sensitivity.ts";

const DEFAULT_WORKERS = "2";

export const pwlAllocate = defineCommand({
  command: "allocate [experiment]",
  describe: "Spend a budget of pieces over the sites of a model so that it loses the least",
  depth: 2,
  lists: POINT_LISTS,
  builder: (y) =>
    pointOptions(y)
      .option("budget", {
        type: "string",
        requiresArg: true,
        demandOption: true,
        describe: "pieces of the tables of all sites together",
      })
      .option("levels", {
        type: "string",
        requiresArg: true,
        default: "2,3,4,6,8,12,16,24,32",
        describe: "pieces that each site is measured at, the others meanwhile at the most of them",
      })
      .option("words", {
        type: "string",
        requiresArg: true,
        describe: "how many samples are scored, and how many others the sites are measured on",
      })
      .option("workers", { type: "string", requiresArg: true, default: DEFAULT_WORKERS, describe: "threads" })
      .option("json", json)
      .option("csv", { type: "boolean", default: false, describe: "print what was measured as a CSV" })
      .example("$0 pwl allocate g2p --budget 56", "eight pieces a site, spent where they count"),
  async run(args, io) {
    const words = args.words === undefined ? undefined : wholeNumber(args.words, "--words", 1);
    const budget = wholeNumber(args.budget, "--budget", 1);
    const levels = levelsOf(args.levels);
    const workers = wholeNumber(args.workers, "--workers", 0);
    if (args.json && args.csv) throw new UsageError("--json and --csv print different things");
    const chosen = chosenPoint(args, words);
    const found = await told(io, (onProgress) =>
      allocatePieces(chosen, { budget, levels, workers, onProgress }),
    );
    const { subject } = chosen.point;
    const { nouns, calibrationSplit } = modelOf(subject.model);
    if (args.json) io.out(toJson({ model: subject.model, budget, ...documentOf(found) }));
    else if (args.csv) io.out(toCsv(columnsOf(found.metric), rowsOf(found)));
    else {
      io.out(
        `${budget} pieces over the sites of ${subject.model}; sites measured on ${subject.samples} ${calibrationSplit} ${nouns.many}\n\n`,
      );
      io.out(allocationText(found, `${subject.samples} ${subject.split} ${nouns.many}`));
    }
    return STATUS.done;
  },
});

/** @throws UsageError for words that are not numbers of pieces, or fewer than two different ones */
function levelsOf(list: string): readonly number[] {
  const levels = [...new Set(list.split(",").map((word) => wholeNumber(word, "--levels", 1)))];
  if (levels.length < 2) throw new UsageError(`--levels takes two numbers or more, not "${list}"`);
  return levels.sort((a, b) => a - b);
}

async function told(
  io: Io,
  work: (onProgress: AllocateOptions["onProgress"]) => Promise<Allocation>,
): Promise<Allocation> {
  const progress = progressOn(io);
  try {
    return await work(progress.update);
  } finally {
    progress.stop();
  }
}

const percent = (share: number, decimals = 2): string => (100 * share).toFixed(decimals);
const valueText = ({ unit }: Metric, value: number): string =>
  unit === "%" ? percent(value) : value.toFixed(3);

/** What the measurement at so many pieces says; nothing for a number that was not measured. */
const at = ({ measured }: SiteReport, pieces: number) => measured.find((one) => one.pieces === pieces);

function allocationText({ metric, sites, scores }: Allocation, samples: string): string {
  const { name } = metric;
  const rows = sites.map((report) => {
    const own = at(report, report.pieces)!;
    return [
      report.site,
      ...[String(report.pieces), percent(own.changed), valueText(metric, own.loss), String(report.equal)],
      TABLE_SITES[report.site],
    ];
  });
  const total = (of: (report: SiteReport) => number) => String(sites.reduce((sum, one) => sum + of(one), 0));
  const totals = ["together", total(({ pieces }) => pieces), "", "", total(({ equal }) => equal), ""];
  const head = ["site", "pieces", "% changed alone", `${name} lost alone`, "equal split", "what it is"];
  const line = (words: string, one: Scores) => [words, valueText(metric, one[name]!)];
  return [
    layOut([head, ...rows, totals], { right: [1, 2, 3, 4] }),
    `\n${metric.label}, ${samples}\n`,
    layOut(
      [
        line("allocated", scores.allocated),
        line("equal split", scores.equal),
        line("finest tables", scores.finest),
        line("float", scores.float),
      ],
      { right: [1], indent: "  " },
    ),
  ].join("");
}

function documentOf({ metric, sites, scores }: Allocation) {
  return {
    metric: metric.name,
    sites: sites.map(({ site, pieces, equal, measured }) => ({ site, pieces, equal, measured })),
    scores,
  };
}

type Row = { readonly report: SiteReport; readonly pieces: number };

const rowsOf = ({ sites }: Allocation): Row[] =>
  sites.flatMap((report) => report.measured.map(({ pieces }) => ({ report, pieces })));

const columnsOf = ({ name }: Metric): Column<Row>[] => {
  const column = (title: string, doc: string, of: (row: Row) => number | string): Column<Row> => ({
    ...{ name: title, doc, of },
    ...{ unit: "", show: "always" },
  });
  return [
    column("site", "of the tables", ({ report }) => report.site),
    column("pieces", "of its tables, all others at the finest", ({ pieces }) => pieces),
    column("changed_pct", "outputs that are not the finest tables'", ({ report, pieces }) =>
      percent(at(report, pieces)!.changed, 4),
    ),
    column(`${name}_lost_pct`, "what that adds to the metric", ({ report, pieces }) =>
      percent(at(report, pieces)!.loss, 4),
    ),
    column("chosen", "yes where the budget was spent so", ({ report, pieces }) =>
      report.pieces === pieces ? "yes" : "no",
    ),
  ];
};
