import type { Settings } from "../../arch/fields.ts";
import { expNegative, logistic as logisticOf, tanh as tanhOf } from "../../fixed/elementary.ts";
import { maxOf, minOf, signed } from "../../fixed/format.ts";
import { type Mantissa, reciprocalNewton, rsqrtNewton } from "../../fixed/newton.ts";
import { polynomialExp, polynomialGelu } from "../../fixed/polynomial.ts";
import { vectorStages } from "../cost.ts";
import { activation, address, constant, count, defineOp, width, zeroPoint } from "../define.ts";
import { vectorCost } from "../formulas.ts";
import { tableSpans } from "../lookup.ts";
import { codesAt, type MachineState } from "../state.ts";
import { scaleBlock } from "../tables.ts";
import { WIDE_BITS, WORD_BITS } from "../widths.ts";
import { runMantissas } from "./mantissas.ts";

/**
 * Functions that the vector unit computes with its multiplier instead of a table, to the bit as published integer
 * software does. An element keeps its lane for a cycle for each multiplication of the algorithm; additions, shifts,
 * comparisons and multiplications by powers of two go along with them.
 */

/** The lowest and highest word. */
const LOWEST = minOf(signed(WORD_BITS));
const HIGHEST = maxOf(signed(WORD_BITS));

/** Rows of codes, and a word for each row that is taken off its codes. */
const rows = {
  dst: address("activation", "results [groups][n], 32 bits"),
  a: address("activation", "codes [groups][n]"),
  b: address("activation", "what is taken off each row, its largest code [groups], 32 bits"),
  groups: count("rows"),
  n: count("codes in a row"),
  aBits: width(16, "width of the codes"),
};

type Rows = { readonly [K in keyof typeof rows]: number };

const rowReads = (x: Rows) => [
  activation(x.a, x.aBits, x.n * x.groups),
  activation(x.b, WORD_BITS, x.groups),
];
const rowWrites = (x: Rows) => [activation(x.dst, WORD_BITS, x.n * x.groups)];

/** Pointer to int32 [groups][n][lanes]: a[g][i] - b[g], each within lo … hi. */
function differencesOf(x: Rows, s: MachineState, lo: number, hi: number): number {
  const elements = x.groups * x.n * s.lanes;
  const target = s.scratch("differences", 4 * elements);
  const a = s.pointer("activation", x.aBits, x.a);
  const b = s.pointer("activation", WORD_BITS, x.b); // may grow the memory, so before the views are taken
  const codes = codesAt(s, x.aBits, a, elements);
  const taken = s.heap.int32(b, x.groups * s.lanes);
  const results = s.heap.int32(target, elements);
  const row = x.n * s.lanes;
  for (let g = 0; g < x.groups; g++) {
    for (let i = 0; i < row; i++) {
      const difference = codes[g * row + i]! - taken[g * s.lanes + (i % s.lanes)]!;
      results[g * row + i] = Math.min(Math.max(difference, lo), hi);
    }
  }
  return target;
}

/** Multiplications of the five-term polynomial of exp over a quarter, and of Newton's division. */
const EXP_QUARTER = 5;
const NEWTON_DIVISION = 7;
/** Those of Newton's root: four for each of five steps, and one by the root of 1/2. */
const NEWTON_ROOT = 5 * 4 + 1;
/** Constants that exp is multiplied with, at most: exp(-1/4), exp(-1/2) … exp(-16). */
const EXP_POWERS = 7;

/** Multiplications of exp of an argument with `integerBits` integer bits; every power is one, whether taken or not. */
const expMultiplications = (integerBits: number): number =>
  EXP_QUARTER + Math.min(integerBits + 2, EXP_POWERS);

/** Those of Newton's division by 1 + exp, of an argument with `more` integer bits than the codes, as costs are written. */
const logisticFormula = (more: number): string =>
  `(${NEWTON_DIVISION + EXP_QUARTER} + min(integerBits + ${more + 2}, ${EXP_POWERS}))`;

