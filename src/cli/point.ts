import type { Settings } from "../arch/fields.ts";
import { UNITS } from "../isa/define.ts";
import { AREA_PARTS, areaOf, BASELINES } from "../machine/area.ts";
import { BASELINE_BITS } from "../machine/baseline.ts";
import { STALL_CAUSES } from "../machine/clock.ts";
import { MEMORIES } from "../machine/tally.ts";
import type { Timing } from "../machine/timing.ts";
import type { FloatCosts } from "../sweep/baseline.ts";
import type { PointReport } from "../sweep/run.ts";
import { grouped, layOut } from "./layout.ts";
import { mappingText } from "./mapping.ts";

/** One point, for a person: what it gets right, where its cycles, bytes and picojoules go, and what that rests on. */
export function pointText(report: PointReport): string {
  const { row } = report;
  const { arch, changes, index, recipeName } = row.point;
  const head = [`${row.experiment}, point ${index}: ${arch.name}`, recipeName, changes]
    .filter(Boolean)
    .join(", ");
  return [
    `${head}\n`,
    section("accuracy", accuracy(report)),
    section(`time at ${arch.settings["clock.mhz"]} MHz`, time(report)),
    section("units, % of the cycles after the load", units(row.cost.warm)),
    section("least cycles a word, were all else free", floors(report)),
    section("bytes a word", traffic(report)),
    section("energy a word", energy(report)),
    section("area at 45 nm", area(report)),
    section("the same model in floats", floats(report)),
    section("mapping", mappingText(report.job.mapping, INDENT)),
    section("assumptions", assumptions(report)),
  ].join("\n");
}

const INDENT = "  ";
const section = (title: string, body: string): string => `${title}\n${body}`;
const rightFrom1 = [1, 2, 3, 4, 5, 6, 7];
const table = (rows: readonly (readonly string[])[], right: readonly number[] = rightFrom1): string =>
  layOut(rows, { indent: INDENT, right });

const percent = (part: number, whole: number, decimals = 1): string =>
  whole === 0 ? "-" : ((100 * part) / whole).toFixed(decimals);
/** A mean over words, to the whole unit. */
const mean = (sum: number, words: number): string => grouped(Number((sum / words).toFixed(0)));

function accuracy({ row }: PointReport): string {
  const rates = ([key, name]: readonly ["per" | "wer", string]) => [
    name,
    percent(row.accuracy[key], 1, 2),
    percent(row.reference[key], 1, 2),
  ];
  return [
    table([
      ["%", "integer", "float"],
      rates(["per", "phones wrong (PER)"]),
      rates(["wer", "words wrong (WER)"]),
      ["phones as in float", percent(row.accuracy.agreement, 1, 2)],
    ]),
    `${INDENT}${grouped(row.subject.words)} words; ${grouped(row.accuracy.saturations)} results saturated, `,
    `${grouped(row.accuracy.overflows)} accumulators overflowed\n`,
  ].join("");
}

function time({ row, programs }: PointReport): string {
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
      line("a word, on average", warm.cycles, row.subject.words),
      line("the whole job", load.cycles + warm.cycles, 1),
    ]),
    `${INDENT}${grouped(programs.length)} programs, invoked ${grouped(invoked)} times, `,
    `${grouped(load.issued + warm.issued)} instructions\n`,
  ].join("");
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
  const { words } = row.subject;
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
    ...lines.map(([name, cycles]) => [name, mean(cycles, words), percent(cycles, warm.cycles)]),
  ]);
}

function traffic({ row }: PointReport): string {
  const rows = MEMORIES.map((memory) => {
    const { readBytes, writeBytes } = row.cost.warm.traffic[memory];
    return [memory, mean(readBytes, row.subject.words), mean(writeBytes, row.subject.words)];
  });
  return table([["", "read", "written"], ...rows]);
}

const PICO_PER_MICRO = 1e6;

function energy({ row }: PointReport): string {
  const { total, ...parts } = row.cost.warm.energyPj;
  const line = (name: string, pj: number) => [
    name,
    (pj / PICO_PER_MICRO / row.subject.words).toFixed(3),
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
function floats({ row }: PointReport): string {
  const { cost, facts } = row;
  const line = (name: string, cycles: number, bytes: number, resident: number) => [
    name,
    mean(cycles, row.subject.words),
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
    ["", "cycles a word", "speed-up", "model bytes", "size", "weights on chip"],
    line("integer", cost.warm.cycles, cost.modelBytes, cost.residentWeightBytes),
    ...rows,
  ]);
}

function assumptions({ row, job }: PointReport): string {
  const { settings } = row.point.arch;
  const { words, split, calibrationWords } = row.subject;
  const { modelBytes, residentWeightBytes } = row.cost;
  const facts = [
    ["batch", "1: one word at a time, its programs one after another; the host's time is not counted"],
    [
      "words",
      `${grouped(words)} of the ${split} words, evenly spaced; ranges from ${calibrationWords} validation words`,
    ],
    [
      "weights",
      `a model of ${grouped(modelBytes)} bytes; ${grouped(residentWeightBytes)} of weights stay in weight SRAM once loaded, what does not is streamed at every use`,
    ],
    ["array", arrayFact(settings)],
    [
      "DRAM",
      `${settings["dram.latency"]} cycles to the first byte, ${settings["dram.bytesPerCycle"]} bytes a cycle, bursts of ${settings["dram.burst"]}; no rows, no refresh`,
    ],
    [
      "lengths",
      `a program for each of ${job.programs.size} word lengths; at most ${job.maxSteps} steps, one for each phone and one for the end`,
    ],
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
