import { hashArch } from "../arch/spec.ts";
import { version } from "../base/package.ts";
import { type Timing, total } from "../machine/timing.ts";
import { type Metric, type Model, type Nouns, type Scores, valueIn } from "../model/model.ts";
import { hashRecipe } from "../quant/recipe.ts";
import type { Column } from "../report/column.ts";
import type { FloatCost } from "./baseline.ts";
import type { Row } from "./run.ts";

type Show = Column<Row>["show"];

const column = (
  name: string,
  unit: Column<Row>["unit"],
  show: Show,
  doc: string,
  of: Column<Row>["of"],
): Column<Row> => ({ name, unit, doc, show, of });

/** Every sample, and the load once. */
const whole = ({ cost }: Row): Timing =>
  total([
    { timing: cost.load, times: 1 },
    { timing: cost.warm, times: 1 },
  ]);

const percent = (share: number): string => (100 * share).toFixed(4);
const cyclesPerOne = ({ cost, facts }: Row): number => cost.warm.cycles / facts.count;
const microjoules = (picojoules: number): string => (picojoules / 1e6).toFixed(3);
const onChip = (row: Row, which: "readBytes" | "writeBytes"): number => {
  const { weight, activation, table } = whole(row).traffic;
  return weight[which] + activation[which] + table[which];
};
const dramBytes = ({ traffic: { dram } }: Timing): number => dram.readBytes + dram.writeBytes;

/** Where a row comes from. */
const ORIGIN: readonly Column<Row>[] = [
  column("experiment", "", "csv", "name of the experiment", (r) => r.experiment),
  column("point", "", "always", "number of the point in its experiment, from 1", (r) => r.point.index),
  column("model", "", "csv", "name of the model", (r) => r.subject.model),
  column("arch", "", "varying", "name of the machine's file", (r) => r.point.arch.name),
  column("arch_hash", "", "csv", "identity of all parameters of the machine", (r) => hashArch(r.point.arch)),
  column("recipe", "", "varying", "name of the recipe's file", (r) => r.point.recipeName),
  column("recipe_hash", "", "csv", "identity of all parameters of the recipe", (r) =>
    hashRecipe(r.point.recipe),
  ),
  column("mapper", "", "csv", "how tiles and residency are chosen: by rule, or by search", (r) => r.mapper),
  column(
    "changes",
    "",
    "always",
    "what departs from the files of machine and recipe",
    (r) => r.point.changes,
  ),
];

/** The settings that most questions are about; `changes` has the others. */
const SETTINGS: readonly Column<Row>[] = [
  column(
    "weight_bits",
    "bit",
    "csv",
    "weights of the recurrent and attention layers",
    (r) => r.point.recipe.weight_bits,
  ),
  column(
    "weight_scale",
    "",
    "csv",
    "one scale for each output, or one for a matrix",
    (r) => r.point.recipe.weight_scale,
  ),
  column(
    "activation_bits",
    "bit",
    "csv",
    "hidden states, gates, keys, queries",
    (r) => r.point.recipe.activation_bits,
  ),
  column("cell_bits", "bit", "csv", "cell states", (r) => r.point.recipe.cell_bits),
  column("pwl_pieces", "piece", "csv", "pieces of sigmoid, tanh and exp", (r) => r.point.recipe.pwl_pieces),
  column("pwl_method", "", "csv", "where the knots of the pieces go", (r) => r.point.recipe.pwl_method),
  column(
    "requantizer",
    "",
    "csv",
    "how the machine multiplies by a scale",
    (r) => r.point.arch.settings["requant.kind"],
  ),
  column(
    "requant_multiplier_bits",
    "bit",
    "csv",
    "width of the requantizer's multiplier; 0 where it has none",
    ({ point: { arch } }) =>
      arch.settings["requant.kind"] === "multiplier" ? arch.settings["requant.multiplierBits"] : 0,
  ),
  column("acc_bits", "bit", "csv", "width of an accumulator", (r) => r.point.arch.settings["acc.bits"]),
  column(
    "norm",
    "",
    "csv",
    "kind of the model's norms, and how they divide",
    (r) => `${r.facts.norm}/${r.point.recipe.norm_inverse}`,
  ),
  column("rows", "row", "csv", "rows of the MAC array", (r) => r.point.arch.settings["mac.rows"]),
  column("columns", "column", "csv", "columns of the MAC array", (r) => r.point.arch.settings["mac.columns"]),
  column("dataflow", "", "csv", "what stays in the MAC array", (r) => r.point.arch.settings["mac.dataflow"]),
];

const SAMPLES: readonly Column<Row>[] = [
  column("split", "", "csv", "the {many} that are scored come from here", (r) => r.subject.split),
  column("{many}", "count", "varying", "{many} scored of the split, {drawn}", (r) => r.facts.count),
];

/** What a metric's unit adds to a column's name. */
const SUFFIXES: Readonly<Record<Metric["unit"], string>> = { "%": "_pct", ratio: "" };

