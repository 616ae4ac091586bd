import { writeWhole } from "../../base/files.ts";
import { ceilDiv } from "../../fixed/round.ts";
import {
  floorsOf,
  type LayerFigures,
  limitOf,
  type Profile,
  profileOf,
  type Spent,
  STARTS,
  sumOfProfiles,
} from "../../machine/profile.ts";
import { rooflineSvg } from "../../report/roofline.ts";
import { type PointReport, runPoint } from "../../sweep/point-report.ts";
import { chosenPoint, mapperOption, POINT_LISTS, pointOptions } from "../chosen.ts";
import { defineCommand, STATUS } from "../command.ts";
import { grouped, layOut, toJson } from "../layout.ts";
import { mappingText } from "../mapping.ts";
import { json, wholeNumber } from "../options.ts";
import { nounsOf, titleOf } from "../point.ts";

export const profile = defineCommand({
  command: "profile [experiment]",
  describe: "Tell where the cycles of a word go: by layer, by operation, by cause, and each layer's bound",
  lists: POINT_LISTS,
  builder: (y) =>
    pointOptions(y)
      .option("mapper", mapperOption)
      .option("words", { type: "string", requiresArg: true, describe: "how many words to run" })
      .option("svg", { type: "string", requiresArg: true, describe: "write the roofline as a picture" })
      .option("json", json)
      .example("$0 profile", "the default point")
      .example("$0 profile --arch dot16x16 --svg roofline.svg", "an adder tree, with its roofline"),
  run(args, io) {
    const words = args.words === undefined ? undefined : wholeNumber(args.words, "--words", 1);
    const { experiment, point } = chosenPoint(args, words);
    const measured = measure(runPoint(experiment, point));
    io.out(args.json ? toJson(documentOf(measured)) : reportOf(measured));
    if (args.svg !== undefined) {
      writeWhole(args.svg, pictureOf(measured));
      io.err(`wrote ${args.svg}\n`);
    }
    return STATUS.done;
  },
});

/** A point's profile: the load's cycles, and of everything after it the sum over all samples. */
interface Measured {
  readonly report: PointReport;
  /** Of what the model's nouns name. */
  readonly count: number;
  readonly warm: Profile;
}

function measure(report: PointReport): Measured {
  const { arch } = report.row.point;
  const [, ...rest] = report.programs;
  const parts = rest
    .filter(({ times }) => times > 0)
    .map(({ program, times }) => ({ profile: profileOf(program, arch), times }));
  return { report, count: report.row.facts.count, warm: sumOfProfiles(parts) };
}

/** The largest share first; names decide between equals. */
const ranked = <F extends Spent>(entries: ReadonlyMap<string, F>): (readonly [string, F])[] =>
  [...entries].sort(([a, { cycles: x }], [b, { cycles: y }]) => y - x || (a < b ? -1 : 1));

const percent = (part: number, whole: number): string =>
  whole === 0 ? "-" : ((100 * part) / whole).toFixed(1);
const mean = (sum: number, count: number): string => grouped(Number((sum / count).toFixed(0)));
const ratio = (part: number, whole: number): string =>
  part === 0 || whole === 0 ? "-" : (part / whole).toFixed(2);

const SPENT_HEADING = ["instructions", "cycles", "%", "issue", "dram", "work", "pipeline"];

/** What an instruction waits for last, in words. */
const START_WORDS: Readonly<Record<(typeof STARTS)[number], string>> = {
  issue: "issue: nothing, once it is issued",
  unit: "unit: the instruction before it",
  operands: "operands: spans that others owe or read",
  bank: "bank: a port of an activation bank",
  chain: "chain: the second of its two units",
};

function reportOf({ report, count, warm }: Measured): string {
  const { one, many } = nounsOf(report);
  const { settings } = report.row.point.arch;
  const spent = (title: string, entries: readonly (readonly [string, Spent])[]): string =>
    table([
      [title, ...SPENT_HEADING],
      ...entries.map(([name, { instructions, cycles, issue, dram, work, pipeline }]) => [
        name,
        mean(instructions, count),
        mean(cycles, count),
        percent(cycles, warm.cycles),
        ...[issue, dram, work, pipeline].map((part) => mean(part, count)),
      ]),
    ]);
  const starts = STARTS.flatMap((start) => {
    const of = warm.starts.get(start);
    return of === undefined ? [] : [[START_WORDS[start], of] as const];
  });
  return [
    `${titleOf(report)}\n`,
    `${grouped(count)} ${many}; ${mean(warm.cycles, count)} cycles a ${one} on average, `,
    `behind a load of ${grouped(report.row.cost.load.cycles)} once a job\n`,
    `\ncycles a ${one}, by layer: how far its instructions push the end, and what passes meanwhile\n`,
    spent("", ranked(warm.layers)),
    "\nby operation\n",
    spent("", ranked(warm.operations)),
    "\nby what an instruction waits for last before it starts\n",
    spent("", starts),
    `\na ${one}'s layers under the roofline\n`,
    rooflineTable(warm, count, settings),
    "\n",
    layOut(NOTES, { indent: "  " }),
    "\nmapping\n",
    mappingText(report.job.mapping, "  "),
  ].join("");
}

const table = (rows: readonly (readonly string[])[]): string =>
  layOut(rows, { indent: "  ", right: [1, 2, 3, 4, 5, 6, 7] });

