import type { Settings } from "../../arch/fields.ts";
import { saturate } from "../../fixed/format.ts";
import { plainRounding } from "../../fixed/requant.ts";
import { divide } from "../../fixed/round.ts";
import { exactLookup, exactSum } from "../elementwise.ts";
import type { QSoftmax } from "./quantize.ts";

export function exactSoftmax(q: QSoftmax, scores: Int32Array, arch: Settings): Int32Array {
  // The maximum leaves the reduction with the scores' zero point taken off.
  const largest = scores.reduce((most, code) => Math.max(most, code)) - q.input.zero;
  const below = exactSum(q.difference, scores, Int32Array.of(largest), -1, arch);
  const exponentials = exactLookup(q.exp, below, arch).map((code) => code - q.exponential.zero);
  const sum = exponentials.reduce((total, e) => total + e, 0);
  const rounding = plainRounding(arch["requant.rounding"]);
  return exponentials.map((e) =>
    saturate(divide(e * q.factor, Math.max(sum, 1), rounding) + q.output.zero, q.output.format),
  );
}
