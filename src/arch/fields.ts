import { REQUANT_KINDS, REQUANT_ROUNDINGS } from "../fixed/requant.ts";
import { ROUNDINGS } from "../fixed/round.ts";

/**
 * What a parameter can change, of one recipe of a model.
 * bits: its integers: what quantization and arithmetic ask for.
 * passes: where a pass of the array ends, which changes integers where an accumulator leaves its range, and nowhere else.
 * legality: what the validator asks for, to say whether a program is legal and whether an accumulator might leave its range.
 * cost: when a legal program does what, and how many bytes that moves: what the clock, the tally and the prices ask for.
 * skips: the estimate of what skipping zeros would save.
 * energy: prices alone.
 */
export type Aspect = "bits" | "passes" | "legality" | "cost" | "skips" | "energy";

/** An integer parameter. */
export interface IntField {
  readonly kind: "int";
  readonly doc: string;
  readonly unit:
    | "bit"
    | "cycle"
    | "byte"
    | "byte/cycle"
    | "lane"
    | "row"
    | "column"
    | "entry"
    | "piece"
    | "instruction"
    | "bank"
    | "port"
    | "channel"
    | "MHz";
  readonly min: number;
  readonly max: number;
  readonly default: number;
  readonly affects: readonly Aspect[];
}

/** A measured quantity: only energies, which no bit and no cycle depends on. */
export interface RealField {
  readonly kind: "real";
  readonly doc: string;
  readonly unit: "pJ";
  readonly min: number;
  readonly max: number;
  readonly default: number;
  readonly affects: readonly Aspect[];
}

/** A parameter that is one of a few words. */
export interface ChoiceField<C extends string = string> {
  readonly kind: "choice";
  readonly doc: string;
  readonly choices: readonly C[];
  readonly default: C;
  readonly affects: readonly Aspect[];
}

export type Field = IntField | RealField | ChoiceField;

type IntRange = Omit<IntField, "kind" | "doc" | "affects">;

const int =
  (...affects: readonly Aspect[]) =>
  (doc: string, range: IntRange): IntField => ({ kind: "int", doc, ...range, affects });
const clock = int("cost");
/** How large a memory is: what programs must keep within, and where its banks end. */
const size = int("legality", "cost");
/** What decides how much of a product one fold of the array takes. */
const array = int("passes", "legality", "cost", "skips");
/** What decides how fast folds pass through the array. */
const feed = int("cost", "skips");
/** Widths of what tables hold and units compute with. */
const bits = int("bits", "legality", "cost");

/** Cycles that something takes, of the clock of the whole machine. */
const cycles = (doc: string, max: number, value: number): IntField =>
  clock(doc, { unit: "cycle", min: 0, max, default: value });
const banks = (memory: string): IntField =>
  clock(`${memory} banks, by contiguous address ranges`, { unit: "bank", min: 1, max: 64, default: 1 });
const ports = (memory: string): ChoiceField<"separate" | "shared"> =>
  choice(
    `ports of a bank of the ${memory}: separate: one for each unit; shared: a single one, for whoever reads or writes`,
    ["separate", "shared"],
    ["cost"],
    "separate",
  );
const picojoules = (doc: string, value: number): RealField => ({
  ...{ kind: "real", doc, unit: "pJ", min: 0, max: 1_000_000, default: value },
  affects: ["energy"],
});
const choice = <const C extends string>(
  doc: string,
  choices: readonly C[],
  affects: readonly Aspect[],
  value: C,
): ChoiceField<C> => ({ kind: "choice", doc, choices, affects, default: value });

export const DATAFLOWS = ["weight-stationary", "output-stationary", "input-stationary", "dot"] as const;
export type Dataflow = (typeof DATAFLOWS)[number];

