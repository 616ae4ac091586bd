import type { Settings } from "../arch/fields.ts";
import { maxOf, minOf, signed } from "../fixed/format.ts";
import { ceilDiv } from "../fixed/round.ts";
import { PWL_SCRATCH_BYTES } from "../simd/kernels.ts";
import { streamCycles } from "./cost.ts";
import type { Span, Stage, Traffic } from "./define.ts";
import type { MachineState } from "./state.ts";
import { pwlBlock, type TableArray } from "./tables.ts";

/** Spans of a block's arrays. */
export const tableSpans = (block: number, arrays: readonly TableArray[]): readonly Span[] =>
  arrays
    .filter(({ count }) => count > 0)
    .map(({ offset, bits, count }) => ({ space: "table", from: block + offset, bits, count }));

/** A PWL table as an instruction names it. */
export interface TableOperand {
  readonly table: number;
  readonly pieces: number;
  readonly inBits: number;
  readonly bits: number;
}

export const lookupSpans = (x: TableOperand, arch: Settings): readonly Span[] =>
  tableSpans(x.table, Object.values(pwlBlock(x.pieces, x.inBits, x.bits, arch).arrays));

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

export const lookupFaults = (pieces: number, arch: Settings): readonly string[] =>
  pieces > arch["pwl.maxPieces"] ? [`${pieces} pieces exceed pwl.maxPieces ${arch["pwl.maxPieces"]}`] : [];

/** Looks up `n` codes at `source` into `target`, both pointers. */
export function runLookup(x: TableOperand, s: MachineState, source: number, target: number, n: number): void {
  const { arrays } = pwlBlock(x.pieces, x.inBits, x.bits, s.arch);
  const knots = s.decode("knots", x.table, arrays.knot, 4, 0);
  const bases = s.decode("bases", x.table, arrays.base, 4, 0);
  const slopes = s.decode("slopes", x.table, arrays.slope, 4, 0);
  const shifts = s.scratch("shifts", 4 * x.pieces);
  const scratch = s.scratch("pwl", PWL_SCRATCH_BYTES);
  const [shift] = s.read("table", arrays.shift.bits, x.table + arrays.shift.offset, 1);
  s.heap.int32(shifts, x.pieces).fill(shift!);
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
    minOf(format),
    maxOf(format),
    s.rounding.pwl,
    s.saturations,
    scratch,
  );
}