/** Integer bits of the rescaled argument of `exp`. */
const EXP_INTEGER_BITS = 5;
const EXP_CYCLES = expMultiplications(EXP_INTEGER_BITS) + 1; // and one for the scaling

/**
 * The exponential of TensorFlow Lite's and CMSIS-NN's integer softmax. Takes 13 multiplications: one by the scale, five
 * of the polynomial and seven by constants. The difference and its scaled value are saturated to 32 bits and not
 * counted: exp(-32) is 0 in Q0.31, and what is above 0 counts as 0.
 */
export const exp = defineOp({
  name: "exp",
  code: 0x38,
  doc: "dst[g][i] = a[g][i] - b[g] < limit ? 0 : exp(rq(a[g][i] - b[g]; scale)); Q5.26 to Q0.31, above 0 counts as 0",
  fields: {
    ...rows,
    limit: constant(32, LOWEST, HIGHEST, "difference below which the result is 0"),
    scale: address("table", "scale of the difference, to Q5.26"),
  },
  reads: (x, arch) => [...rowReads(x), ...tableSpans(x.scale, Object.values(scaleBlock(arch).arrays))],
  writes: rowWrites,
  run(x, s) {
    const n = x.groups * x.n;
    const elements = n * s.lanes;
    const out = s.pointer("activation", WORD_BITS, x.dst);
    const uncounted = s.scratch("exp", 4 * s.lanes);
    const { multiplier, shift } = s.scale(x.scale);
    const from = differencesOf(x, s, LOWEST, HIGHEST);
    s.kernels.rescale(
      from,
      4,
      0,
      out,
      4,
      n,
      s.lanes,
      multiplier,
      shift,
      0,
      LOWEST,
      0,
      s.rounding.vector,
      uncounted,
    );
    const differences = s.heap.int32(from, elements);
    const results = s.heap.int32(out, elements);
    for (let i = 0; i < elements; i++) results[i] = differences[i]! < x.limit ? 0 : expNegative(results[i]!);
  },
  stages: (x, arch, io) => vectorStages(x.n * x.groups, io, arch, EXP_CYCLES),
  cost: vectorCost("n * groups", String(EXP_CYCLES)),
  work: (x) => ({
    requants: x.n * x.groups,
    elements: { count: x.n * x.groups * expMultiplications(EXP_INTEGER_BITS), bits: WORD_BITS },
  }),
});

/** logistic and tanh: exp, and Newton's division by 1 + exp. */
const defineElementary = <const N extends string>(
  name: N,
  code: number,
  doc: string,
  evaluate: (x: number, integerBits: number, bits: 16 | 32) => number,
  multiplications: (integerBits: number) => number,
  formula: string,
) =>
  defineOp({
    name,
    code,
    doc: `dst[n] = ${doc}; Q(integerBits).(bits - 1 - integerBits) to Q0.(bits - 1)`,
    fields: {
      dst: address("activation", "results [n]"),
      src: address("activation", "codes [n]"),
      n: count("elements"),
      bits: width(32, "width of codes and results, 16 or 32"),
      integerBits: constant(4, 0, 6, "integer bits of the codes"),
    },
    reads: (x) => [activation(x.src, x.bits, x.n)],
    writes: (x) => [activation(x.dst, x.bits, x.n)],
    run(x, s) {
      const elements = x.n * s.lanes;
      const out = s.pointer("activation", x.bits, x.dst); // may grow the memory, so before the views are taken
      const codes = codesAt(s, x.bits, s.pointer("activation", x.bits, x.src), elements);
      const results = codesAt(s, x.bits, out, elements);
      for (let i = 0; i < elements; i++) results[i] = evaluate(codes[i]!, x.integerBits, x.bits as 16 | 32);
    },
    stages: (x, arch, io) => vectorStages(x.n, io, arch, multiplications(x.integerBits)),
    cost: vectorCost("n", formula),
    work: (x) => ({ elements: { count: x.n * multiplications(x.integerBits), bits: x.bits } }),
    check: (x) => (x.bits === 16 || x.bits === 32 ? [] : [`words have 16 or 32 bits, not ${x.bits}`]),
  });

