import { makeArch } from "../arch/spec.ts";

/**
 * The machines that the references describe, each by its requantizer alone: those that are in industrial use.
 * Sizes and speeds are the default machine's, as they change no bit.
 */

/** gemmlowp, CMSIS-NN, and TensorFlow Lite outside its int8 products: a Q0.31 multiplier, rounded twice. */
export const DOUBLE = makeArch(
  {
    ...{ "requant.rounding": "tflite-double", "requant.multiplierBits": 31, "acc.bits": 32 },
    ...{ "pwl.rounding": "half-up", "pwl.maxPieces": 512 },
  },
  "double rounding",
);

/** TensorFlow Lite's int8 fully connected layer: the same multiplier, rounded once, half up. */
export const SINGLE = makeArch(
  { "requant.rounding": "tflite-single", "requant.multiplierBits": 31, "acc.bits": 32 },
  "single rounding",
);

/**
 * Both of them for products of 16-bit activations, whose accumulators have 64 bits: a 16-bit multiplier, rounded once,
 * half up, behind the array; elements of the vector unit are rounded twice. The widest accumulator that a 16-bit
 * multiplier leaves room for in 63 bits stands for the 64; a case whose sums leave it is refused.
 */
export const WIDE = makeArch(
  {
    ...{ "requant.rounding": "half-up", "requant.multiplierBits": 16, "acc.bits": 47 },
    ...{ "vector.rounding": "tflite-double", "vector.multiplierBits": 31 },
    ...{ "pwl.rounding": "half-up", "pwl.maxPieces": 512 },
  },
  "wide accumulators",
);

/** XNNPACK and ONNX Runtime: a float32 multiplication, to the nearest even. A compatibility mode. */
export const FLOAT32 = makeArch(
  { "requant.rounding": "float32", "requant.multiplierBits": 24, "acc.bits": 32, "pwl.maxPieces": 512 },
  "float32 requantization",
);

/** A plain multiplier and shifter, half up: XNNPACK's integer elements, PULP's accelerators. */
export const PLAIN = makeArch(
  { "requant.rounding": "half-up", "requant.multiplierBits": 31, "acc.bits": 32, "pwl.maxPieces": 512 },
  "one rounding, half up",
);
