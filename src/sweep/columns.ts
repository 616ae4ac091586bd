import { onceFor } from "../base/hash.ts";
import { version } from "../base/package.ts";
import { type Timing, total } from "../machine/timing.ts";
import { type Metric, type Model, type Nouns, type Scores, valueIn } from "../model/model.ts";
import { IMPORTED } from "../model/onnx/imported.ts";
import { MODEL_NAMES, modelOf } from "../model/table.ts";
import type { Column, ColumnFacts } from "../report/column.ts";
import type { FloatCost } from "./baseline.ts";
import { BREAKDOWN } from "./breakdown.ts";
import { column, HIGHER, IDENTITY, INCIDENTAL, LOWER } from "./column.ts";
import { ORIGIN, SETTING_COLUMNS } from "./origin.ts";
import type { Row } from "./run.ts";

/** Every sample, and the load once. Many columns ask for it. */
const whole = onceFor(
  ({ cost }: Row): Timing =>
    total([
      { timing: cost.load, times: 1 },
      { timing: cost.warm, times: 1 },
    ]),
);

const percent = (share: number): string => (100 * share).toFixed(4);
const cyclesPerOne = ({ cost, facts }: Row): number => cost.warm.cycles / facts.count;
const microjoules = (picojoules: number): string => (picojoules / 1e6).toFixed(3);
const onChip = (row: Row, which: "readBytes" | "writeBytes"): number => {
  const { weight, activation, table } = whole(row).traffic;
  return weight[which] + activation[which] + table[which];
};
const dramBytes = ({ traffic: { dram } }: Timing): number => dram.readBytes + dram.writeBytes;

const SAMPLES: readonly Column<Row>[] = [
  column(
    "split",
    "",
    "csv",
    "the {many} that are scored come from here",
    (r) => r.point.subject.split,
    IDENTITY,
  ),
  column("{many}", "count", "varying", "{many} scored of the split, {drawn}", (r) => r.facts.count, IDENTITY),
];

/** What a metric's unit adds to a column's name. */
const SUFFIXES: Readonly<Record<Metric["unit"], string>> = { "%": "_pct", ratio: "" };

const floatName = ({ name, unit }: Metric): string => `${name}_float${SUFFIXES[unit]}`;

/** The model's figures, then the float model's; of those that compare the two there is one. */
function metricColumns(metrics: readonly Metric[]): Column<Row>[] {
  const text = (metric: Metric, scores: Scores) => valueIn(metric, scores).toFixed(4);
  const own = (metric: Metric): Column<Row> =>
    column(
      `${metric.name}${SUFFIXES[metric.unit]}`,
      metric.unit,
      "always",
      metric.doc,
      (r) => text(metric, r.accuracy.scores),
      {
        better: metric.better,
        ...(metric.isRelative === true ? {} : { floatColumn: floatName(metric) }),
      },
    );
  const float = (metric: Metric): Column<Row> => ({
    name: floatName(metric),
    unit: metric.unit,
    show: "varying",
    doc: `${metric.doc} of the float model on these {many}`,
    of: (r) => text(metric, r.reference),
  });
  const absolute = metrics.filter((metric) => metric.isRelative !== true);
  const relative = metrics.filter((metric) => metric.isRelative === true);
  return [...absolute.map(own), ...absolute.map(float), ...relative.map(own)];
}

const LIMITS: readonly Column<Row>[] = [
  column(
    "saturations",
    "count",
    "csv",
    "results clamped to the range of their format, over all {many}",
    (r) => r.accuracy.saturations,
  ),
  column(
    "accumulator_overflows",
    "count",
    "varying",
    "accumulators that left their range at the end of an array pass, over all {many}",
    (r) => r.accuracy.overflows,
    LOWER,
  ),
  column(
    "zero_skip_cycles_saved",
    "cycle",
    "varying",
    "cycles of the array that skipping zeros would save, over all {many}: an estimate that `cycles` leaves out; 0 where mac.zeroSkip is none",
    (r) => r.accuracy.skippedCycles,
    HIGHER,
  ),
];

