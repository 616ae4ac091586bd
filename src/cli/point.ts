import type { Settings } from "../arch/fields.ts";
import { UNITS } from "../isa/define.ts";
import { AREA_PARTS, areaOf, BASELINES } from "../machine/area.ts";
import { BASELINE_BITS } from "../machine/baseline.ts";
import { STALL_CAUSES } from "../machine/clock.ts";
import { MEMORIES } from "../machine/tally.ts";
import type { Timing } from "../machine/timing.ts";
import { valueIn } from "../model/model.ts";
import { modelOf } from "../model/table.ts";
import type { FloatCosts } from "../sweep/baseline.ts";
import type { PointReport } from "../sweep/point-report.ts";
import { grouped, layOut } from "./layout.ts";
import { mappingText } from "./mapping.ts";

/** One point, for a person: what it gets right, where its cycles, bytes and picojoules go, and what that rests on. */
export function pointText(report: PointReport): string {
  const { row } = report;
  const { arch } = row.point;
  const { one } = nounsOf(report);
  return [
    `${titleOf(report)}\n`,
    section("accuracy", accuracy(report)),
    section(`time at ${arch.settings["clock.mhz"]} MHz`, time(report)),
    section("units, % of the cycles after the load", units(row.cost.warm)),
    section(`least cycles a ${one}, were all else free`, floors(report)),
    section(`bytes a ${one}`, traffic(report)),
    section(`energy a ${one}`, energy(report)),
    section("area at 45 nm", area(report)),
    section("the same model in floats", floats(report)),
    section("mapping", mappingText(report.job.mapping, INDENT)),
    section("assumptions", assumptions(report)),
  ].join("\n");
}

/** The point, for the first line of a report. */
export function titleOf({ row }: PointReport): string {
  const { arch, changes, index, recipeName } = row.point;
  return [`${row.experiment}, point ${index}: ${arch.name}`, recipeName, changes].filter(Boolean).join(", ");
}

/** What the model's samples are called. */
export const nounsOf = ({ row }: PointReport) => modelOf(row.point.subject.model).nouns;

const INDENT = "  ";
const section = (title: string, body: string): string => `${title}\n${body}`;
const rightFrom1 = [1, 2, 3, 4, 5, 6, 7];
const table = (rows: readonly (readonly string[])[], right: readonly number[] = rightFrom1): string =>
  layOut(rows, { indent: INDENT, right });

const percent = (part: number, whole: number, decimals = 1): string =>
  whole === 0 ? "-" : ((100 * part) / whole).toFixed(decimals);
/** A mean over samples, to the whole unit. */
const mean = (sum: number, count: number): string => grouped(Number((sum / count).toFixed(0)));

function accuracy(report: PointReport): string {
  const { accuracy, reference, facts, point } = report.row;
  const { metrics } = modelOf(point.subject.model);
  const units = new Set(metrics.map(({ unit }) => unit));
  const rows = metrics.map((metric) => {
    const columns = metric.isRelative === true ? [accuracy.scores] : [accuracy.scores, reference];
    return [metric.label, ...columns.map((scores) => valueIn(metric, scores).toFixed(2))];
  });
  return [
    table([[units.size === 1 ? metrics[0]!.unit : "", "integer", "float"], ...rows]),
    `${INDENT}${grouped(facts.count)} ${nounsOf(report).many}; ${grouped(accuracy.saturations)} results saturated, `,
    `${grouped(accuracy.overflows)} accumulators overflowed\n`,
  ].join("");
}

function time(report: PointReport): string {
  const { row, programs } = report;
  const { load, warm } = row.cost;
  const mhz = row.point.arch.settings["clock.mhz"];
  const line = (name: string, cycles: number, over: number) => [
    name,
    mean(cycles, over),
    (cycles / over / mhz).toFixed(1),
  ];
  const invoked = programs.reduce((sum, { times }) => sum + times, 0);
  return [
    table([
      ["", "cycles", "us"],
      line("load, once a job", load.cycles, 1),
      line(`a ${nounsOf(report).one}, on average`, warm.cycles, row.facts.count),
      line("the whole job", load.cycles + warm.cycles, 1),
    ]),
    `${INDENT}${grouped(programs.length)} programs, invoked ${grouped(invoked)} times, `,
    `${grouped(load.issued + warm.issued)} instructions\n`,
    zeroSkipText(report),
  ].join("");
}

