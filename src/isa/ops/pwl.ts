import { pwlRounding } from "../../arch/scaling.ts";
import { unsigned } from "../../fixed/format.ts";
import { powerOfTwo, type Rounding } from "../../fixed/round.ts";
import { reciprocalOf, rsqrtOf, type Scaled } from "../../pwl/mantissa.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { address, count, defineOp, width } from "../define.ts";
import { lookupCost } from "../formulas.ts";
import {
  codeFields,
  lookupFaults,
  lookupSpans,
  lookupStage,
  lookupWork,
  mantissaFields,
  runLookup,
  type TableOperand,
} from "../lookup.ts";
import type { MachineState } from "../state.ts";
import { pwlBlock, type TableArray } from "../tables.ts";
import { WIDE_BITS, WORD_BITS } from "../widths.ts";
import { runMantissas } from "./mantissas.ts";

export const pwl = defineOp({
  name: "pwl",
  code: 0x1a,
  doc: "dst[n] = table(src[n]): whole offset + round(fraction + slope * (src - knot) / 2^shift), saturated; mirrored: outSum - table(inSum - src) where 2 src < inSum",
  fields: {
    dst: address("activation", "results"),
    src: address("activation", "codes"),
    n: count("elements"),
    inBits: width(16, "width of the codes"),
    bits: width(16, "width of the results"),
    ...codeFields("PWL table"),
  },
  reads: (x, arch) => [
    { space: "activation", from: x.src, bits: x.inBits, count: x.n },
    ...lookupSpans(x, arch),
  ],
  writes: (x) => [{ space: "activation", from: x.dst, bits: x.bits, count: x.n }],
  run(x, s) {
    const target = s.pointer("activation", x.bits, x.dst);
    runLookup(x, s, s.pointer("activation", x.inBits, x.src), target, x.n);
  },
  stages(x, arch, io) {
    return [lookupStage(x.n, x.pieces, io, arch)];
  },
  cost: [lookupCost("n")],
  work: (x) => ({ lookups: lookupWork(x.n, x) }),
  check: (x, arch) => lookupFaults(x, arch),
});

/** Mantissas and their results, on the way through the table; both leave the unit as words. */
const MANTISSA_BITS = 16;
const LIFT = powerOfTwo(MANTISSA_BITS - 1);

const ofMantissas = (x: Omit<TableOperand, "inBits" | "bits" | "mirrored">): TableOperand => ({
  ...x,
  inBits: MANTISSA_BITS,
  bits: MANTISSA_BITS,
  mirrored: 0,
});

/** 1/sqrt and 1/x: the value is normalized to a mantissa, whose PWL table the unit holds; the shift goes along. */
const defineMantissa = <const N extends string>(
  name: N,
  code: number,
  doc: string,
  evaluate: (table: PwlTable, x: number, rounding: Rounding) => Scaled,
) =>
  defineOp({
    name,
    code,
    doc,
    fields: {
      dst: address("activation", "mantissas [n], 32 bits"),
      exponent: address("activation", "exponents [n], 32 bits"),
      src: address("activation", "values [n], 48 bits; below 1 counts as 1"),
      n: count("values"),
      ...mantissaFields("PWL table of the mantissa, 16 bits to 16 bits"),
    },
    reads: (x, arch) => [
      { space: "activation", from: x.src, bits: WIDE_BITS, count: x.n },
      ...lookupSpans(ofMantissas(x), arch),
    ],
    writes: (x) => [
      { space: "activation", from: x.dst, bits: WORD_BITS, count: x.n },
      { space: "activation", from: x.exponent, bits: WORD_BITS, count: x.n },
    ],
    run(x, s) {
      const table = readMantissaTable(s, ofMantissas(x));
      const rounding = pwlRounding(s.arch);
      runMantissas(x, s, (value) => evaluate(table, Math.max(1, value), rounding));
    },
    stages: (x, arch, io) => [lookupStage(x.n, x.pieces, io, arch)],
    cost: [lookupCost("n")],
    work: (x) => ({ lookups: lookupWork(x.n, ofMantissas(x)) }),
    check: (x, arch) => lookupFaults(ofMantissas(x), arch),
  });

export const rsqrt = defineMantissa(
  "rsqrt",
  0x1b,
  "dst[n] / 2^exponent[n] = about 1 / sqrt(src[n])",
  rsqrtOf,
);
export const reciprocal = defineMantissa(
  "reciprocal",
  0x1c,
  "dst[n] / 2^exponent[n] = about 1 / src[n]",
  reciprocalOf,
);

/** The mantissa table in table memory: codes there stand for unsigned numbers, offset by half their range. */
function readMantissaTable(s: MachineState, x: TableOperand): PwlTable {
  const { arrays } = pwlBlock(x, s.arch);
  const array = ({ offset, bits, count: n }: TableArray) => s.read("table", bits, x.table + offset, n);
  const lifted = (at: TableArray, by: number) => Int32Array.from(array(at), (code) => code + by);
  return {
    in: unsigned(MANTISSA_BITS),
    out: unsigned(MANTISSA_BITS),
    knots: lifted(arrays.knot, LIFT),
    bases: lifted(arrays.base, LIFT * powerOfTwo(x.fraction)),
    offsetFraction: x.fraction,
    slopes: Int32Array.from(array(arrays.slope)),
    shifts: Int32Array.from(array(arrays.shift)),
    slopeBits: x.slopeBits,
  };
}
