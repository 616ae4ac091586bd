import { hashArch } from "../arch/spec.ts";
import { version } from "../base/package.ts";
import { type Timing, total } from "../machine/timing.ts";
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

/** Every word, and the load once. */
const whole = ({ cost }: Row): Timing =>
  total([
    { timing: cost.load, times: 1 },
    { timing: cost.warm, times: 1 },
  ]);

const percent = (share: number): string => (100 * share).toFixed(4);
const cyclesPerWord = ({ cost, subject }: Row): number => cost.warm.cycles / subject.words;
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

const ACCURACY: readonly Column<Row>[] = [
  column("split", "", "csv", "the words that are scored come from here", (r) => r.subject.split),
  column("words", "count", "varying", "words scored, evenly spaced over the split", (r) => r.subject.words),
  column("per_pct", "%", "always", "phone error rate", (r) => percent(r.accuracy.per)),
  column("wer_pct", "%", "always", "word error rate", (r) => percent(r.accuracy.wer)),
  column("per_float_pct", "%", "varying", "phone error rate of the float model on these words", (r) =>
    percent(r.reference.per),
  ),
  column("wer_float_pct", "%", "varying", "word error rate of the float model on these words", (r) =>
    percent(r.reference.wer),
  ),
  column("agreement_pct", "%", "always", "phones equal to the float model's, position by position", (r) =>
    percent(r.accuracy.agreement),
  ),
  column(
    "saturations",
    "count",
    "csv",
    "results clamped to the range of their format, over all words",
    (r) => r.accuracy.saturations,
  ),
  column(
    "accumulator_overflows",
    "count",
    "varying",
    "accumulators that left their range at the end of an array pass, over all words",
    (r) => r.accuracy.overflows,
  ),
];

const COST: readonly Column<Row>[] = [
  column("cycles", "cycle", "csv", "all words, the load included", (r) => whole(r).cycles),
  column(
    "load_cycles",
    "cycle",
    "csv",
    "loading tables and resident weights, once",
    (r) => r.cost.load.cycles,
  ),
  column("cycles_per_word", "cycle", "always", "mean over the words, without the load", (r) =>
    cyclesPerWord(r).toFixed(1),
  ),
  column("latency_us_per_word", "us", "csv", "the same at the machine's clock", (r) =>
    (cyclesPerWord(r) / r.point.arch.settings["clock.mhz"]).toFixed(3),
  ),
  column(
    "mac_utilization_pct",
    "%",
    "varying",
    "fewest cycles that the array needs for the MACs, over the cycles without the load",
    (r) => percent(r.cost.warm.leastMacCycles / r.cost.warm.cycles),
  ),
  column("dram_read_bytes", "byte", "csv", "all words and the load", (r) => whole(r).traffic.dram.readBytes),
  column(
    "dram_write_bytes",
    "byte",
    "csv",
    "all words and the load",
    (r) => whole(r).traffic.dram.writeBytes,
  ),
  column(
    "dram_bytes_per_word",
    "byte",
    "varying",
    "read and written, mean over the words, without the load",
    (r) => (dramBytes(r.cost.warm) / r.subject.words).toFixed(1),
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
    "weight, activation and table memory, all words and the load",
    (r) => onChip(r, "readBytes"),
  ),
  column(
    "sram_write_bytes",
    "byte",
    "csv",
    "weight, activation and table memory, all words and the load",
    (r) => onChip(r, "writeBytes"),
  ),
  column("energy_uj", "uJ", "csv", "all words and the load", (r) => microjoules(whole(r).energyPj.total)),
  column("energy_uj_per_word", "uJ", "always", "mean over the words, without the load", (r) =>
    microjoules(r.cost.warm.energyPj.total / r.subject.words),
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
  column("seed", "", "csv", "seed of the experiment", (r) => r.seed),
  column(
    "calibration_words",
    "count",
    "csv",
    "words that the ranges were observed on",
    (r) => r.subject.calibrationWords,
  ),
  column("data_hash", "", "csv", "identity of the weights and of all words", (r) => r.facts.hash),
  column("version", "", "csv", "version of this package", () => version()),
];

/** Every column of a sweep's CSV, in order. */
export const COLUMNS: readonly Column<Row>[] = [
  ...ORIGIN,
  ...SETTINGS,
  ...ACCURACY,
  ...COST,
  ...FLOAT,
  ...PROVENANCE,
];
