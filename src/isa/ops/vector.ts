import type { Settings } from "../../arch/fields.ts";
import { scalingOf } from "../../arch/scaling.ts";
import { maxOf, minOf, signed } from "../../fixed/format.ts";
import { ceilDiv } from "../../fixed/round.ts";
import { vectorStages } from "../cost.ts";
import {
  activation,
  address,
  constant,
  count,
  defineOp,
  reach,
  type Span,
  width,
  zeroPoint,
} from "../define.ts";
import { vectorCost } from "../formulas.ts";
import { tableSpans } from "../lookup.ts";
import { GAIN_BIAS_BITS, gainBlock, scaleBlock } from "../tables.ts";

/** Elementwise operations of the vector unit: two operands, or one and constants, with scales of their own. */

/** An operand that starts again every `period` elements is read again each time; a single code stays in a register. */
const repeated = (span: Span, { n, period }: { readonly n: number; readonly period: number }): Span =>
  period === 1 ? span : { ...span, passes: ceilDiv(n, period) };

/** The same as formulas have it. */
const REPEATS = "repeats(n, period)";

/** The spans of one scale in table memory. */
const scaleSpans = (block: number, arch: Settings): readonly Span[] =>
  tableSpans(block, Object.values(scaleBlock(arch).arrays));

const two = {
  dst: address("activation", "results [n]"),
  a: address("activation", "first operand [n]"),
  b: address("activation", "second operand [period]"),
  n: count("elements"),
  period: count("elements after which the second operand repeats: n is elementwise, 1 broadcasts one"),
};

const divides = (x: { readonly n: number; readonly period: number }): readonly string[] =>
  x.n % x.period === 0 ? [] : [`period ${x.period} does not divide n ${x.n}`];

const sumFields = {
  ...two,
  aBits: width(32, "width of a"),
  bBits: width(32, "width of b"),
  bits: width(32, "width of the result"),
  aZero: zeroPoint("zero point of a", "aBits"),
  bZero: zeroPoint("zero point of b", "bBits"),
  zero: zeroPoint("zero point of the result"),
  aScale: address("table", "scale of a"),
  bScale: address("table", "scale of b"),
};

/** a + b and a - b differ in one sign: a subtractor is an adder. */
const defineSum = <const N extends string>(name: N, code: number, sign: 1 | -1) =>
  defineOp({
    name,
    code,
    doc: `dst = saturate(rq(a - aZero; aScale) ${sign === 1 ? "+" : "-"} rq(b - bZero; bScale) + zero)`,
    fields: sumFields,
    reads: (x, arch) => [
      activation(x.a, x.aBits, x.n),
      repeated(activation(x.b, x.bBits, x.period), x),
      ...scaleSpans(x.aScale, arch),
      ...scaleSpans(x.bScale, arch),
    ],
    writes: (x) => [activation(x.dst, x.bits, x.n)],
    run(x, s) {
      const out = s.pointer("activation", x.bits, x.dst);
      const a = s.pointer("activation", x.aBits, x.a);
      const b = s.pointer("activation", x.bBits, x.b);
      const [aSize, bSize, size] = [x.aBits, x.bBits, x.bits].map(
        (bits) => s.container("activation", bits) as 1 | 2 | 4,
      );
      const [ra, rb] = [s.scale(x.aScale), s.scale(x.bScale)];
      const format = signed(x.bits);
      s.kernels.add(
        a,
        aSize!,
        x.aZero,
        ra.multiplier,
        ra.shift,
        b,
        bSize!,
        x.bZero,
        rb.multiplier,
        rb.shift,
        x.period,
        sign,
        out,
        size!,
        x.n,
        s.lanes,
        x.zero,
        minOf(format),
        maxOf(format),
        s.rounding.vector,
        s.saturations,
      );
    },
    stages(x, arch, io) {
      return vectorStages(x.n, io, arch);
    },
    cost: vectorCost("n"),
    passes: { b: REPEATS },
    work: (x) => ({ requants: 2 * x.n, elements: { count: x.n, bits: Math.max(x.aBits, x.bBits) } }),
    check: divides,
  });

export const add = defineSum("add", 0x20, 1);
export const sub = defineSum("sub", 0x21, -1);

