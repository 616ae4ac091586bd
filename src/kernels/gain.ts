import { InputError } from "../base/errors.ts";
import { maxOf, saturate, signed } from "../fixed/format.ts";
import { type Grid, roundReal } from "../fixed/real.ts";
import type { Scale } from "../fixed/requant.ts";
import { affineFaults } from "../isa/ops/vector.ts";
import { GAIN_BIAS_BITS } from "../isa/tables.ts";
import { type Numerics, scaleForWeights } from "../quant/numerics.ts";
import type { QGain } from "./elementwise.ts";

/** y * gain + shift on the way to the output's grid: gains are codes, shifts are biases in the product's LSBs. */
export interface QAffine {
  readonly gains: Int32Array;
  readonly biases: Float64Array;
  readonly gainBits: number;
  /** Bits that the sum loses, half away from zero, before it is scaled. */
  readonly drop: number;
  readonly scale: Scale;
}

/** What every element of a vector is multiplied by, and what is added to it: of equal lengths. */
interface Affine {
  readonly gain: Float64Array;
  readonly shift: Float64Array;
}

/** A gain of this size stands for none, where there are only zeros. */
const LEAST_GAIN = 1e-9;

/** The largest size among values that are not all zero, by and large. */
export const largestOf = (values: Float64Array): number =>
  values.reduce((most, x) => Math.max(most, Math.abs(x)), LEAST_GAIN);

/** @throws InputError where gains of the recipe's width have no room in the machine's product */
export function quantizeAffine(
  { gain, shift }: Affine,
  input: Grid,
  output: Grid,
  drop: number,
  numerics: Numerics,
): QAffine {
  const gainBits = numerics.recipe.gain_bits;
  const [fault] = affineFaults(
    { aBits: input.format.bits, aZero: input.zero, gainBits, drop },
    numerics.arch,
  );
  if (fault !== undefined) throw new InputError(`recipe: gain_bits: ${gainBits}`, fault);
  const format = signed(gainBits);
  const forGains = (input.scale * largestOf(gain)) / maxOf(format);
  const forShifts = largestOf(shift) / 2 ** (GAIN_BIAS_BITS - 2);
  const least = (Math.max(forGains, forShifts) * 2 ** drop) / output.scale;
  const { scale, factor } = scaleForWeights(least, "vector", numerics);
  const step = (factor * output.scale) / 2 ** drop; // real value of an LSB of code times gain
  const gains = Int32Array.from(gain, (g) =>
    saturate(roundReal((g * input.scale) / step, "half-away"), format),
  );
  const biases = shift.map((s) => roundReal(s / step, "half-away"));
  return { gains, biases, gainBits, drop, scale };
}

/** The same by an instruction of its own, nothing dropped. */
export function quantizeGain(affine: Affine, a: Grid, output: Grid, numerics: Numerics): QGain {
  const { gains, biases, gainBits, scale } = quantizeAffine(affine, a, output, 0, numerics);
  return { a, output, gains, biases, gainBits, scale };
}