/** gemmlowp's, as in TensorFlow Lite's LSTM. Takes 7 + 5 + min(integerBits + 2, 7) multiplications. */
export const logistic = defineElementary(
  "logistic",
  0x39,
  "1 / (1 + exp(-src[n]))",
  logisticOf,
  (integerBits) => NEWTON_DIVISION + expMultiplications(integerBits),
  logisticFormula(0),
);

/** gemmlowp's: exp is taken of twice the argument. Takes 7 + 5 + min(integerBits + 3, 7) multiplications. */
export const tanh = defineElementary(
  "tanh",
  0x3a,
  "tanh(src[n])",
  tanhOf,
  (integerBits) => NEWTON_DIVISION + expMultiplications(integerBits + 1),
  logisticFormula(1),
);

/** Reciprocals of statistics by Newton's method, as mantissa and exponent. */
const defineNewton = <const N extends string>(
  name: N,
  code: number,
  doc: string,
  evaluate: (v: number) => Mantissa,
  multiplications: number,
) =>
  defineOp({
    name,
    code,
    doc: `dst[n] / 2^exponent[n] = about ${doc}, by Newton's method`,
    fields: {
      dst: address("activation", "mantissas [n], 32 bits"),
      exponent: address("activation", "exponents [n], 32 bits"),
      src: address("activation", "values [n], 48 bits; below 1 counts as 1"),
      n: count("values"),
    },
    reads: (x) => [activation(x.src, WIDE_BITS, x.n)],
    writes: (x) => [activation(x.dst, WORD_BITS, x.n), activation(x.exponent, WORD_BITS, x.n)],
    run(x, s) {
      runMantissas(x, s, evaluate);
    },
    stages: (x, arch, io) => vectorStages(x.n, io, arch, multiplications),
    cost: vectorCost("n", String(multiplications)),
    work: (x) => ({ elements: { count: x.n * multiplications, bits: WORD_BITS } }),
  });

/** Of the integer softmax. Takes 7 multiplications: one for the first guess, two for each of three steps. */
export const reciprocalByNewton = defineNewton(
  "reciprocal.newton",
  0x3b,
  "1 / src[n]",
  reciprocalNewton,
  NEWTON_DIVISION,
);

/** Of TensorFlow Lite's integer layer norm. Takes 21 multiplications. */
export const rsqrtByNewton = defineNewton("rsqrt.newton", 0x3c, "1 / sqrt(src[n])", rsqrtNewton, NEWTON_ROOT);

/** Multiplications of the polynomials beside the division: z * log2, the square, its factor; the square and x. */
const POLYNOMIAL_EXP = 3;
const POLYNOMIAL_GELU = 2;

/** Powers of two that `exp.poly` takes off, at most. */
const MOST_HALVINGS = 31;

const polynomialCycles = (arch: Settings): number => arch["vector.divideCycles"] + POLYNOMIAL_EXP;

/**
 * The exponential of I-BERT's softmax: t = a - b is p - z * log2, and exp(t) the polynomial at p, halved z times,
 * z at most 31. Takes the time of a division and three multiplications. b is a code of its row, so that a difference
 * lies in 1 - 2^aBits … 0; one that does not is brought there.
 */