const NOTES: readonly (readonly [string, string])[] = [
  ["cycles", "by how much an instruction ends later than all before it: these shares add up to the run"],
  ["issue", "of them, those until it was issued; dram: until a transfer's first byte; work: its beats;"],
  ["", "pipeline: until its results can be read"],
  ["active", "cycles in which an instruction of the layer is under way: utilization and bound are of these"],
  ["MAC/byte", "of DRAM; of weight SRAM where a layer moves no byte of DRAM"],
  [
    "bound",
    "the resource that a layer needs for most of its active cycles, and for how many %; if under a half,",
  ],
  [
    "",
    "array: folding, filling and draining the array takes half of them, latency: waiting for results does",
  ],
];

type Arch = PointReport["row"]["point"]["arch"]["settings"];

function rooflineTable(warm: Profile, count: number, settings: Arch): string {
  const rows = ranked(warm.layers).map(([name, layer]) => {
    const { activeCycles, macs, dramBytes, weightBytes, activationBytes } = layer;
    return [
      name,
      ...[activeCycles, macs].map((sum) => mean(sum, count)),
      macs === 0 ? "-" : percent(floorsOf(layer, settings).mac, activeCycles),
      ...[dramBytes, weightBytes, activationBytes].map((sum) => mean(sum, count)),
      ratio(macs, dramBytes === 0 ? layer.weightReadBytes : dramBytes),
      limitText(layer, settings),
    ];
  });
  const heading = ["", "active", "MACs", "util %", "DRAM B", "weight B", "act. B", "MAC/byte", "bound, %"];
  return layOut([heading, ...rows], { indent: "  ", right: [1, 2, 3, 4, 5, 6, 7] });
}

/** `mac 68.7` of a layer at a roofline, `latency; mac 47.7` of one below all of them. */
function limitText(layer: LayerFigures, settings: Arch): string {
  const { bound, roof, cycles } = limitOf(layer, settings);
  const nearest = `${roof} ${percent(cycles, layer.activeCycles)}`;
  return bound === roof ? nearest : `${bound}; ${nearest}`;
}

function documentOf({ report, count, warm }: Measured) {
  const { one, many } = nounsOf(report);
  const { arch } = report.row.point;
  const shared = (spent: Spent) => ({ ...spent, pct: Number(percent(spent.cycles, warm.cycles)) });
  return {
    experiment: report.row.experiment,
    point: report.row.point.index,
    arch: arch.name,
    [many]: count,
    loadCycles: report.row.cost.load.cycles,
    cycles: warm.cycles,
    [`cyclesPer${one.replace(/^./, (first) => first.toUpperCase())}`]: warm.cycles / count,
    mapping: report.job.mapping,
    layers: ranked(warm.layers).map(([layer, figures]) => ({
      layer,
      ...shared(figures),
      utilizationPct: Number(percent(floorsOf(figures, arch.settings).mac, figures.activeCycles)),
      intensity: intensityOf(figures),
      rooflines: floorsOf(figures, arch.settings),
      ...limitIn(figures, arch.settings),
    })),
    operations: ranked(warm.operations).map(([operation, spent]) => ({ operation, ...shared(spent) })),
    starts: ranked(warm.starts).map(([start, spent]) => ({ start, ...shared(spent) })),
  };
}

const limitIn = (figures: LayerFigures, settings: Arch) => {
  const { bound, roof, cycles } = limitOf(figures, settings);
  return { bound, roof, roofPct: Number(percent(cycles, figures.activeCycles)) };
};

/** MACs for each byte of a memory; null where it moves none. */
function intensityOf({ macs, dramBytes, weightReadBytes, activationBytes }: LayerFigures) {
  const per = (bytes: number) => (bytes === 0 ? null : macs / bytes);
  return { dram: per(dramBytes), weight: per(weightReadBytes), activation: per(activationBytes) };
}

/** Names on a line below the picture. */
const NAMES_A_LINE = 5;

/** The roofline of the layers that multiply; the others are named below it. */
function pictureOf({ report, count, warm }: Measured): string {
  const { settings } = report.row.point.arch;
  const layers = ranked(warm.layers);
  const idle = layers
    .filter(([, { macs }]) => macs === 0)
    .map(([layer, { cycles }]) => `${layer} ${percent(cycles, warm.cycles)}%`);
  const idleLines = Array.from({ length: ceilDiv(idle.length, NAMES_A_LINE) }, (_, i) =>
    idle.slice(i * NAMES_A_LINE, (i + 1) * NAMES_A_LINE).join(", "),
  );
  const sumOf = (figure: "macs" | "multiplierCycles"): number =>
    layers.reduce((sum, [, layer]) => sum + layer[figure], 0);
  const multipliers = settings["mac.rows"] * settings["mac.columns"];
  return rooflineSvg({
    title: `${titleOf(report)}: roofline`,
    peak: {
      name: "the array",
      macsPerCycle: (multipliers * sumOf("macs")) / sumOf("multiplierCycles"),
    },
    memories: [
      { name: "weight SRAM", bytesPerCycle: settings["weight.bytesPerCycle"] },
      { name: "DRAM", bytesPerCycle: settings["dram.bytesPerCycle"] },
      { name: "activation port", bytesPerCycle: settings["activation.bytesPerCycle"] },
    ],
    layers: layers.map(([layer, figures]) => ({
      name: layer,
      macs: figures.macs,
      cycles: figures.activeCycles,
      bytes: [figures.weightReadBytes, figures.dramBytes, figures.macStream],
    })),
    notes: [
      `${grouped(count)} ${nounsOf(report).many}, ${mean(warm.cycles, count)} cycles each; at a name: % of the peak, while the layer is active`,
      ...(idle.length > 0 ? ["without MACs, % of all cycles:", ...idleLines] : []),
    ],
  });
}
