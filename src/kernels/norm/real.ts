import { expectLength, type Tap } from "../tensors.ts";

/**
 * A normalization over a vector: centre it, divide by its deviation, then `gain` and `shift` per element.
 *
 * - `layer`: the deviation is sqrt(mean((x - mean)^2) + epsilon), the biased variance.
 * - `mad`: the deviation is max(mean |x - mean|, epsilon), docs/method.md, section 3. The floor has the place that
 *   max(q_d, 1) has in the integer definition; with `epsilon` 0 a constant vector normalizes to zeros.
 */
export interface NormParams {
  readonly kind: "layer" | "mad";
  readonly gain: Float64Array; // [n]
  readonly shift: Float64Array; // [n]
  readonly epsilon: number; // >= 0
}

/**
 * The normalization of the whole vector `x`, [n] to [n]. Sites: `mean` (one value), `centred`, `deviation` (one
 * value), `normalized` (before gain and shift), `output`.
 *
 * @throws RangeError where gain, shift and x differ in length
 */
export const norm = (p: NormParams, x: Float64Array, tap?: Tap): Float64Array => normBlocks(p, x, 1, tap);

/**
 * The same over each of `blocks` equal, consecutive parts of `x`: every part has a mean and a deviation of its
 * own, gain and shift stay per element of `x`. The sites show all parts at once, `mean` and `deviation` with one
 * value per part.
 *
 * @throws RangeError where lengths differ or `blocks` does not divide them
 */
export function normBlocks(p: NormParams, x: Float64Array, blocks: number, tap?: Tap): Float64Array {
  const n = x.length;
  expectLength("a norm's gain", p.gain, n);
  expectLength("a norm's shift", p.shift, n);
  if (n === 0 || n % blocks !== 0) throw new RangeError(`${blocks} blocks do not divide ${n} elements`);
  const span = n / blocks;
  const means = new Float64Array(blocks);
  const deviations = new Float64Array(blocks);
  const centred = new Float64Array(n);
  const normalized = new Float64Array(n);
  const output = new Float64Array(n);
  for (let block = 0; block < blocks; block++) {
    const from = block * span;
    const mean = meanOf(x, from, span);
    for (let i = from; i < from + span; i++) centred[i] = x[i]! - mean;
    const deviation = deviationOf(p, centred, from, span);
    for (let i = from; i < from + span; i++) {
      normalized[i] = deviation === 0 ? 0 : centred[i]! / deviation;
      output[i] = normalized[i]! * p.gain[i]! + p.shift[i]!;
    }
    means[block] = mean;
    deviations[block] = deviation;
  }
  tap?.("mean", means);
  tap?.("centred", centred);
  tap?.("deviation", deviations);
  tap?.("normalized", normalized);
  tap?.("output", output);
  return output;
}

function meanOf(x: Float64Array, from: number, span: number): number {
  let sum = 0;
  for (let i = from; i < from + span; i++) sum += x[i]!;
  return sum / span;
}

function deviationOf(p: NormParams, centred: Float64Array, from: number, span: number): number {
  let sum = 0;
  switch (p.kind) {
    case "layer":
      for (let i = from; i < from + span; i++) sum += centred[i]! * centred[i]!;
      return Math.sqrt(sum / span + p.epsilon);
    case "mad":
      for (let i = from; i < from + span; i++) sum += Math.abs(centred[i]!);
      return Math.max(sum / span, p.epsilon);
  }
}