/** What stands beside the cycles and is none of them: it depends on data. */
function zeroSkipText({ row }: PointReport): string {
  const kind = row.point.arch.settings["mac.zeroSkip"];
  if (kind === "none") return "";
  const saved = mean(row.accuracy.skippedCycles, row.facts.count);
  const operands = kind === "both" ? "weights and of activations" : kind;
  return `${INDENT}an estimate beside these: skipping zeros of ${operands} would save the array ${saved} cycles each\n`;
}

function units({ cycles, units }: Timing): string {
  const rows = UNITS.map((name) => {
    const { busyCycles, stalledCycles, idleCycles } = units[name];
    const shares = [busyCycles, ...STALL_CAUSES.map((cause) => stalledCycles[cause]), idleCycles];
    return [name, ...shares.map((share) => percent(share, cycles))];
  });
  const waits = STALL_CAUSES.map((cause) => `wait: ${cause}`);
  return table([["", "busy", ...waits, "idle"], ...rows]);
}

/** What each resource alone would need: the roofline's lines, in cycles. */
function floors({ row }: PointReport): string {
  const { warm } = row.cost;
  const { count } = row.facts;
  const { settings } = row.point.arch;
  const moved = (memory: "dram" | "weight") =>
    warm.traffic[memory].readBytes + warm.traffic[memory].writeBytes;
  const lines: (readonly [string, number])[] = [
    ["MACs at the array's peak", warm.leastMacCycles],
    ["weight SRAM at its bandwidth", warm.traffic.weight.readBytes / settings["weight.bytesPerCycle"]],
    ["DRAM at its bandwidth", moved("dram") / settings["dram.bytesPerCycle"]],
    ["issue, one instruction a cycle", warm.issued],
    ["as scheduled", warm.cycles],
  ];
  return table([
    ["", "cycles", "% of the schedule"],
    ...lines.map(([name, cycles]) => [name, mean(cycles, count), percent(cycles, warm.cycles)]),
  ]);
}

function traffic({ row }: PointReport): string {
  const rows = MEMORIES.map((memory) => {
    const { readBytes, writeBytes } = row.cost.warm.traffic[memory];
    return [memory, mean(readBytes, row.facts.count), mean(writeBytes, row.facts.count)];
  });
  return table([["", "read", "written"], ...rows]);
}

const PICO_PER_MICRO = 1e6;

function energy({ row }: PointReport): string {
  const { total, ...parts } = row.cost.warm.energyPj;
  const line = (name: string, pj: number) => [
    name,
    (pj / PICO_PER_MICRO / row.facts.count).toFixed(3),
    percent(pj, total),
  ];
  const rows = Object.entries({ ...parts, total }).map(([name, pj]) => line(name, pj));
  return table([["", "uJ", "%"], ...rows]);
}

/** Square nanometres in a square millimetre. */
const NM2_PER_MM2 = 1e12;

function area({ row }: PointReport): string {
  const { parts, total, notCounted } = areaOf(row.point.arch.settings);
  const line = (name: string, nm2: number) => [name, (nm2 / NM2_PER_MM2).toFixed(4), percent(nm2, total)];
  const rows = [...AREA_PARTS.map((part) => line(part, parts[part])), line("total", total)];
  return `${table([["", "mm2", "%"], ...rows])}${INDENT}not counted: ${notCounted.join(", ")}\n`;
}

