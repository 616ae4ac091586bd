import { maxOf, minOf, saturate, signed } from "../../fixed/format.ts";
import { isqrt as integerSqrt } from "../../fixed/isqrt.ts";
import { ROUNDINGS } from "../../fixed/round.ts";
import { REDUCTIONS } from "../../simd/kernels.ts";
import { vectorStages } from "../cost.ts";
import {
  activation,
  address,
  constant,
  count,
  defineOp,
  differences,
  reach,
  width,
  zeroPoint,
} from "../define.ts";
import { vectorCost } from "../formulas.ts";
import { INDEX_BITS, WIDE_BITS, WORD_BITS } from "../widths.ts";

/** Reductions of the vector unit, and the operations that apply their results to a row. */

type Reduction = (typeof REDUCTIONS)[number];

/** Operands of a reduction that decide how large its result may be. */
interface Reduced {
  readonly n: number;
  readonly aBits: number;
  readonly aZero: number;
}

/** The results that n codes can have, lowest and highest. */
const RESULTS: { readonly [K in Reduction]: (x: Reduced) => readonly [lo: number, hi: number] } = {
  sum({ n, aBits, aZero }) {
    const [lo, hi] = differences(aBits, aZero);
    return [n * lo, n * hi];
  },
  squares: ({ n, aBits, aZero }) => [0, n * reach(aBits, aZero) ** 2],
  absolutes: ({ n, aBits, aZero }) => [0, n * reach(aBits, aZero)],
  maximum: ({ aBits, aZero }) => differences(aBits, aZero),
};

const defineReduction = <const N extends string>(name: N, code: number, kind: Reduction, doc: string) =>
  defineOp({
    name,
    code,
    doc,
    fields: {
      dst: address("activation", "results [groups]"),
      a: address("activation", "codes [groups][n]"),
      groups: count("rows"),
      n: count("codes in a row"),
      aBits: width(32, "width of the codes"),
      bits: constant(6, 17, 48, "width of the results"),
      aZero: zeroPoint("zero point of the codes", "aBits"),
    },
    reads: (x) => [activation(x.a, x.aBits, x.n * x.groups)],
    writes: (x) => [activation(x.dst, x.bits, x.groups)],
    run(x, s) {
      const out = s.pointer("activation", x.bits, x.dst);
      const a = s.pointer("activation", x.aBits, x.a);
      const size = s.container("activation", x.aBits) as 1 | 2 | 4;
      s.kernels.reduce(
        REDUCTIONS.indexOf(kind),
        a,
        size,
        x.aZero,
        x.groups,
        x.n,
        s.lanes,
        out,
        s.container("activation", x.bits) as 4 | 8,
      );
    },
    stages: (x, arch, io) => vectorStages(x.n * x.groups, io, arch),
    cost: vectorCost("n * groups"),
    work: (x) => ({ elements: { count: x.n * x.groups, bits: x.aBits } }),
    check(x) {
      const [lo, hi] = RESULTS[kind](x);
      const fits = lo >= minOf(signed(x.bits)) && hi <= maxOf(signed(x.bits));
      return fits ? [] : [`results of ${lo} … ${hi} do not fit ${x.bits} bits`];
    },
  });

export const sum = defineReduction("sum", 0x28, "sum", "dst[g] = sum of (a[g][i] - aZero)");
export const sumsq = defineReduction("sumsq", 0x29, "squares", "dst[g] = sum of (a[g][i] - aZero)^2");
export const sumabs = defineReduction("sumabs", 0x2a, "absolutes", "dst[g] = sum of |a[g][i] - aZero|");
export const max = defineReduction("max", 0x2b, "maximum", "dst[g] = largest a[g][i] - aZero");

export const argmax = defineOp({
  name: "argmax",
  code: 0x2c,
  doc: "dst = index of the first largest a[i], 16 bits",
  fields: {
    dst: address("activation", "the index, 16 bits"),
    a: address("activation", "codes [n]"),
    n: constant(16, 1, 32_767, "codes"),
    aBits: width(32, "width of the codes"),
  },
  reads: (x) => [activation(x.a, x.aBits, x.n)],
  writes: (x) => [activation(x.dst, INDEX_BITS, 1)],
  run(x, s) {
    const out = s.pointer("activation", INDEX_BITS, x.dst);
    const a = s.pointer("activation", x.aBits, x.a);
    s.kernels.argmax(a, s.container("activation", x.aBits) as 1 | 2 | 4, x.n, s.lanes, out);
  },
  stages: (x, arch, io) => vectorStages(x.n, io, arch),
  cost: vectorCost("n"),
  work: (x) => ({ elements: { count: x.n, bits: x.aBits } }),
});