const COST: readonly Column<Row>[] = [
  column("cycles", "cycle", "csv", "all {many}, the load included", (r) => whole(r).cycles, LOWER),
  column(
    "load_cycles",
    "cycle",
    "csv",
    "loading tables and resident weights, once",
    (r) => r.cost.load.cycles,
    LOWER,
  ),
  column(
    "cycles_per_{one}",
    "cycle",
    "always",
    "mean over the {many}, without the load",
    (r) => cyclesPerOne(r).toFixed(1),
    LOWER,
  ),
  column(
    "latency_us_per_{one}",
    "us",
    "csv",
    "the same at the machine's clock",
    (r) => (cyclesPerOne(r) / r.point.arch.settings["clock.mhz"]).toFixed(3),
    LOWER,
  ),
  column(
    "macs_per_{one}",
    "count",
    "csv",
    "multiplications of the array, mean over the {many}, without the load",
    (r) => (r.cost.warm.macs / r.facts.count).toFixed(1),
  ),
  column(
    "mac_utilization_pct",
    "%",
    "varying",
    "fewest cycles that the array needs for the MACs, over the cycles without the load",
    (r) => percent(r.cost.warm.leastMacCycles / r.cost.warm.cycles),
    HIGHER,
  ),
  column(
    "dram_read_bytes",
    "byte",
    "csv",
    "all {many} and the load",
    (r) => whole(r).traffic.dram.readBytes,
    LOWER,
  ),
  column(
    "dram_write_bytes",
    "byte",
    "csv",
    "all {many} and the load",
    (r) => whole(r).traffic.dram.writeBytes,
    LOWER,
  ),
  column(
    "dram_bytes_per_{one}",
    "byte",
    "varying",
    "read and written, mean over the {many}, without the load",
    (r) => (dramBytes(r.cost.warm) / r.facts.count).toFixed(1),
    LOWER,
  ),
  column(
    "dram_factor",
    "ratio",
    "csv",
    "DRAM bytes moved over the distinct bytes that each run of a program touches",
    (r) => (dramBytes(whole(r)) / whole(r).compulsoryDramBytes).toFixed(4),
    LOWER,
  ),
  column(
    "sram_read_bytes",
    "byte",
    "csv",
    "weight, activation and table memory, all {many} and the load",
    (r) => onChip(r, "readBytes"),
    LOWER,
  ),
  column(
    "sram_write_bytes",
    "byte",
    "csv",
    "weight, activation and table memory, all {many} and the load",
    (r) => onChip(r, "writeBytes"),
    LOWER,
  ),
  column(
    "energy_uj",
    "uJ",
    "csv",
    "all {many} and the load",
    (r) => microjoules(whole(r).energyPj.total),
    LOWER,
  ),
  column(
    "energy_uj_per_{one}",
    "uJ",
    "always",
    "mean over the {many}, without the load",
    (r) => microjoules(r.cost.warm.energyPj.total / r.facts.count),
    LOWER,
  ),
  column(
    "model_bytes",
    "byte",
    "always",
    "weights, embeddings, biases, scales and tables, packed",
    (r) => r.cost.modelBytes,
    LOWER,
  ),
  column(
    "model_bytes_fp32",
    "byte",
    "csv",
    "the float model: 4 bytes a parameter",
    (r) => 4 * r.facts.parameters,
  ),
  column(
    "resident_weight_bytes",
    "byte",
    "csv",
    "weights that stay on chip; the others are streamed at every use",
    (r) => r.cost.residentWeightBytes,
  ),
];

const ratio = (baseline: number, own: number): string => (baseline / own).toFixed(3);
const speedup = ({ cost }: Row, { warmCycles }: FloatCost): string => ratio(warmCycles, cost.warm.cycles);

/** Against the float model on the same machine with float units: docs/energy.md has the terms. */
const FLOAT: readonly Column<Row>[] = [
  column(
    "speedup_fp32",
    "ratio",
    "always",
    "cycles of the same job in FP32 over the cycles, both without the load; equal array, equal bandwidth",
    (r) => speedup(r, r.cost.floats.fp32.equalArray),
    HIGHER,
  ),
  column(
    "size_vs_fp32",
    "ratio",
    "always",
    "the float model's bytes, 4 a parameter, over the model's bytes",
    (r) => ratio(4 * r.facts.parameters, r.cost.modelBytes),
    HIGHER,
  ),
  column(
    "speedup_fp16",
    "ratio",
    "csv",
    "the same as speedup_fp32, in FP16",
    (r) => speedup(r, r.cost.floats.fp16.equalArray),
    HIGHER,
  ),
  column(
    "speedup_fp32_equal_area",
    "ratio",
    "csv",
    "the same as speedup_fp32, the FP32 array being as large as the integer array's area allows",
    (r) => speedup(r, r.cost.floats.fp32.equalArea),
    HIGHER,
  ),
];

const PROVENANCE: readonly Column<Row>[] = [
  column(
    "seed",
    "",
    "varying",
    "which of the {many} that may be drawn the ranges come from",
    (r) => r.point.subject.seed,
    { ...IDENTITY, mayBeNumber: true },
  ),
  column(
    "calibration_{many}",
    "count",
    "varying",
    "{many} that the ranges were observed on",
    (r) => r.point.subject.calibration,
    IDENTITY,
  ),
  column(
    "model_hash",
    "",
    "csv",
    "identity of the weights: first digits of their file's SHA-256",
    (r) => r.facts.modelHash,
  ),
  column("data_hash", "", "csv", "identity of all {many}, those of calibration too", (r) => r.facts.dataHash),
  column("version", "", "csv", "version of this package", () => version(), INCIDENTAL),
];

/** Every column of a sweep's CSV, in order: the same for all models but for their metrics and nouns. */
export function columnsOf({ metrics, nouns }: Pick<Model, "metrics" | "nouns">): readonly Column<Row>[] {
  const accuracy = [...SAMPLES, ...metricColumns(metrics), ...LIMITS];
  const all = [...ORIGIN, ...SETTING_COLUMNS, ...accuracy, ...COST, ...BREAKDOWN, ...FLOAT, ...PROVENANCE];
  return all.map(({ partOf, ...one }) => ({
    ...one,
    name: said(one.name, nouns),
    doc: said(one.doc, nouns),
    ...(partOf === undefined ? {} : { partOf: said(partOf, nouns) }),
  }));
}

/** A text about `{one}` or `{many}`, which are `{drawn}`, about a model's samples. */
const said = (text: string, { one, many, drawn }: Nouns): string =>
  text.replaceAll("{one}", one).replaceAll("{many}", many).replaceAll("{drawn}", drawn);

/** What is known of the columns of all models' sweeps, by name: metrics of one name are one figure. */
export const FACTS: ReadonlyMap<string, ColumnFacts> = new Map(
  [...MODEL_NAMES.map(modelOf), IMPORTED].flatMap((model) =>
    columnsOf(model).map((column) => [column.name, column]),
  ),
);
