import type { Settings } from "../../arch/fields.ts";
import { signed } from "../../fixed/format.ts";
import type { Grid } from "../../fixed/real.ts";
import { quantizedMultiplier } from "../../fixed/scale.ts";
import { unitScale } from "../convert.ts";
import { guardOf, NEWTON_POINT, type QNewtonNorm, type QRootNorm, rootFormats } from "./quantize.ts";

/** Layer norms from the integers that the references state; what a code stands for is their business. */

/** The layer norm of the gates of TensorFlow Lite's LSTM. */
export interface NewtonNormParameters {
  /** Rows of equal length that gains and biases are divided into: 1 for a gate by itself. */
  readonly groups: number;
  /** [groups * n], 16 bits, and [groups * n], in units of a gain's LSB / 1024. */
  readonly gains: Int32Array;
  readonly biases: ArrayLike<number>;
  /** Gains to the output: multiplier / 2^31 * 2^shift of the reference, whose last step adds 12 to the shift. */
  readonly multiplier: number;
  readonly shift: number;
  /** Real value of a gain's LSB, which the variance's guard is made from. */
  readonly gainScale: number;
}

const LAST_SHIFT = 12;
const GAIN_BITS = 16;
const codes = (bits: number): Grid => ({ format: signed(bits), scale: 1, zero: 0 });

/** From 16 bits to 16 bits. Bit-exact where the vector unit's rounding is tflite-double. */
export const newtonNormOf = (p: NewtonNormParameters): QNewtonNorm => ({
  ...{ kind: "newton", n: p.gains.length / p.groups, groups: p.groups },
  ...{ input: codes(16), output: codes(16), guard: guardOf(p.gainScale) },
  normalized: { format: signed(32), scale: 2 ** -NEWTON_POINT, zero: 0 },
  affine: {
    ...{ gains: p.gains, biases: Float64Array.from(p.biases), gainBits: GAIN_BITS, drop: NEWTON_POINT },
    scale: quantizedMultiplier(p.multiplier, p.shift + LAST_SHIFT),
  },
});

/** iLayerNorm of Deeploy and PULP's transformer kernels. */
export interface RootNormParameters {
  readonly inputBits: number;
  readonly outputBits: number;
  /** [n] each, the gains of up to `gainBits` bits: together with the input's at most 30. */
  readonly gains: Int32Array;
  readonly gainBits: number;
  readonly biases: ArrayLike<number>;
  /** The logarithm of D. */
  readonly shift: number;
}

/** Bit-exact as long as trunc(t w / deviation) has 16 bits. */
export const rootNormOf = (p: RootNormParameters, arch: Settings): QRootNorm => ({
  ...{ kind: "root", n: p.gains.length, groups: 1, input: codes(p.inputBits), output: codes(p.outputBits) },
  ...{ gains: p.gains, gainBits: p.gainBits, biases: Float64Array.from(p.biases), shift: p.shift },
  ...rootFormats(codes(p.inputBits)),
  unit: unitScale(arch),
});
