import { type ArchSpec, loadArch, overrideArch } from "../../arch/spec.ts";
import { InputError } from "../../base/errors.ts";
import { readText } from "../../base/yaml.ts";
import { arrayCost, multiplierRate, type Product } from "../../isa/array.ts";
import { type LoweredGemm, lowerGemm } from "../../kernels/gemm.ts";
import { type Timing, time } from "../../machine/timing.ts";
import type { Column } from "../../report/column.ts";
import { toCsv } from "../../report/csv.ts";
import { renderTable } from "../../report/table.ts";
import { defineCommand, STATUS, UsageError } from "../command.ts";
import { type GemmLayer, parseTopology } from "../gemm-topology.ts";
import { grouped, layOut, recordOf, toJson } from "../layout.ts";
import { json, set, settingsOf, wholeNumber } from "../options.ts";
import { placeOf } from "../places.ts";

const MOST_BITS = 16;
const bitsOf = (what: string) =>
  ({
    type: "string",
    requiresArg: true,
    default: "8",
    describe: `width of ${what}, 2 … ${MOST_BITS}`,
  }) as const;

export const gemm = defineCommand({
  command: "gemm <file>",
  describe: "Time the matrix products of a topology, layer by layer: cycles, utilization, accesses, traffic",
  lists: ["set"],
  builder: (y) =>
    y
      .positional("file", {
        type: "string",
        demandOption: true,
        describe: "SCALE-Sim's GEMM topology (layer, M, N, K), or a CSV with columns M, K, N",
      })
      .option("arch", {
        type: "string",
        requiresArg: true,
        default: "edge16x16",
        describe:
          "the machine, a file or its name in arch/; scalesim-ws, -os and -is count as SCALE-Sim does",
      })
      .option("set", set)
      .option("weight-bits", bitsOf("a weight"))
      .option("activation-bits", bitsOf("an input and an output"))
      .option("csv", { type: "boolean", default: false, describe: "print a CSV on stdout" })
      .option("json", json)
      .example("$0 gemm layers.csv", "on the default machine")
      .example("$0 gemm layers.csv --arch scalesim-os --set mac.rows=8 --json", "as SCALE-Sim counts"),
  run(args, io) {
    const { file, csv, json } = args;
    if (csv && json) throw new UsageError("--csv and --json are two answers to one question");
    const weightBits = widthOf(args["weight-bits"], "--weight-bits");
    const activationBits = widthOf(args["activation-bits"], "--activation-bits");
    const arch = overrideArch(loadArch(placeOf(args.arch, "arch")), settingsOf(args.set, "--set"), "--set");
    const layers = parseTopology(readText(file), file);
    const rows = layers.map((layer) => measureGemm(layer, { weightBits, activationBits }, arch));
    if (csv) io.out(toCsv(GEMM_COLUMNS, rows));
    else if (json) io.out(toJson(documentOf(rows, arch)));
    else io.out(textOf(rows, arch));
    return STATUS.done;
  },
});

function widthOf(text: string, option: string): number {
  const bits = wholeNumber(text, option, 2);
  if (bits > MOST_BITS) throw new InputError(option, `${bits} is not a width in 2 … ${MOST_BITS} bits`);
  return bits;
}

/** A layer on a machine, and on that machine with folds that overlap and with folds that do not. */
export interface GemmRow {
  readonly layer: GemmLayer;
  readonly product: Product;
  readonly arch: ArchSpec;
  readonly lowered: LoweredGemm;
  readonly timing: Timing;
  readonly serial: Timing;
  readonly overlapped: Timing;
}

/**
 * Lowers a layer and times it. One program serves both settings of `mac.preload`.
 * @throws InputError for a layer of more bytes than an address reaches
 */