export const mul = defineOp({
  name: "mul",
  code: 0x22,
  doc: "dst = saturate(rq((a - aZero) * (b - bZero); scale) + zero)",
  fields: {
    ...two,
    aBits: width(16, "width of a"),
    bBits: width(16, "width of b"),
    bits: width(32, "width of the result"),
    aZero: zeroPoint("zero point of a", "aBits"),
    bZero: zeroPoint("zero point of b", "bBits"),
    zero: zeroPoint("zero point of the result"),
    scale: address("table", "scale of the product"),
  },
  reads: (x, arch) => [
    activation(x.a, x.aBits, x.n),
    repeated(activation(x.b, x.bBits, x.period), x),
    ...scaleSpans(x.scale, arch),
  ],
  writes: (x) => [activation(x.dst, x.bits, x.n)],
  run(x, s) {
    const out = s.pointer("activation", x.bits, x.dst);
    const a = s.pointer("activation", x.aBits, x.a);
    const b = s.pointer("activation", x.bBits, x.b);
    const aSize = s.container("activation", x.aBits) as 1 | 2;
    const bSize = s.container("activation", x.bBits) as 1 | 2;
    const size = s.container("activation", x.bits) as 1 | 2 | 4;
    const { multiplier, shift } = s.scale(x.scale);
    const format = signed(x.bits);
    s.kernels.multiply(
      a,
      aSize,
      x.aZero,
      b,
      bSize,
      x.bZero,
      x.period,
      out,
      size,
      x.n,
      s.lanes,
      multiplier,
      shift,
      x.zero,
      minOf(format),
      maxOf(format),
      s.rounding.vector,
      s.saturations,
    );
  },
  stages(x, arch, io) {
    return vectorStages(x.n, io, arch);
  },
  cost: vectorCost("n"),
  passes: { b: REPEATS },
  work: (x) => ({ requants: x.n, elements: { count: x.n, bits: Math.max(x.aBits, x.bBits) } }),
  check: divides,
});

/** The smaller and the larger of two codes differ in the way that one comparison goes. */
const defineChoice = <const N extends string>(
  name: N,
  code: number,
  kernel: "minimum" | "maximum",
  doc: string,
) =>
  defineOp({
    name,
    code,
    doc,
    fields: { ...two, bits: width(32, "width of the codes") },
    reads: (x) => [activation(x.a, x.bits, x.n), repeated(activation(x.b, x.bits, x.period), x)],
    writes: (x) => [activation(x.dst, x.bits, x.n)],
    run(x, s) {
      const [out, a, b] = [x.dst, x.a, x.b].map((at) => s.pointer("activation", x.bits, at));
      const size = s.container("activation", x.bits) as 1 | 2 | 4;
      s.kernels[kernel](a!, b!, x.period, out!, size, x.n, s.lanes);
    },
    stages(x, arch, io) {
      return vectorStages(x.n, io, arch);
    },
    cost: vectorCost("n"),
    passes: { b: REPEATS },
    work: (x) => ({ elements: { count: x.n, bits: x.bits } }),
    check: divides,
  });

export const min = defineChoice("min", 0x35, "minimum", "dst = min(a, b), on codes of one grid");
/** `max` is the largest code of a row. */
export const larger = defineChoice("larger", 0x37, "maximum", "dst = max(a, b), on codes of one grid");

export const affine = defineOp({
  name: "affine",
  code: 0x23,
  doc: "dst[i] = saturate(rq(round(((a[i] - aZero) * gain[i % period] + bias[i % period]) / 2^drop); scale) + zero), the inner rounding half-away; tflite-double takes the low 32 bits of what it rounds",
  fields: {
    dst: address("activation", "results [n]"),
    a: address("activation", "operand [n]"),
    n: count("elements"),
    period: count("channels: elements after which the gains repeat"),
    gains: address("table", "block of gains and biases"),
    gainBits: width(16, "width of a gain"),
    aBits: width(32, "width of a"),
    bits: width(32, "width of the result"),
    aZero: zeroPoint("zero point of a", "aBits"),
    zero: zeroPoint("zero point of the result"),
    drop: constant(5, 0, 31, "bits of the sum that are dropped before it is scaled"),
    scale: address("table", "scale of the sum"),
  },
  reads: (x, arch) => [
    activation(x.a, x.aBits, x.n),
    ...tableSpans(x.gains, Object.values(gainBlock(x.period, x.gainBits).arrays)).map((span) =>
      repeated(span, x),
    ),
    ...scaleSpans(x.scale, arch),
  ],
  writes: (x) => [activation(x.dst, x.bits, x.n)],
  run(x, s) {
    const { arrays } = gainBlock(x.period, x.gainBits);
    const gain = s.decode("gain", x.gains, arrays.gain, 4, 0);
    const bias = s.decode("bias", x.gains, arrays.bias, 8, 0);
    const out = s.pointer("activation", x.bits, x.dst);
    const a = s.pointer("activation", x.aBits, x.a);
    const aSize = s.container("activation", x.aBits) as 1 | 2 | 4;
    const size = s.container("activation", x.bits) as 1 | 2 | 4;
    const { multiplier, shift } = s.scale(x.scale);
    const format = signed(x.bits);
    s.kernels.affine(
      a,
      aSize,
      x.aZero,
      gain,
      bias,
      x.period,
      x.drop,
      out,
      size,
      x.n,
      s.lanes,
      multiplier,
      shift,
      x.zero,
      minOf(format),
      maxOf(format),
      s.rounding.vector,
      s.saturations,
    );
  },
  stages(x, arch, io) {
    return vectorStages(x.n, io, arch);
  },
  cost: vectorCost("n"),
  passes: { gains: REPEATS },
  work: (x) => ({ requants: x.n, elements: { count: x.n, bits: Math.max(x.aBits, x.gainBits) } }),
  check: (x, arch) => [...divides(x), ...affineFaults(x, arch)],
});