/** Speed and size against the float model on the machine with float units. */
function floats(report: PointReport): string {
  const { cost, facts } = report.row;
  const line = (name: string, cycles: number, bytes: number, resident: number) => [
    name,
    mean(cycles, facts.count),
    (cycles / cost.warm.cycles).toFixed(2),
    grouped(bytes),
    (bytes / cost.modelBytes).toFixed(2),
    grouped(resident),
  ];
  const rows = BASELINES.flatMap((float) => {
    const bytes = (facts.parameters * BASELINE_BITS[float]) / 8;
    const { equalArray, equalArea } = cost.floats[float];
    return ([equalArray, equalArea] as const).map(({ rows, columns, warmCycles, residentWeightBytes }) =>
      line(`${float.toUpperCase()}, ${rows} x ${columns}`, warmCycles, bytes, residentWeightBytes),
    );
  });
  return table([
    ["", `cycles a ${nounsOf(report).one}`, "speed-up", "model bytes", "size", "weights on chip"],
    line("integer", cost.warm.cycles, cost.modelBytes, cost.residentWeightBytes),
    ...rows,
  ]);
}

function assumptions({ row, job }: PointReport): string {
  const { settings } = row.point.arch;
  const { split, calibration } = row.point.subject;
  const { nouns, calibrationSplit, invocations } = modelOf(row.point.subject.model);
  const { one, many, drawn } = nouns;
  const { modelBytes, residentWeightBytes } = row.cost;
  const facts = [
    ["batch", `1: one ${one} at a time, its programs one after another; the host's time is not counted`],
    [
      many,
      `${grouped(row.facts.count)} of the ${split} ${many}, ${drawn}; ranges from ${calibration} ${calibrationSplit} ${many}`,
    ],
    [
      "weights",
      `a model of ${grouped(modelBytes)} bytes; ${grouped(residentWeightBytes)} of weights stay in weight SRAM once loaded, what does not is streamed at every use`,
    ],
    ["array", arrayFact(settings)],
    [
      "DRAM",
      `${settings["dram.latency"]} cycles to the first byte, ${settings["dram.bytesPerCycle"]} bytes a cycle, bursts of ${settings["dram.burst"]}; ${rowFact(settings, row.cost.warm)}`,
    ],
    ["lengths", invocations(job.stages.size)],
    ["energy", energyFact(settings)],
    [
      "area",
      "gates of our own synthesis at 0.798 um2, SRAM cells at 0.346 um2 a bit, float units as synthesized for TSMC 45 nm",
    ],
    ["floats", floatFact(row.cost.floats)],
  ];
  return table(facts, []);
}

function arrayFact(settings: Settings): string {
  const shape = `${settings["mac.rows"]} x ${settings["mac.columns"]}, ${settings["mac.dataflow"]}`;
  const preload =
    settings["mac.preload"] === "overlapped"
      ? "the next fold is loaded while the present one streams"
      : "each fold is loaded before it streams";
  return `${shape}; ${preload}`;
}

function rowFact(settings: Settings, { dramRows: { hits, misses, conflicts } }: Timing): string {
  if (settings["dram.pages"] === "no") return "no rows, no refresh";
  const interval = settings["dram.refreshInterval"];
  const refresh = interval === 0 ? "no refresh" : `refreshed every ${grouped(interval)} cycles`;
  return `rows of ${grouped(settings["dram.rowBytes"])} in ${settings["dram.banks"]} banks, ${refresh}: after the load ${grouped(hits)} rows were found open, ${grouped(misses)} banks closed, ${grouped(conflicts)} with another row`;
}

const energyFact = (settings: Settings): string =>
  settings["energy.idleCycle"] === 0
    ? "Horowitz, ISSCC 2014, 45 nm, per action; leakage and clock are not counted"
    : "Horowitz, ISSCC 2014, 45 nm, per action; a cycle of the core as energy.idleCycle says";

function floatFact(floats: FloatCosts): string {
  const grown = BASELINES.flatMap((float) =>
    Object.entries(floats[float].equalArray.grown).map(
      ([memory, factor]) =>
        `; ${float.toUpperCase()} is given ${factor} times the ${memory} SRAM, as it needs`,
    ),
  );
  return `the same programs at 32 or 16 bits: one float MAC an element a cycle, the same bandwidths, lanes and latencies, the pass over the accumulators without scales; first the same array, then what fits into the area of its MACs${grown.join("")}`;
}