export function measureGemm(
  layer: GemmLayer,
  widths: Pick<Product, "weightBits" | "activationBits">,
  arch: ArchSpec,
): GemmRow {
  const product: Product = { m: layer.N, k: layer.K, n: layer.M, ...widths };
  const lowered = lowerGemm(layer.layer, product, arch.settings);
  const timed = (preload: "serial" | "overlapped") =>
    time(lowered.program, { ...arch, settings: { ...arch.settings, "mac.preload": preload } });
  const [serial, overlapped] = [timed("serial"), timed("overlapped")];
  const timing = arch.settings["mac.preload"] === "serial" ? serial : overlapped;
  return { layer, product, arch, lowered, timing, serial, overlapped };
}

const computeCycles = ({ units }: Timing): number => units.mac.busyCycles;
const dramBytes = ({ traffic: { dram } }: Timing): number => dram.readBytes + dram.writeBytes;

/** Of the multipliers' products that the array could have completed in so many cycles, the part that it did. */
function utilization({ product, arch: { settings }, timing }: GemmRow, cycles: number): string {
  const rate = multiplierRate(product.weightBits, product.activationBits, settings);
  const possible = (settings["mac.rows"] * settings["mac.columns"] * rate.products * cycles) / rate.cycles;
  return ((100 * timing.macs) / possible).toFixed(4);
}

const column = (
  name: string,
  unit: Column<GemmRow>["unit"],
  show: Column<GemmRow>["show"],
  doc: string,
  of: Column<GemmRow>["of"],
): Column<GemmRow> => ({ name, unit, show, doc, of });

/** What is said of a layer. */
export const GEMM_COLUMNS: readonly Column<GemmRow>[] = [
  column("layer", "", "always", "name of the layer", (r) => r.layer.layer),
  column("M", "count", "always", "rows of the inputs", (r) => r.layer.M),
  column("K", "count", "always", "columns of the inputs, rows of the weights", (r) => r.layer.K),
  column("N", "count", "always", "columns of the weights", (r) => r.layer.N),
  column("macs", "count", "csv", "multiply-accumulates", (r) => r.timing.macs),
  column(
    "cycles",
    "cycle",
    "always",
    "from the first issue until the last output is in DRAM",
    (r) => r.timing.cycles,
  ),
  column(
    "compute_cycles",
    "cycle",
    "always",
    "cycles in which the array is at work, fill, drain and preload among them",
    (r) => computeCycles(r.timing),
  ),
  column(
    "closed_form_cycles",
    "cycle",
    "csv",
    "cycles of the array if the layer were one instruction, by formula",
    (r) => arrayCost(r.product, r.arch.settings).cycles,
  ),
  column("utilization_pct", "%", "always", "multipliers at work, of all in compute_cycles", (r) =>
    utilization(r, computeCycles(r.timing)),
  ),
  column("overall_utilization_pct", "%", "csv", "multipliers at work, of all in cycles", (r) =>
    utilization(r, r.timing.cycles),
  ),
  column(
    "overlap_saves_cycles",
    "cycle",
    "always",
    "cycles of serial preload beyond those of overlapped preload",
    (r) => r.serial.cycles - r.overlapped.cycles,
  ),
  column(
    "overlap_saves_compute_cycles",
    "cycle",
    "csv",
    "the same of compute_cycles",
    (r) => computeCycles(r.serial) - computeCycles(r.overlapped),
  ),
  column(
    "sram_input_reads",
    "count",
    "csv",
    "inputs read by the array",
    (r) => r.lowered.accesses.vectorReads,
  ),
  column(
    "sram_weight_reads",
    "count",
    "csv",
    "weights read by the array",
    (r) => r.lowered.accesses.weightReads,
  ),
  column(
    "sram_output_writes",
    "count",
    "csv",
    "sums written by the array, partial ones too",
    (r) => r.lowered.accesses.sumWrites,
  ),
  column(
    "sram_partial_sum_reads",
    "count",
    "csv",
    "partial sums that the array takes back",
    (r) => r.lowered.accesses.sumReads,
  ),
  column(
    "dram_read_bytes",
    "byte",
    "always",
    "weights, inputs, biases and scales",
    (r) => r.timing.traffic.dram.readBytes,
  ),
  column("dram_write_bytes", "byte", "always", "outputs", (r) => r.timing.traffic.dram.writeBytes),
  column(
    "dram_compulsory_bytes",
    "byte",
    "csv",
    "distinct bytes that are read or written",
    (r) => r.timing.compulsoryDramBytes,
  ),
  column("dram_factor", "ratio", "always", "bytes moved for each compulsory one", (r) =>
    (dramBytes(r.timing) / r.timing.compulsoryDramBytes).toFixed(4),
  ),
  column("tile_m", "count", "csv", "rows of the inputs in a tile", (r) => r.lowered.plan.tile.n),
  column("tile_k", "count", "csv", "terms of a sum in a tile", (r) => r.lowered.plan.tile.k),
  column("tile_n", "count", "csv", "columns of the weights in a tile", (r) => r.lowered.plan.tile.m),
  column("order", "", "csv", "which tiles the outer loop is over", (r) =>
    r.lowered.plan.order === "outputs-outside" ? "N-outside" : "M-outside",
  ),
];