export const variance = defineOp({
  name: "variance",
  code: 0x2d,
  doc: "dst[g] = saturate(max(n * squares[g] - sums[g]^2, 0) + epsilon), n^2 times the variance; exact while n * squares < 2^53",
  fields: {
    dst: address("activation", "results [groups], 48 bits"),
    sums: address("activation", "sums [groups], 32 bits"),
    squares: address("activation", "sums of squares [groups], 48 bits"),
    groups: count("rows"),
    n: count("codes that were summed"),
    epsilon: constant(32, 0, 2 ** 32 - 1, "added, in the same unit"),
  },
  reads: (x) => [activation(x.sums, WORD_BITS, x.groups), activation(x.squares, WIDE_BITS, x.groups)],
  writes: (x) => [activation(x.dst, WIDE_BITS, x.groups)],
  run(x, s) {
    const elements = x.groups * s.lanes;
    const out = s.pointer("activation", WIDE_BITS, x.dst);
    const from = s.pointer("activation", WORD_BITS, x.sums); // may grow the memory, so before the views are taken
    const squares = s.heap.float64(s.pointer("activation", WIDE_BITS, x.squares), elements);
    const sums = s.heap.int32(from, elements);
    const results = s.heap.float64(out, elements);
    const wide = signed(WIDE_BITS);
    for (let i = 0; i < elements; i++) {
      const spread = Math.max(x.n * squares[i]! - sums[i]! * sums[i]!, 0);
      results[i] = saturate(spread + x.epsilon, wide);
    }
  },
  stages: (x, arch, io) => vectorStages(x.groups, io, arch),
  cost: vectorCost("groups"),
  work: (x) => ({ elements: { count: x.groups, bits: WIDE_BITS } }),
});

/** Steps of the digit-by-digit square root of a 48-bit value. */
const ROOT_CYCLES = WIDE_BITS / 2;

export const isqrt = defineOp({
  name: "isqrt",
  code: 0x2e,
  doc: "dst[g] = floor(sqrt(a[g])), digit by digit; below 0 counts as 0",
  fields: {
    dst: address("activation", "roots [groups], 32 bits"),
    a: address("activation", "values [groups], 48 bits"),
    groups: count("values"),
  },
  reads: (x) => [activation(x.a, WIDE_BITS, x.groups)],
  writes: (x) => [activation(x.dst, WORD_BITS, x.groups)],
  run(x, s) {
    const elements = x.groups * s.lanes;
    const out = s.pointer("activation", WORD_BITS, x.dst);
    const values = s.heap.float64(s.pointer("activation", WIDE_BITS, x.a), elements);
    const roots = s.heap.int32(out, elements);
    for (let i = 0; i < elements; i++) roots[i] = integerSqrt(Math.max(0, values[i]!));
  },
  stages: (x, arch, io) => vectorStages(x.groups, io, arch, ROOT_CYCLES),
  cost: vectorCost("groups", String(ROOT_CYCLES)),
  work: (x) => ({ elements: { count: x.groups * ROOT_CYCLES, bits: WORD_BITS } }),
});

/** Of a row that is centred: what its codes are multiplied by to be in the unit of the sums. */
const centreFactor = count("constant factor of the codes; n where the sums are those of the row");

