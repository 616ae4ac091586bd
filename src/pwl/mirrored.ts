import { roundReal } from "../fixed/real.ts";
import { CURVES } from "./curves.ts";

/** Steps of the table for each unit of the sigmoid's argument. */
const STEPS_PER_UNIT = 24;
const ENTRIES = 256;
/** Fraction bits of an entry. */
const FRACTION_BITS = 16;

/**
 * The sigmoid's positive half at i / 24 for i = 0 … 255, 16 fraction bits, each entry raised by half of
 * what the chord to the next one misses: the table that CMSIS-NN and TensorFlow Lite Micro interpolate in for
 * sigmoid and tanh of 16 bits, entry for entry. The last entry is 2^16 - 1, as near to 1 as 16 bits come.
 *
 * @returns `[256]` ascending, 2^15 … 2^16 - 1
 */
export function mirroredSigmoid(): Int32Array {
  const one = 2 ** FRACTION_BITS;
  const entries = Int32Array.from({ length: ENTRIES }, (_, i) => {
    const g = CURVES.sigmoid.f(i / STEPS_PER_UNIT);
    // A chord misses f'' / 8 of a squared step in its middle, and half of that spreads the error evenly.
    const bend = g * (1 - g) * (1 - 2 * g);
    return roundReal(one * (g - bend / (16 * STEPS_PER_UNIT ** 2)), "half-away");
  });
  entries[ENTRIES - 1] = one - 1;
  return entries;
}