const sumOf = (rows: readonly GemmRow[], of: (row: GemmRow) => number): number =>
  rows.reduce((sum, row) => sum + of(row), 0);

function totalsOf(rows: readonly GemmRow[]) {
  return {
    layers: rows.length,
    macs: sumOf(rows, (r) => r.timing.macs),
    cycles: sumOf(rows, (r) => r.timing.cycles),
    compute_cycles: sumOf(rows, (r) => computeCycles(r.timing)),
    overlap_saves_cycles: sumOf(rows, (r) => r.serial.cycles - r.overlapped.cycles),
    dram_read_bytes: sumOf(rows, (r) => r.timing.traffic.dram.readBytes),
    dram_write_bytes: sumOf(rows, (r) => r.timing.traffic.dram.writeBytes),
  };
}

/** What the numbers take for granted. */
function assumptionsOf(
  [first]: readonly GemmRow[],
  { settings }: ArchSpec,
): readonly (readonly [string, string])[] {
  const { weightBits, activationBits } = first!.product;
  const preload =
    settings["mac.preload"] === "serial"
      ? "serial: folds never overlap, each pays its fill, drain and preload"
      : "overlapped between the folds of an instruction; every instruction fills and drains the array";
  return [
    [
      "array",
      `${settings["mac.rows"]} x ${settings["mac.columns"]}, ${settings["mac.dataflow"]}, ${settings["mac.multiplier"]} multipliers`,
    ],
    ["preload", preload],
    [
      "widths",
      `weights of ${weightBits} bits, inputs and outputs of ${activationBits}, sums of ${settings["acc.bits"]}`,
    ],
    ["layers", "one after another and by themselves: operands start in DRAM, outputs end there, requantized"],
    [
      "mapping",
      "tiles by a fixed rule, the same for both preloads; tiles of an operand lie one after another in DRAM",
    ],
    [
      "DRAM",
      `${settings["dram.bytesPerCycle"]} bytes a cycle, ${settings["dram.latency"]} cycles of latency, bursts of ${settings["dram.burst"]} bytes`,
    ],
  ];
}

const documentOf = (rows: readonly GemmRow[], arch: ArchSpec) => ({
  arch,
  assumptions: Object.fromEntries(assumptionsOf(rows, arch)),
  layers: rows.map((row) => recordOf(GEMM_COLUMNS, row)),
  totals: totalsOf(rows),
});

function textOf(rows: readonly GemmRow[], arch: ArchSpec): string {
  const totals = totalsOf(rows);
  const share = ((100 * totals.overlap_saves_cycles) / sumOf(rows, (r) => r.serial.cycles)).toFixed(1);
  const saves = `${grouped(totals.overlap_saves_cycles)} cycles, ${share} % of those with serial preload`;
  return [
    renderTable(GEMM_COLUMNS, rows),
    "\n",
    layOut([
      ["machine", arch.name],
      ["total", `${grouped(totals.cycles)} cycles, ${grouped(totals.compute_cycles)} of them the array's`],
      ["overlap saves", saves],
      ...assumptionsOf(rows, arch),
    ]),
  ].join("");
}
