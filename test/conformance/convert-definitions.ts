import { pick, within } from "../isa/random.ts";
import {
  EXACT_OVERFLOWS,
  EXACT_ROUNDINGS,
  exactDivide,
  exactFit,
  exactRoundShift,
  exactSaturate,
} from "../support/exact.ts";
import type { Definition, OperandsOf } from "./op-definitions.ts";
import { magnitude, putLanes } from "./op-memory.ts";

/** Definitions of the conversions between formats, and of the statistics that published programs define. */

const big = BigInt;

/** What is free among the operands of a conversion, such that they agree with each other. */
function convertOperands(rng: () => number): Readonly<Record<string, number>> {
  const aBits = within(rng, 2, 48);
  const to = within(rng, 2, 44);
  const unsigned = rng() < 0.3 ? 1 : 0;
  const overflow = within(rng, 0, unsigned === 1 ? 3 : 4);
  const bits = within(rng, to + 1 + unsigned, 48);
  const lowest = Math.max(-31, aBits - 52);
  const near = Math.max(aBits - to + within(rng, -3, 3), lowest);
  return {
    ...{ aBits, to, unsigned, overflow, bits },
    kept: overflow >= 3 ? pick(rng, [0, 1, to, within(rng, 0, to)]) : 0,
    shift: pick(rng, [0, near, near, within(rng, lowest, 62), within(rng, lowest, 0)]),
    aZero: pick(rng, [0, within(rng, -2, 1)]),
    zero: pick(rng, [0, within(rng, -2, 1)]),
  };
}

const convert: Definition<OperandsOf<"convert">> = {
  given: convertOperands,
  results(x, lane) {
    const [mode, overflow] = [EXACT_ROUNDINGS[x.rounding]!, EXACT_OVERFLOWS[x.overflow]!];
    const codes = lane.activations(x.aBits, x.a, x.n).map((code) => {
      const value = code - big(x.aZero);
      const moved = x.shift < 0 ? value * 2n ** big(-x.shift) : exactRoundShift(value, x.shift, mode);
      const fitted = exactFit(moved, x.to, x.unsigned === 0, overflow, x.kept);
      if (fitted !== moved) lane.saturations++;
      return fitted + big(x.zero);
    });
    return [codes];
  },
};

const clamp: Definition<OperandsOf<"clamp">> = {
  results: (x, lane) => [
    lane
      .activations(x.bits, x.a, x.n)
      .map((code) => [big(x.lo), code, big(x.hi)].sort((a, b) => Number(a - b))[1]!),
  ],
};

const rowscale: Definition<OperandsOf<"rowscale">> = {
  prepare(x, s, rng) {
    putLanes(s, 32, x.mantissa, x.groups, () =>
      pick(rng, [magnitude(rng, 31), within(rng, -(2 ** 31), 2 ** 31 - 1), -(2 ** 31), 2 ** 31 - 1]),
    );
    const near = x.point + 31 + x.aBits - x.bits;
    putLanes(s, 32, x.exponent, x.groups, () =>
      pick(rng, [
        near,
        near + within(rng, -4, 4),
        within(rng, -70, 70),
        within(rng, -(2 ** 31), 2 ** 31 - 1),
      ]),
    );
  },
  results(x, lane) {
    const mantissas = lane.activations(32, x.mantissa, x.groups);
    const exponents = lane.activations(32, x.exponent, x.groups);
    const ys = lane.activations(x.aBits, x.a, x.groups * x.n).map((code, i) => {
      const g = Math.floor(i / x.n);
      const shift = Math.min(Math.max(Number(exponents[g]!) - x.point, 0), 63);
      const scaled = lane.scaleBy(code - big(x.aZero), { multiplier: mantissas[g]!, shift });
      return lane.saturate(scaled + big(x.zero), x.bits);
    });
    return [ys];
  },
};

const moments: Definition<OperandsOf<"moments">> = {
  prepare(x, s, rng) {
    putLanes(s, 32, x.sums, x.groups, () => within(rng, -1, 1) * Math.min(magnitude(rng, 31), x.n * 2 ** 15));
    putLanes(s, 48, x.squares, x.groups, () => Math.min(magnitude(rng, 47), x.n * 2 ** 31));
  },
  results(x, lane) {
    const means = lane
      .activations(32, x.sums, x.groups)
      .map((sum) => exactSaturate(exactDivide(sum * 1024n, big(x.n), "truncate"), 32, true));
    const share = 2n ** 20n / big(x.n);
    const variances = lane.activations(48, x.squares, x.groups).map((square, g) => {
      const variance = exactDivide(square * share - means[g]! ** 2n, 2n ** 20n, "truncate");
      return variance < 1n ? big(x.guard) : variance;
    });
    return [means, variances];
  },
};

const average: Definition<OperandsOf<"average">> = {
  prepare: (x, s, rng) =>
    putLanes(s, x.aBits, x.a, x.groups, () =>
      pick(rng, [
        -(2 ** (x.aBits - 1)),
        2 ** (x.aBits - 1) - 1,
        0,
        -magnitude(rng, 10),
        magnitude(rng, x.aBits - 1),
      ]),
    ),
  results: (x, lane) => [
    lane.activations(x.aBits, x.a, x.groups).map((sum) => {
      const mean = exactDivide(sum, big(x.n), EXACT_ROUNDINGS[x.rounding]!);
      return lane.saturate(mean + big(x.plus), x.bits);
    }),
  ],
};

const choice = (isFirst: (difference: bigint) => boolean): Definition<OperandsOf<"min" | "larger">> => ({
  results(x, lane) {
    const b = lane.activations(x.bits, x.b, x.period);
    const a = lane.activations(x.bits, x.a, x.n);
    return [a.map((code, i) => (isFirst(code - b[i % x.period]!) ? code : b[i % x.period]!))];
  },
});

const min = choice((difference) => difference < 0n);
const larger = choice((difference) => difference > 0n);

/** One code after another. */
const move: Definition<OperandsOf<"move">> = {
  given(rng) {
    const [rows, columns] = [within(rng, 1, 7), within(rng, 1, 7)];
    const gap = pick(rng, [0, 0, within(rng, 0, 4)]);
    const narrow = pick(rng, [1, 1, within(rng, 1, 3)]);
    const [dstRow, dstColumn] = pick(rng, [
      [narrow * columns + gap, narrow],
      [narrow, narrow * rows + gap],
    ]);
    const near = () => pick(rng, [0, 1, 1, columns, rows, within(rng, 0, 9)]);
    return { rows, columns, dstRow: dstRow!, dstColumn: dstColumn!, srcRow: near(), srcColumn: near() };
  },
  results: (x, lane) =>
    Array.from({ length: x.rows * x.columns }, (_, i) => {
      const [r, c] = [Math.floor(i / x.columns), i % x.columns];
      const all = lane.activations(
        x.bits,
        x.src,
        (x.rows - 1) * x.srcRow + (x.columns - 1) * x.srcColumn + 1,
      );
      return [all[r * x.srcRow + c * x.srcColumn]!];
    }),
};

export const CONVERSIONS = { convert, clamp, min, larger, rowscale, moments, average, move };
