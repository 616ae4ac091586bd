import { maxOf, minOf, signed } from "../../fixed/format.ts";
import { FRACTION_BITS, interpolateMirrored } from "../../fixed/interpolate.ts";
import { roundShift } from "../../fixed/round.ts";
import { activation, address, constant, count, defineOp, flag, width } from "../define.ts";
import { lookupCost } from "../formulas.ts";
import { lookupStage, tableSpans } from "../lookup.ts";
import { codesAt, type MachineState } from "../state.ts";
import { mirroredBlock } from "../tables.ts";

const RESULT_BITS = 16;
/** The PWL unit finds an entry by its index, in the one cycle that a table of one piece takes. */
const SEARCHED_PIECES = 1;

/**
 * Sigmoid or tanh of 16 bits, interpolated in one half of the sigmoid: the arithmetic of CMSIS-NN and TensorFlow Lite
 * Micro. The table is `mirroredSigmoid` of src/pwl; any other has its results saturated.
 */
export const mirrored = defineOp({
  name: "mirrored",
  code: 0x3d,
  doc: "dst[n] = sigmoid or tanh at d = (src[n] * factor + half) / 2^shift, interpolated in a mirrored table; Q0.15",
  fields: {
    dst: address("activation", "results [n], 16 bits"),
    src: address("activation", "codes [n]"),
    n: count("elements"),
    inBits: width(16, "width of the codes"),
    factor: constant(20, 1, 2 ** 20 - 1, "codes to steps of the table"),
    shift: constant(5, 0, 31, "constant right shift of src * factor, ties up"),
    odd: flag("0: sigmoid, d with 9 fraction bits; 1: tanh, with 8"),
    table: address("table", "256 entries of 16 bits, stored 2^15 lower"),
  },
  reads: (x) => [
    activation(x.src, x.inBits, x.n),
    ...tableSpans(x.table, Object.values(mirroredBlock().arrays)),
  ],
  writes: (x) => [activation(x.dst, RESULT_BITS, x.n)],
  run(x, s) {
    const table = readEntries(s, x.table);
    const out = s.pointer("activation", RESULT_BITS, x.dst); // may grow the memory, so before the views are taken
    const from = s.pointer("activation", x.inBits, x.src);
    const elements = x.n * s.lanes;
    const codes = codesAt(s, x.inBits, from, elements);
    const results = s.heap.int16(out, elements);
    const clamped = s.heap.int32(s.saturations, s.lanes);
    const [lo, hi] = [minOf(signed(RESULT_BITS)), maxOf(signed(RESULT_BITS))];
    for (let i = 0; i < elements; i++) {
      const d = roundShift(codes[i]! * x.factor, x.shift, "half-up");
      const y = interpolateMirrored(table, d, x.odd === 1);
      const code = Math.min(Math.max(y, lo), hi);
      results[i] = code;
      if (code !== y) clamped[i % s.lanes]!++;
    }
  },
  stages: (x, arch, io) => [lookupStage(x.n, SEARCHED_PIECES, io, arch)],
  cost: [lookupCost("n", String(SEARCHED_PIECES))],
  work: (x) => ({
    lookups: {
      ...{ count: x.n, slopeBits: mirroredBlock().arrays.entry.bits },
      distanceBits: x.odd === 1 ? FRACTION_BITS.odd : FRACTION_BITS.even,
    },
  }),
});

function readEntries(s: MachineState, block: number): Int32Array {
  const { offset, bits, count: n } = mirroredBlock().arrays.entry;
  return Int32Array.from(s.read("table", bits, block + offset, n), (code) => code + 2 ** (bits - 1));
}