/** The model's figures, then the float model's; of those that compare the two there is one. */
function metricColumns(metrics: readonly Metric[]): Column<Row>[] {
  const text = (metric: Metric, scores: Scores) => valueIn(metric, scores).toFixed(4);
  const own = (metric: Metric): Column<Row> =>
    column(`${metric.name}${SUFFIXES[metric.unit]}`, metric.unit, "always", metric.doc, (r) =>
      text(metric, r.accuracy.scores),
    );
  const float = (metric: Metric): Column<Row> => ({
    ...own(metric),
    name: `${metric.name}_float${SUFFIXES[metric.unit]}`,
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
  ),
  column(
    "zero_skip_cycles_saved",
    "cycle",
    "varying",
    "cycles of the array that skipping zeros would save, over all {many}: an estimate that `cycles` leaves out; 0 where mac.zeroSkip is none",
    (r) => r.accuracy.skippedCycles,
  ),
];

const COST: readonly Column<Row>[] = [
  column("cycles", "cycle", "csv", "all {many}, the load included", (r) => whole(r).cycles),
  column(
    "load_cycles",
    "cycle",
    "csv",
    "loading tables and resident weights, once",
    (r) => r.cost.load.cycles,
  ),
  column("cycles_per_{one}", "cycle", "always", "mean over the {many}, without the load", (r) =>
    cyclesPerOne(r).toFixed(1),
  ),
  column("latency_us_per_{one}", "us", "csv", "the same at the machine's clock", (r) =>
    (cyclesPerOne(r) / r.point.arch.settings["clock.mhz"]).toFixed(3),
  ),
  column(
    "mac_utilization_pct",
    "%",
    "varying",
    "fewest cycles that the array needs for the MACs, over the cycles without the load",
    (r) => percent(r.cost.warm.leastMacCycles / r.cost.warm.cycles),
  ),
  column("dram_read_bytes", "byte", "csv", "all {many} and the load", (r) => whole(r).traffic.dram.readBytes),
  column(
    "dram_write_bytes",
    "byte",
    "csv",
    "all {many} and the load",
    (r) => whole(r).traffic.dram.writeBytes,
  ),
  column(
    "dram_bytes_per_{one}",
    "byte",
    "varying",
    "read and written, mean over the {many}, without the load",
    (r) => (dramBytes(r.cost.warm) / r.facts.count).toFixed(1),
  ),
  column(
    "dram_factor",
    "ratio",
    "csv",
    "DRAM bytes moved over the distinct bytes that each run of a program touches",
    (r) => (dramBytes(whole(r)) / whole(r).compulsoryDramBytes).toFixed(4),
  ),
  column(
    "sram_read_bytes",
    "byte",
    "csv",
    "weight, activation and table memory, all {many} and the load",
    (r) => onChip(r, "readBytes"),
  ),
  column(
    "sram_write_bytes",
    "byte",
    "csv",
    "weight, activation and table memory, all {many} and the load",
    (r) => onChip(r, "writeBytes"),
  ),
  column("energy_uj", "uJ", "csv", "all {many} and the load", (r) => microjoules(whole(r).energyPj.total)),
  column("energy_uj_per_{one}", "uJ", "always", "mean over the {many}, without the load", (r) =>
    microjoules(r.cost.warm.energyPj.total / r.facts.count),
  ),
  column(
    "model_bytes",
    "byte",
    "always",
    "weights, embeddings, biases, scales and tables, packed",
    (r) => r.cost.modelBytes,
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
  ),
  column(
    "size_vs_fp32",
    "ratio",
    "always",
    "the float model's bytes, 4 a parameter, over the model's bytes",
    (r) => ratio(4 * r.facts.parameters, r.cost.modelBytes),
  ),
  column("speedup_fp16", "ratio", "csv", "the same as speedup_fp32, in FP16", (r) =>
    speedup(r, r.cost.floats.fp16.equalArray),
  ),
  column(
    "speedup_fp32_equal_area",
    "ratio",
    "csv",
    "the same as speedup_fp32, the FP32 array being as large as the integer array's area allows",
    (r) => speedup(r, r.cost.floats.fp32.equalArea),
  ),
];

const PROVENANCE: readonly Column<Row>[] = [
  column(
    "seed",
    "",
    "csv",
    "which of the {many} that may be drawn the ranges come from",
    (r) => r.subject.seed,
  ),
  column(
    "calibration_{many}",
    "count",
    "csv",
    "{many} that the ranges were observed on",
    (r) => r.subject.calibration,
  ),
  column("data_hash", "", "csv", "identity of the weights and of all {many}", (r) => r.facts.hash),
  column("version", "", "csv", "version of this package", () => version()),
];

/** Every column of a sweep's CSV, in order: the same for all models but for their metrics and nouns. */
export function columnsOf({ metrics, nouns }: Model): readonly Column<Row>[] {
  const accuracy = [...SAMPLES, ...metricColumns(metrics), ...LIMITS];
  const all = [...ORIGIN, ...SETTINGS, ...accuracy, ...COST, ...FLOAT, ...PROVENANCE];
  return all.map((one) => ({ ...one, name: said(one.name, nouns), doc: said(one.doc, nouns) }));
}

/** A text about `{one}` or `{many}`, which are `{drawn}`, about a model's samples. */
const said = (text: string, { one, many, drawn }: Nouns): string =>
  text.replaceAll("{one}", one).replaceAll("{many}", many).replaceAll("{drawn}", drawn);