export const center = defineOp({
  name: "center",
  code: 0x2f,
  doc: "dst[g][i] = saturate(factor * a[g][i] - sums[g]), raw codes; 32 bits. With factor n: n times the distance from the mean",
  fields: {
    dst: address("activation", "results [groups][n], 32 bits"),
    a: address("activation", "codes [groups][n]"),
    sums: address("activation", "sums of raw codes [groups], 32 bits"),
    groups: count("rows"),
    n: count("codes in a row"),
    aBits: width(16, "width of the codes"),
    factor: centreFactor,
  },
  reads: (x) => [activation(x.a, x.aBits, x.n * x.groups), activation(x.sums, WORD_BITS, x.groups)],
  writes: (x) => [activation(x.dst, WORD_BITS, x.n * x.groups)],
  run(x, s) {
    const words = s.scratch("center", 8 * x.groups * s.lanes);
    const out = s.pointer("activation", WORD_BITS, x.dst);
    const a = s.pointer("activation", x.aBits, x.a);
    const sums = s.pointer("activation", WORD_BITS, x.sums);
    const half = 4 * x.groups * s.lanes;
    s.heap.int32(words, x.groups * s.lanes).fill(1);
    s.heap.int32(words + half, x.groups * s.lanes).fill(0);
    const format = signed(WORD_BITS);
    s.kernels.normalize(
      a,
      s.container("activation", x.aBits) as 1 | 2,
      x.groups,
      x.n,
      x.factor,
      s.lanes,
      sums,
      4,
      words,
      words + half,
      out,
      4,
      0,
      minOf(format),
      maxOf(format),
      s.rounding.vector,
      s.saturations,
    );
  },
  stages: (x, arch, io) => vectorStages(x.n * x.groups, io, arch),
  cost: vectorCost("n * groups"),
  work: (x) => ({ elements: { count: x.n * x.groups, bits: WORD_BITS } }),
});

export const normalize = defineOp({
  name: "normalize",
  code: 0x30,
  doc: "dst[g][i] = saturate(round((factor * a[g][i] - sums[g]) * mantissa[g] / 2^max(exponent[g] - point, 0)) + zero)",
  fields: {
    dst: address("activation", "results [groups][n]"),
    a: address("activation", "codes [groups][n]"),
    sums: address("activation", "sums of raw codes [groups], 32 bits"),
    mantissa: address("activation", "mantissas [groups], 32 bits"),
    exponent: address("activation", "exponents [groups], 32 bits"),
    groups: count("rows"),
    n: count("codes in a row"),
    aBits: width(16, "width of the codes"),
    bits: width(16, "width of the results"),
    factor: centreFactor,
    point: constant(5, 0, 14, "fraction bits of the results"),
    zero: zeroPoint("zero point of the results"),
  },
  reads: (x) => [
    activation(x.a, x.aBits, x.n * x.groups),
    ...[x.sums, x.mantissa, x.exponent].map((from) => activation(from, WORD_BITS, x.groups)),
  ],
  writes: (x) => [activation(x.dst, x.bits, x.n * x.groups)],
  run(x, s) {
    const shifts = s.scratch("normalize", 4 * x.groups * s.lanes);
    const out = s.pointer("activation", x.bits, x.dst);
    const a = s.pointer("activation", x.aBits, x.a);
    const sums = s.pointer("activation", WORD_BITS, x.sums);
    const mantissa = s.pointer("activation", WORD_BITS, x.mantissa);
    const exponents = s.heap.int32(s.pointer("activation", WORD_BITS, x.exponent), x.groups * s.lanes);
    const shifted = s.heap.int32(shifts, x.groups * s.lanes);
    for (let i = 0; i < shifted.length; i++) shifted[i] = Math.max(0, exponents[i]! - x.point);
    const format = signed(x.bits);
    s.kernels.normalize(
      a,
      s.container("activation", x.aBits) as 1 | 2,
      x.groups,
      x.n,
      x.factor,
      s.lanes,
      sums,
      4,
      mantissa,
      shifts,
      out,
      s.container("activation", x.bits) as 1 | 2,
      x.zero,
      minOf(format),
      maxOf(format),
      s.rounding.vector,
      s.saturations,
    );
  },
  stages: (x, arch, io) => vectorStages(x.n * x.groups, io, arch),
  cost: vectorCost("n * groups"),
  work: (x) => ({ requants: x.n * x.groups, elements: { count: x.n * x.groups, bits: WORD_BITS } }),
});

/** What a product of two words is shifted by at most: it is then below a half, or a half where both are -2^31. */
const SHIFT_MAX = 63;

