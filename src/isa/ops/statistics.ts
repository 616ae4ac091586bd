import { saturate, signed } from "../../fixed/format.ts";
import { divide, ROUNDINGS, roundShift } from "../../fixed/round.ts";
import { vectorStages } from "../cost.ts";
import { activation, address, constant, count, defineOp } from "../define.ts";
import { vectorCost } from "../formulas.ts";
import { codesAt } from "../state.ts";
import { WIDE_BITS, WORD_BITS } from "../widths.ts";

/** Means and variances of the vector unit, from sums and sums of squares, as published programs define them. */

const WORD = signed(WORD_BITS);

/** Fraction bits of the mean; of the reciprocal of n, and of the variance before it is an integer. */
const MEAN_POINT = 10;
const VARIANCE_POINT = 20;

export const moments = defineOp({
  name: "moments",
  code: 0x33,
  doc: "mean[g] = saturate(trunc(sums[g] * 1024 / n)); variance[g] = trunc((squares[g] * floor(2^20 / n) - mean[g]^2) / 2^20), below 1: guard; exact while squares * 2^20 / n and mean^2 are below 2^52",
  fields: {
    mean: address("activation", "means [groups], 10 fraction bits, 32 bits"),
    variance: address("activation", "variances [groups], 48 bits"),
    sums: address("activation", "sums [groups], 32 bits"),
    squares: address("activation", "sums of squares [groups], 48 bits"),
    groups: count("rows"),
    n: count("codes that were summed"),
    guard: constant(31, 1, 2 ** 31 - 1, "variance of a row that has none"),
  },
  reads: (x) => [activation(x.sums, WORD_BITS, x.groups), activation(x.squares, WIDE_BITS, x.groups)],
  writes: (x) => [activation(x.mean, WORD_BITS, x.groups), activation(x.variance, WIDE_BITS, x.groups)],
  run(x, s) {
    const elements = x.groups * s.lanes;
    const [atMean, atSums] = [x.mean, x.sums].map((at) => s.pointer("activation", WORD_BITS, at));
    const [atVariance, atSquares] = [x.variance, x.squares].map((at) =>
      s.pointer("activation", WIDE_BITS, at),
    );
    const [means, sums] = [atMean!, atSums!].map((at) => s.heap.int32(at, elements));
    const [variances, squares] = [atVariance!, atSquares!].map((at) => s.heap.float64(at, elements));
    const share = divide(2 ** VARIANCE_POINT, x.n, "floor");
    for (let i = 0; i < elements; i++) {
      const mean = saturate(divide(sums![i]! * 2 ** MEAN_POINT, x.n, "truncate"), WORD);
      const variance = roundShift(squares![i]! * share - mean * mean, VARIANCE_POINT, "truncate");
      means![i] = mean;
      variances![i] = variance < 1 ? x.guard : variance;
    }
  },
  stages: (x, arch, io) => vectorStages(x.groups, io, arch, arch["vector.divideCycles"]),
  cost: vectorCost("groups", "vector.divideCycles"),
  work: (x, arch) => ({ elements: { count: x.groups * arch["vector.divideCycles"], bits: WIDE_BITS } }),
});

export const average = defineOp({
  name: "average",
  code: 0x34,
  doc: "dst[g] = saturate(round(a[g] / n) + plus)",
  fields: {
    dst: address("activation", "results [groups]"),
    a: address("activation", "sums [groups]"),
    groups: count("rows"),
    aBits: constant(6, 17, 48, "width of the sums"),
    bits: constant(6, 17, 48, "width of the results"),
    n: count("codes that were summed"),
    plus: constant(8, 0, 255, "added to the quotient"),
    rounding: constant(3, 0, ROUNDINGS.length - 1, `rounding: ${ROUNDINGS.join(", ")}`),
  },
  reads: (x) => [activation(x.a, x.aBits, x.groups)],
  writes: (x) => [activation(x.dst, x.bits, x.groups)],
  run(x, s) {
    const elements = x.groups * s.lanes;
    const out = s.pointer("activation", x.bits, x.dst);
    const from = s.pointer("activation", x.aBits, x.a); // may grow the memory, so before the views are taken
    const results = codesAt(s, x.bits, out, elements);
    const sums = codesAt(s, x.aBits, from, elements);
    const counts = s.heap.int32(s.saturations, s.lanes);
    const [format, mode] = [signed(x.bits), ROUNDINGS[x.rounding]!];
    for (let i = 0; i < elements; i++) {
      const mean = divide(sums[i]!, x.n, mode) + x.plus;
      const code = saturate(mean, format);
      if (code !== mean) counts[i % s.lanes]!++;
      results[i] = code;
    }
  },
  stages: (x, arch, io) => vectorStages(x.groups, io, arch, arch["vector.divideCycles"]),
  cost: vectorCost("groups", "vector.divideCycles"),
  work: (x, arch) => ({ elements: { count: x.groups * arch["vector.divideCycles"], bits: x.aBits } }),
});
