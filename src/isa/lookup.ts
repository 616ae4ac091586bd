import type { Settings } from "../arch/fields.ts";
import { type IntFormat, maxOf, minOf, signed, unsigned } from "../fixed/format.ts";
import { ceilDiv } from "../fixed/round.ts";
import { MOST_SLOPE_BITS, mostFraction, type TableShape } from "../pwl/storage.ts";
import { NO_MIRROR, PWL_SCRATCH_BYTES } from "../simd/kernels.ts";
import { streamCycles } from "./cost.ts";
import {
  address,
  constant,
  count,
  flag,
  type Span,
  type Stage,
  type Traffic,
  type Work,
  width,
} from "./define.ts";
import type { MachineState } from "./state.ts";
import { pwlBlock, type TableArray } from "./tables.ts";

/** Spans of a block's arrays. */
export const tableSpans = (block: number, arrays: readonly TableArray[]): readonly Span[] =>
  arrays
    .filter(({ count }) => count > 0)
    .map(({ offset, bits, count }) => ({ space: "table", from: block + offset, bits, count }));

/** The fields of an instruction that say where a PWL table is and how it is stored: one of mantissas. */
export const mantissaFields = (doc: string) => tableFields(doc, unsigned(16));

/** The same of a table of codes, which may be stored by half. */
export const codeFields = (doc: string) => ({
  ...tableFields(doc, signed(16)),
  mirrored: flag("1: the upper half of a curve with f(-x) = s - f(x), 0: a whole one"),
});

/** @param widest  results */
const tableFields = (doc: string, widest: IntFormat) => ({
  table: address("table", doc),
  pieces: count("pieces stored"),
  slopeBits: width(MOST_SLOPE_BITS, "width of a slope"),
  fraction: constant(5, 0, mostFraction(widest), "fraction bits of an offset"),
});

/** A PWL table as an instruction names it. */
export interface TableOperand extends TableShape {
  readonly table: number;
}

export const lookupSpans = (x: TableOperand, arch: Settings): readonly Span[] =>
  tableSpans(x.table, Object.values(pwlBlock(x, arch).arrays));

/** Cycles of a lookup of `n` elements: the search of the piece is part of the pipeline, or takes steps of its own. */
export function lookupStage(n: number, pieces: number, io: Traffic, arch: Settings): Stage {
  let search = 1;
  if (arch["pwl.search"] === "binary") for (let left = pieces; left > 2; left = ceilDiv(left, 2)) search++;
  return {
    unit: "pwl",
    beats: Math.max(ceilDiv(n, arch["pwl.lanes"]), streamCycles(io, arch)),
    latency: arch["pwl.latency"] + search,
  };
}

/** `count` lookups: two codes of a table are at most 2^inBits - 1 apart, and so are a code and a knot. */
export const lookupWork = (
  count: number,
  { slopeBits, inBits }: TableOperand,
): NonNullable<Work["lookups"]> => ({
  ...{ count, slopeBits },
  distanceBits: inBits,
});

/** What of a table is more than the unit has. */
export function lookupFaults(x: Omit<TableShape, "inBits" | "bits">, arch: Settings): readonly string[] {
  const faults: string[] = [];
  const limit = (
    value: number,
    what: string,
    name: "pwl.maxPieces" | "pwl.slopeBits" | "pwl.offsetFraction",
  ) => {
    if (value > arch[name]) faults.push(`${value} ${what} exceed ${name} ${arch[name]}`);
  };
  limit(x.pieces, "pieces", "pwl.maxPieces");
  limit(x.slopeBits, "bits of a slope", "pwl.slopeBits");
  limit(x.fraction, "fraction bits of an offset", "pwl.offsetFraction");
  if (x.mirrored === 1 && arch["pwl.symmetry"] === "none")
    faults.push("a mirrored table needs pwl.symmetry point, not none");
  return faults;
}

/** Looks up `n` codes at `source` into `target`, both pointers. */
export function runLookup(x: TableOperand, s: MachineState, source: number, target: number, n: number): void {
  const { arrays } = pwlBlock(x, s.arch);
  const knots = s.decode("knots", x.table, arrays.knot, 4, 0);
  const bases = s.decode("bases", x.table, arrays.base, 4, 0);
  const slopes = s.decode("slopes", x.table, arrays.slope, 4, 0);
  const shifts = s.scratch("shifts", 4 * x.pieces);
  const scratch = s.scratch("pwl", PWL_SCRATCH_BYTES);
  const stored = s.read("table", arrays.shift.bits, x.table + arrays.shift.offset, arrays.shift.count);
  if (stored.some((shift) => shift < x.fraction))
    throw new RangeError(`offsets with ${x.fraction} fraction bits need shifts of at least as many`);
  s.heap.int32(shifts, x.pieces).set(stored.length === 1 ? Array(x.pieces).fill(stored[0]!) : stored);
  const { sum } = arrays;
  const sums = x.mirrored === 1 ? s.read("table", sum.bits, x.table + sum.offset, sum.count) : [];
  const [inSum = NO_MIRROR, outSum = 0] = sums;
  const inSize = s.container("activation", x.inBits) as 1 | 2;
  const outSize = s.container("activation", x.bits) as 1 | 2;
  const format = signed(x.bits);
  s.kernels.pwl(
    source,
    inSize,
    target,
    outSize,
    n,
    s.lanes,
    x.pieces,
    knots,
    bases,
    slopes,
    shifts,
    x.fraction,
    inSum,
    outSum,
    minOf(format),
    maxOf(format),
    s.rounding.pwl,
    s.saturations,
    scratch,
  );
}
