import {
  fit,
  type IntFormat,
  maxOf,
  minOf,
  OVERFLOWS,
  type Overflow,
  signed,
  unsigned,
} from "../../fixed/format.ts";
import { powerOfTwo, ROUNDINGS, roundShift, shiftLeft } from "../../fixed/round.ts";
import { vectorStages } from "../cost.ts";
import { activation, address, constant, count, defineOp, flag, reach, width, zeroPoint } from "../define.ts";
import { vectorCost } from "../formulas.ts";
import { codesAt, type MachineState } from "../state.ts";

/** Operations of the vector unit that bring codes into another format, or into a range of their own. */

const convertFields = {
  dst: address("activation", "results [n]"),
  a: address("activation", "operand [n]"),
  n: count("elements"),
  aBits: width(48, "width of a"),
  bits: width(48, "width in which the result is stored"),
  aZero: zeroPoint("zero point of a", "aBits"),
  zero: zeroPoint("zero point of the result"),
  shift: constant(7, -31, 62, "bits that are dropped; negative: zeros that are appended, exactly"),
  rounding: constant(3, 0, ROUNDINGS.length - 1, `rounding: ${ROUNDINGS.join(", ")}`),
  overflow: constant(3, 0, OVERFLOWS.length - 1, `what becomes of the rest: ${OVERFLOWS.join(", ")}`),
  to: width(48, "width of the format that the result is brought into"),
  unsigned: flag("1: that format has no sign"),
  kept: constant(6, 0, 47, "of the wrapping overflows: the highest bits that saturate instead"),
};

type Convert = { readonly [K in keyof typeof convertFields]: number };

const formatOf = (x: Pick<Convert, "to" | "unsigned">): IntFormat =>
  x.unsigned === 1 ? unsigned(x.to) : signed(x.to);

const overflowOf = (x: Pick<Convert, "overflow">): Overflow => OVERFLOWS[x.overflow]!;

const isWrap = (overflow: Overflow): boolean => overflow === "wrap" || overflow === "wrap-sign-magnitude";

/** Multipliers of the kernels end below this power of two. */
const KERNEL_LEFT_SHIFT = 30;

/** The range that an overflow clamps to, where clamping is all that it does. */
function clampOf(x: Convert): readonly [lo: number, hi: number] | undefined {
  const format = formatOf(x);
  switch (overflowOf(x)) {
    case "saturate":
      return [minOf(format), maxOf(format)];
    case "saturate-symmetric":
      return [format.signed ? -maxOf(format) : 0, maxOf(format)];
    default:
      return undefined;
  }
}

export const convert = defineOp({
  name: "convert",
  code: 0x26,
  doc: "dst = fit(round((a - aZero) / 2^shift), format) + zero: rounding and overflow as IEEE 1666 names them for sc_fix; what fit changes is counted as saturated",
  fields: convertFields,
  reads: (x) => [activation(x.a, x.aBits, x.n)],
  writes: (x) => [activation(x.dst, x.bits, x.n)],
  run(x, s) {
    const out = s.pointer("activation", x.bits, x.dst);
    const a = s.pointer("activation", x.aBits, x.a);
    const clamp = clampOf(x);
    if (clamp === undefined || x.shift < -KERNEL_LEFT_SHIFT) {
      convertEach(x, s, a, out);
      return;
    }
    s.kernels.rescale(
      a,
      s.container("activation", x.aBits),
      x.aZero,
      out,
      s.container("activation", x.bits),
      x.n,
      s.lanes,
      powerOfTwo(Math.max(-x.shift, 0)),
      Math.max(x.shift, 0),
      x.zero,
      clamp[0] + x.zero,
      clamp[1] + x.zero,
      x.rounding,
      s.saturations,
    );
  },
  stages(x, arch, io) {
    return vectorStages(x.n, io, arch);
  },
  cost: vectorCost("n"),
  work: (x) => ({ elements: { count: x.n, bits: Math.max(x.aBits, x.bits) } }),
  check(x) {
    const faults: string[] = [];
    const { zero, bits } = x;
    const [format, stored] = [formatOf(x), signed(bits)];
    if (minOf(format) + zero < minOf(stored) || maxOf(format) + zero > maxOf(stored))
      faults.push(`results of ${minOf(format) + zero} … ${maxOf(format) + zero} do not fit ${bits} bits`);
    if (x.shift < 0 && reach(x.aBits, x.aZero) * powerOfTwo(-x.shift) > Number.MAX_SAFE_INTEGER)
      faults.push(`${x.aBits} bits shifted left by ${-x.shift} exceed 53 bits`);
    if (overflowOf(x) === "wrap-sign-magnitude" && x.unsigned === 1)
      faults.push("sign and magnitude do not wrap without a sign");
    if (x.kept > (isWrap(overflowOf(x)) ? x.to : 0))
      faults.push(`${overflowOf(x)} in ${x.to} bits cannot keep ${x.kept} of them`);
    return faults;
  },
});

/** The conversion element by element, between two pointers. */
function convertEach(x: Convert, s: MachineState, a: number, out: number): void {
  const elements = x.n * s.lanes;
  const from = codesAt(s, x.aBits, a, elements);
  const to = codesAt(s, x.bits, out, elements);
  const counts = s.heap.int32(s.saturations, s.lanes);
  const [format, overflow, mode] = [formatOf(x), overflowOf(x), ROUNDINGS[x.rounding]!];
  for (let i = 0; i < elements; i++) {
    const value = from[i]! - x.aZero;
    const moved = x.shift < 0 ? shiftLeft(value, -x.shift) : roundShift(value, x.shift, mode);
    const code = fit(moved, format, overflow, x.kept);
    if (code !== moved) counts[i % s.lanes]!++;
    to[i] = code + x.zero;
  }
}

/** A bound of `clamp`: a code of its operand. */
const bound = (doc: string) => ({ ...constant(32, -(2 ** 31), 2 ** 31 - 1, doc), codeOf: "bits" });

export const clamp = defineOp({
  name: "clamp",
  code: 0x27,
  doc: "dst = min(max(a, lo), hi), on codes; what it changes does not count as saturated",
  fields: {
    dst: address("activation", "results [n]"),
    a: address("activation", "operand [n]"),
    n: count("elements"),
    bits: width(32, "width of the codes"),
    lo: bound("lowest result"),
    hi: bound("highest result"),
  },
  reads: (x) => [activation(x.a, x.bits, x.n)],
  writes: (x) => [activation(x.dst, x.bits, x.n)],
  run(x, s) {
    const uncounted = s.scratch("clamp", 4 * s.lanes);
    const out = s.pointer("activation", x.bits, x.dst);
    const a = s.pointer("activation", x.bits, x.a);
    const size = s.container("activation", x.bits);
    // A scale of 1 leaves nothing to round, so any rounding does.
    s.kernels.rescale(a, size, 0, out, size, x.n, s.lanes, 1, 0, 0, x.lo, x.hi, 0, uncounted);
  },
  stages(x, arch, io) {
    return vectorStages(x.n, io, arch);
  },
  cost: vectorCost("n"),
  work: (x) => ({ elements: { count: x.n, bits: x.bits } }),
  check: (x) => (x.lo <= x.hi ? [] : [`lo ${x.lo} is above hi ${x.hi}`]),
});