/**
 * The parameters of a machine, each said once: parsing, ranges, defaults, `--set`, sweep axes,
 * hashes and `shiftline arch --fields` read this table.
 *
 * Energies: M. Horowitz, "Computing's energy problem", ISSCC 2014, 45 nm, 0.9 V: 8-bit multiply
 * 0.2 pJ, 32-bit add 0.1 pJ, a 64-bit SRAM access of 8 kB 10 pJ, of 32 kB 20 pJ, of 1 MB 100 pJ,
 * 64 bits of DRAM 1.3 nJ. Requantizer, PWL and vector elements are sums of those multiplies and adds. What
 * has no published figure is not priced until a machine says what it costs. See docs/energy.md.
 *
 * DRAM rows: LPDDR3-1600, 32 bits wide, 4 Gbit, JESD209-3: RL 15 ns, tRCD 18 ns, tRPpb 18 ns, tRAS 42 ns, tRRD 10 ns,
 * tRTP 7.5 ns, tWR 15 ns, tWTR 7.5 ns, tRFCab 130 ns, tREFI 3.9 us, 8 banks of rows of 1024 words; each in cycles of
 * 2 ns, rounded up (tREFI down), for the default clock. tRTW, not a figure of its own there: two cycles for the bus to turn.
 */
export const FIELDS = {
  "mac.rows": array("rows of the MAC array; under `dot`, products summed into an output each cycle", {
    unit: "row",
    min: 1,
    max: 256,
    default: 16,
  }),
  "mac.columns": int(
    "legality",
    "cost",
    "skips",
  )("columns of the MAC array; under `dot`, outputs computed in parallel", {
    unit: "column",
    min: 1,
    max: 256,
    default: 16,
  }),
  "mac.dataflow": choice(
    "what stays in the array while the rest streams past",
    DATAFLOWS,
    ["passes", "legality", "cost", "skips"],
    "weight-stationary",
  ),
  "mac.preload": choice(
    "whether the next fold is loaded while the present one streams",
    ["overlapped", "serial"],
    ["legality", "cost", "skips"],
    "overlapped",
  ),
  "mac.outputs": choice(
    "side of the array along which an output-stationary product's outputs lie; its vectors lie along the other",
    ["rows", "columns"],
    ["legality", "cost", "skips"],
    "rows",
  ),
  "mac.weightBits": array("weight width that one multiplier takes in one cycle", {
    unit: "bit",
    min: 1,
    max: 16,
    default: 8,
  }),
  "mac.activationBits": array("activation width that one multiplier takes in one cycle", {
    unit: "bit",
    min: 1,
    max: 16,
    default: 8,
  }),
  "mac.multiplier": choice(
    "fixed: one product each cycle; fused: narrower operands share a multiplier (4x4: four); serial: one weight bit each cycle",
    ["fixed", "fused", "serial"],
    ["passes", "legality", "cost", "skips"],
    "fixed",
  ),
  "mac.zeroSkip": choice(
    "operands whose zeros the array passes over, whole slots at a time; counted as an estimate, and in no cycle",
    ["none", "weights", "activations", "both"],
    ["skips"],
    "none",
  ),
  "acc.bits": bits("accumulator width", { unit: "bit", min: 8, max: 48, default: 32 }),
  "acc.entries": size("accumulators", { unit: "entry", min: 16, max: 1_048_576, default: 4096 }),
  "acc.banks": banks("accumulator"),
  "acc.ports": ports("accumulators"),
  "acc.overflow": choice(
    "what an accumulator does at the end of an array pass that leaves its range",
    ["wrap", "saturate"],
    ["bits"],
    "wrap",
  ),
  "requant.kind": choice(
    "how the requantizer multiplies: by one shift, by a sum of two shifts, by a multiplier and a shift",
    REQUANT_KINDS,
    ["bits", "legality", "cost"],
    "multiplier",
  ),
  "requant.multiplierBits": bits("width of the multiplier, where the kind has one", {
    unit: "bit",
    min: 2,
    max: 31,
    default: 16,
  }),
  "requant.rounding": choice(
    "rounding of a requantized accumulator",
    REQUANT_ROUNDINGS,
    ["bits", "legality"],
    "half-away",
  ),
  "requant.lanes": clock("elements requantized each cycle", { unit: "lane", min: 1, max: 256, default: 16 }),
  "requant.latency": clock("cycles from an element's entry to its result", {
    unit: "cycle",
    min: 1,
    max: 32,
    default: 4,
  }),
  "pwl.lanes": clock("elements looked up each cycle", { unit: "lane", min: 1, max: 256, default: 16 }),
  "pwl.maxPieces": int("legality")("pieces a table may have, as stored", {
    unit: "piece",
    min: 1,
    max: 512,
    default: 64,
  }),
  "pwl.slopeBits": int("bits", "legality")("width of a stored slope, sign included", {
    unit: "bit",
    min: 2,
    max: 16,
    default: 16,
  }),
  "pwl.offsetFraction": int("bits", "legality")("fraction bits of a stored offset", {
    unit: "bit",
    min: 0,
    max: 16,
    default: 0,
  }),
  "pwl.shifts": choice(
    "whether all slopes of a table share a shift, or each piece has its own",
    ["shared", "per-piece"],
    ["bits", "legality", "cost"],
    "shared",
  ),
  "pwl.symmetry": choice(
    "point: of a curve with f(-x) = s - f(x) the unit stores the upper half, and mirrors inputs and results",
    ["none", "point"],
    ["bits", "legality"],
    "none",
  ),
  "pwl.search": choice(
    "comparators find the piece in one cycle, binary search in log2(pieces)",
    ["comparators", "binary"],
    ["cost"],
    "comparators",
  ),
  "pwl.latency": clock("cycles from an element's entry to its result, the search not counted", {
    unit: "cycle",
    min: 1,
    max: 32,
    default: 3,
  }),
  "pwl.rounding": choice(
    "rounding of slope times distance; as-requant: as the requantizer rounds once",
    ["as-requant", ...ROUNDINGS],
    ["bits"],
    "as-requant",
  ),
  "pwl.chained": choice(
    "a path from the requantizer into the PWL unit that saves the trip through SRAM",
    ["yes", "no"],
    ["legality"],
    "yes",
  ),
  "vector.lanes": clock("elements the vector unit takes each cycle", {
    unit: "lane",
    min: 1,
    max: 256,
    default: 16,
  }),
  "vector.latency": clock("cycles from an element's entry to its result", {
    unit: "cycle",
    min: 1,
    max: 32,
    default: 4,
  }),
  "vector.multiplierBits": bits("width of the vector unit's multiplier; 0: as the requantizer's", {
    unit: "bit",
    min: 0,
    max: 31,
    default: 0,
  }),
  "vector.rounding": choice(
    "rounding of the vector unit's scalings",
    ["as-requant", ...REQUANT_ROUNDINGS],
    ["bits", "legality"],
    "as-requant",
  ),
  "vector.divideCycles": clock("cycles that one element of a division occupies its lane", {
    unit: "cycle",
    min: 1,
    max: 64,
    default: 8,
  }),
  "weight.bytes": size("weight SRAM", { unit: "byte", min: 256, max: 268_435_456, default: 524_288 }),
  "weight.bytesPerCycle": feed("weight SRAM read by the MAC array each cycle", {
    unit: "byte/cycle",
    min: 1,
    max: 65_536,
    default: 256,
  }),
  "weight.banks": banks("weight SRAM"),
  "weight.ports": ports("weight SRAM"),
  "activation.bytes": size("activation SRAM", { unit: "byte", min: 256, max: 16_777_216, default: 65_536 }),
  "activation.banks": clock("activation SRAM banks, by contiguous address ranges", {
    unit: "bank",
    min: 1,
    max: 64,
    default: 8,
  }),
  "activation.readPorts": clock("instructions that may read one bank at once", {
    unit: "port",
    min: 1,
    max: 8,
    default: 2,
  }),
  "activation.writePorts": clock("instructions that may write one bank at once", {
    unit: "port",
    min: 1,
    max: 8,
    default: 1,
  }),
  "activation.bytesPerCycle": feed("bytes each port moves a cycle", {
    unit: "byte/cycle",
    min: 1,
    max: 4096,
    default: 64,
  }),
  "table.bytes": size("table memory: requantization parameters and PWL tables", {
    unit: "byte",
    min: 64,
    max: 1_048_576,
    default: 65_536,
  }),
  "table.banks": banks("table memory"),
  "table.ports": ports("table memory"),
  "dram.bytesPerCycle": clock("DRAM bandwidth", { unit: "byte/cycle", min: 1, max: 4096, default: 16 }),
  "dram.latency": cycles(
    "cycles from a request to its first byte; with dram.pages, of the way alone: the rows' times are added",
    1000,
    60,
  ),
  "dram.burst": clock("bytes of the smallest transfer; every transfer is a whole number of them", {
    unit: "byte",
    min: 1,
    max: 4096,
    default: 32,
  }),
  "dram.pages": choice("whether the DRAM's rows, banks and refresh take time", ["no", "yes"], ["cost"], "no"),
  "dram.rowBytes": clock("bytes of a row", { unit: "byte", min: 64, max: 65_536, default: 4096 }),
  "dram.banks": clock("DRAM banks; consecutive rows lie in consecutive ones", {
    unit: "bank",
    min: 1,
    max: 64,
    default: 8,
  }),
  "dram.activate": cycles("from opening a row to its first column command, tRCD", 1000, 9),
  "dram.cas": cycles("from a column command to its bytes, CL", 1000, 8),
  "dram.precharge": cycles("from closing a row to opening the next one of the bank, tRP", 1000, 9),
  "dram.rowActive": cycles("from opening a row to closing it, tRAS", 1000, 21),
  "dram.activateGap": cycles("from opening a row to opening one of another bank, tRRD", 1000, 5),
  "dram.readToPrecharge": cycles("from the last read of a row to closing it, tRTP", 1000, 4),
  "dram.writeRecovery": cycles("from the last written byte of a row to closing it, tWR", 1000, 8),
  "dram.writeToRead": cycles("from the last written byte to the next read command, tWTR", 1000, 4),
  "dram.readToWrite": cycles("from the last read command to the next write command, tRTW", 1000, 2),
  "dram.refreshInterval": cycles("from one refresh to the next, tREFI; 0: no refresh", 1_000_000, 1950),
  "dram.refreshCycles": cycles("cycles of a refresh with all rows closed, tRFC", 100_000, 65),
  "dma.channels": clock("transfers in flight at once; they share the DRAM's bandwidth", {
    unit: "channel",
    min: 1,
    max: 8,
    default: 2,
  }),
  "queue.depth": clock("instructions a unit's queue holds", {
    unit: "instruction",
    min: 1,
    max: 64,
    default: 4,
  }),
  "clock.mhz": int()("clock, for times and power only", { unit: "MHz", min: 1, max: 10_000, default: 500 }),
  "energy.multiply8": picojoules("an 8 x 8 bit multiplication; others by the product of their widths", 0.2),
  "energy.add32": picojoules("a 32-bit addition; others by their width", 0.1),
  "energy.weightByte": picojoules("a byte of weight SRAM (1 MB class)", 12.5),
  "energy.activationByte": picojoules("a byte of activation SRAM (32 kB class)", 2.5),
  "energy.tableByte": picojoules("a byte of table memory (8 kB class)", 1.25),
  "energy.dramByte": picojoules("a byte of DRAM", 162.5),
  "energy.idleCycle": picojoules(
    "a cycle of the whole core, whatever it does: leakage and clock; no published figure, so not counted by default",
    0,
  ),
} as const satisfies Readonly<Record<string, Field>>;

export type FieldName = keyof typeof FIELDS;

type ValueOf<F> = F extends ChoiceField<infer C> ? C : number;

/** A machine's parameters, settled: every key there, every value in its range. */
export type Settings = { readonly [K in FieldName]: ValueOf<(typeof FIELDS)[K]> };