export const rowscale = defineOp({
  name: "rowscale",
  code: 0x32,
  doc: "dst[g][i] = saturate(rq(a[g][i] - aZero; mantissa[g] / 2^max(exponent[g] - point, 0)) + zero), shifts beyond 63 as 63; rounds as the vector unit scales, float32 as half-even",
  fields: {
    dst: address("activation", "results [groups][n]"),
    a: address("activation", "codes [groups][n]"),
    mantissa: address("activation", "mantissas [groups], 32 bits"),
    exponent: address("activation", "exponents [groups], 32 bits"),
    groups: count("rows"),
    n: count("codes in a row"),
    aBits: width(32, "width of the codes"),
    bits: width(32, "width of the results"),
    point: constant(6, -31, 31, "fraction bits of the results"),
    aZero: zeroPoint("zero point of the codes", "aBits"),
    zero: zeroPoint("zero point of the results"),
  },
  reads: (x) => [
    activation(x.a, x.aBits, x.n * x.groups),
    ...[x.mantissa, x.exponent].map((from) => activation(from, WORD_BITS, x.groups)),
  ],
  writes: (x) => [activation(x.dst, x.bits, x.n * x.groups)],
  run(x, s) {
    const shifts = s.scratch("rowscale", 4 * x.groups * s.lanes);
    const out = s.pointer("activation", x.bits, x.dst);
    const a = s.pointer("activation", x.aBits, x.a);
    const mantissa = s.pointer("activation", WORD_BITS, x.mantissa);
    const exponents = s.heap.int32(s.pointer("activation", WORD_BITS, x.exponent), x.groups * s.lanes);
    const shifted = s.heap.int32(shifts, x.groups * s.lanes);
    for (let i = 0; i < shifted.length; i++)
      shifted[i] = Math.min(Math.max(0, exponents[i]! - x.point), SHIFT_MAX);
    const format = signed(x.bits);
    s.kernels.rowScale(
      a,
      s.container("activation", x.aBits) as 1 | 2 | 4,
      x.aZero,
      mantissa,
      shifts,
      x.groups,
      x.n,
      s.lanes,
      out,
      s.container("activation", x.bits) as 1 | 2 | 4,
      x.zero,
      minOf(format),
      maxOf(format),
      s.rounding.vector,
      s.saturations,
    );
  },
  stages: (x, arch, io) => vectorStages(x.n * x.groups, io, arch),
  cost: vectorCost("n * groups"),
  work: (x) => ({ requants: x.n * x.groups, elements: { count: x.n * x.groups, bits: WORD_BITS } }),
});

/** Width of the divider's second operand. */
const DIVISOR_BITS = 63;

export const div = defineOp({
  name: "div",
  code: 0x31,
  doc: "dst[g][i] = saturate(round((a[g][i] - aZero) * factor / (max(b[g], 1) * 2^shift)) + zero)",
  fields: {
    dst: address("activation", "results [groups][n]"),
    a: address("activation", "numerators [groups][n]"),
    b: address("activation", "denominators [groups]"),
    groups: count("rows"),
    n: count("codes in a row"),
    aBits: width(32, "width of the numerators"),
    bBits: constant(6, 17, 48, "width of the denominators"),
    bits: width(16, "width of the results"),
    aZero: zeroPoint("zero point of the numerators", "aBits"),
    zero: zeroPoint("zero point of the results"),
    factor: constant(24, 1, 2 ** 24 - 1, "constant factor"),
    shift: constant(5, 0, 31, "constant right shift"),
    rounding: constant(3, 0, ROUNDINGS.length - 1, `rounding: ${ROUNDINGS.join(", ")}`),
  },
  reads: (x) => [activation(x.a, x.aBits, x.n * x.groups), activation(x.b, x.bBits, x.groups)],
  writes: (x) => [activation(x.dst, x.bits, x.n * x.groups)],
  run(x, s) {
    const out = s.pointer("activation", x.bits, x.dst);
    const a = s.pointer("activation", x.aBits, x.a);
    const b = s.pointer("activation", x.bBits, x.b);
    const format = signed(x.bits);
    s.kernels.divide(
      a,
      s.container("activation", x.aBits),
      x.aZero,
      b,
      s.container("activation", x.bBits) as 4 | 8,
      x.groups,
      x.n,
      s.lanes,
      x.factor,
      x.shift,
      out,
      s.container("activation", x.bits) as 1 | 2,
      x.zero,
      minOf(format),
      maxOf(format),
      x.rounding,
      s.saturations,
    );
  },
  stages: (x, arch, io) => vectorStages(x.n * x.groups, io, arch, arch["vector.divideCycles"]),
  cost: vectorCost("n * groups", "vector.divideCycles"),
  work: (x, arch) => ({ elements: { count: x.n * x.groups * arch["vector.divideCycles"], bits: WORD_BITS } }),
  check: (x) =>
    x.bBits + x.shift > DIVISOR_BITS
      ? [`a denominator of ${x.bBits} bits shifted left by ${x.shift} exceeds ${DIVISOR_BITS} bits`]
      : [],
});