export const polynomialExponential = defineOp({
  name: "exp.poly",
  code: 0x3e,
  doc: "dst[g][i] = saturate((ca * (p + cb)^2 + cc) / 2^z, floor), p = t + z * log2, z = min(floor(-t / log2), 31), t = a[g][i] - b[g] within 1 - 2^aBits … 0",
  fields: {
    ...rows,
    log2: constant(20, 1, 2 ** 20 - 1, "ln 2"),
    ca: constant(15, 1, 2 ** 15 - 1, "factor of the square"),
    cb: constant(20, 0, 2 ** 20 - 1, "added before the square"),
    cc: constant(31, 0, 2 ** 31 - 1, "added after it"),
  },
  reads: rowReads,
  writes: rowWrites,
  run(x, s) {
    const elements = x.groups * x.n * s.lanes;
    const out = s.pointer("activation", WORD_BITS, x.dst);
    const from = differencesOf(x, s, 1 - 2 ** x.aBits, 0);
    const differences = s.heap.int32(from, elements);
    const results = s.heap.int32(out, elements);
    const clamped = s.heap.int32(s.saturations, s.lanes);
    const coefficients = { log2: x.log2, a: x.ca, b: x.cb, c: x.cc };
    for (let i = 0; i < elements; i++) {
      const y = polynomialExp(differences[i]!, coefficients);
      results[i] = Math.min(Math.max(y, LOWEST), HIGHEST);
      if (results[i] !== y) clamped[i % s.lanes]!++;
    }
  },
  stages: (x, arch, io) => vectorStages(x.n * x.groups, io, arch, polynomialCycles(arch)),
  cost: vectorCost("n * groups", `(vector.divideCycles + ${POLYNOMIAL_EXP})`),
  work: (x, arch) => ({ elements: { count: x.n * x.groups * polynomialCycles(arch), bits: WORD_BITS } }),
  check(x) {
    const lowest = Math.max(x.log2 - 1, 2 ** x.aBits - 1 - MOST_HALVINGS * x.log2);
    const most = x.ca * Math.max(x.cb, lowest - x.cb) ** 2 + x.cc;
    return most < 2 ** 53 ? [] : [`ca * (p + cb)^2 + cc reaches ${most}, which exceeds 53 bits`];
  },
});

/**
 * I-BERT's GELU, the error function by a polynomial of second degree. The unit of the result is that of src times that
 * of `one`. Takes two multiplications; below 2^52 throughout.
 */
export const gelu = defineOp({
  name: "gelu.poly",
  code: 0x3f,
  doc: "dst[n] = saturate(x * floor((one + sgn(x) * (one - (min(|x|, cb) - cb)^2)) / 2)), x = src[n] - aZero",
  fields: {
    dst: address("activation", "results [n], 32 bits"),
    src: address("activation", "codes [n]"),
    n: count("elements"),
    aBits: width(16, "width of the codes"),
    aZero: zeroPoint("zero point of the codes", "aBits"),
    one: constant(32, 1, 2 ** 32 - 1, "1 in units of the square"),
    cb: constant(17, 1, 2 ** 17 - 1, "distance from 0 beyond which the error function is 1"),
  },
  reads: (x) => [activation(x.src, x.aBits, x.n)],
  writes: (x) => [activation(x.dst, WORD_BITS, x.n)],
  run(x, s) {
    const elements = x.n * s.lanes;
    const out = s.pointer("activation", WORD_BITS, x.dst); // may grow the memory, so before the views are taken
    const codes = codesAt(s, x.aBits, s.pointer("activation", x.aBits, x.src), elements);
    const results = s.heap.int32(out, elements);
    const clamped = s.heap.int32(s.saturations, s.lanes);
    const coefficients = { one: x.one, b: -x.cb };
    for (let i = 0; i < elements; i++) {
      const y = polynomialGelu(codes[i]! - x.aZero, coefficients);
      results[i] = Math.min(Math.max(y, LOWEST), HIGHEST);
      if (results[i] !== y) clamped[i % s.lanes]!++;
    }
  },
  stages: (x, arch, io) => vectorStages(x.n, io, arch, POLYNOMIAL_GELU),
  cost: vectorCost("n", String(POLYNOMIAL_GELU)),
  work: (x) => ({ elements: { count: x.n * POLYNOMIAL_GELU, bits: WORD_BITS } }),
});