/** Width of the product behind an affine operation's sum, signs included. */
const PRODUCT_BITS = 64;

/**
 * What the product of an affine operation's sum and its scale's multiplier has no room for. The sum itself always has
 * room: 32 bits times 16, and a bias of 32. TFLite's product takes 32 bits of it, and a float32 all.
 */
export function affineFaults(
  x: { readonly aBits: number; readonly aZero: number; readonly gainBits: number; readonly drop: number },
  arch: Settings,
): readonly string[] {
  const { multiplierBits: multiplier, rounding } = scalingOf("vector", arch);
  if (rounding === "tflite-double" || rounding === "float32") return [];
  const sum = reach(x.aBits, x.aZero) * 2 ** (x.gainBits - 1) + 2 ** (GAIN_BIAS_BITS - 1);
  return ceilDiv(sum, 2 ** x.drop) * 2 ** multiplier > 2 ** (PRODUCT_BITS - 1)
    ? [
        `${x.aBits} bits times a gain of ${x.gainBits}, ${x.drop} of them dropped, times a multiplier of ${multiplier} exceed the ${PRODUCT_BITS}-bit product`,
      ]
    : [];
}

export const rescale = defineOp({
  name: "rescale",
  code: 0x24,
  doc: "dst = saturate(rq(a - aZero; scale) + zero)",
  fields: {
    dst: address("activation", "results [n]"),
    a: address("activation", "operand [n]"),
    n: count("elements"),
    aBits: width(48, "width of a"),
    bits: width(48, "width of the result"),
    aZero: zeroPoint("zero point of a", "aBits"),
    zero: zeroPoint("zero point of the result"),
    scale: address("table", "scale"),
  },
  reads: (x, arch) => [activation(x.a, x.aBits, x.n), ...scaleSpans(x.scale, arch)],
  writes: (x) => [activation(x.dst, x.bits, x.n)],
  run(x, s) {
    const out = s.pointer("activation", x.bits, x.dst);
    const a = s.pointer("activation", x.aBits, x.a);
    const { multiplier, shift } = s.scale(x.scale);
    const format = signed(x.bits);
    s.kernels.rescale(
      a,
      s.container("activation", x.aBits),
      x.aZero,
      out,
      s.container("activation", x.bits),
      x.n,
      s.lanes,
      multiplier,
      shift,
      x.zero,
      minOf(format),
      maxOf(format),
      s.rounding.vector,
      s.saturations,
    );
  },
  stages(x, arch, io) {
    return vectorStages(x.n, io, arch);
  },
  cost: vectorCost("n"),
  work: (x) => ({ requants: x.n, elements: { count: x.n, bits: x.aBits } }),
  check: rescaleFaults,
});

/** What a requantizer's 64-bit product, and TFLite's 32-bit one, have no room for. */
function rescaleFaults(x: { readonly aBits: number; readonly aZero: number }, arch: Settings): string[] {
  const faults: string[] = [];
  const { multiplierBits: multiplier, rounding } = scalingOf("vector", arch);
  if (multiplier > 0 && reach(x.aBits, x.aZero) * (2 ** multiplier - 1) >= 2 ** 63)
    faults.push(`${x.aBits} bits times a multiplier of ${multiplier} exceed the 64-bit product`);
  if (rounding === "tflite-double" && x.aBits > 32)
    faults.push(`tflite-double takes at most 32 bits, not ${x.aBits}`);
  return faults;
}

export const fill = defineOp({
  name: "fill",
  code: 0x25,
  doc: "dst[n] = value",
  fields: {
    dst: address("activation", "codes [n]"),
    n: count("elements"),
    bits: width(48, "width"),
    value: { ...constant(32, -(2 ** 31), 2 ** 31 - 1, "the code"), codeOf: "bits" },
  },
  reads: () => [],
  writes: (x) => [activation(x.dst, x.bits, x.n)],
  run(x, s) {
    s.fill("activation", x.bits, x.dst, x.n, x.value);
  },
  stages(x, arch, io) {
    return vectorStages(x.n, io, arch);
  },
  cost: vectorCost("n"),
  work: (x) => ({ elements: { count: x.n, bits: x.bits } }),
});
