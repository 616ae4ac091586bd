/** Where the fraction of a step begins: 9 bits for the sigmoid, 8 for tanh, whose steps are half as long. */
export const FRACTION_BITS = { even: 9, odd: 8 } as const;

/** The last step; from here on the function is flat. */
const LAST = 255;

/**
 * The sigmoid or tanh of d by linear interpolation in one table of the sigmoid's positive half, mirrored
 * for negative d: that of CMSIS-NN and TensorFlow Lite Micro, to the bit. Rounded to the nearest, and ties
 * of negative d by the mirror image of the others'. tanh(x) is taken as 2 · sigmoid(2x) - 1.
 *
 * @param table  256 values in 0 … 2^16 - 1, of 16 fraction bits; RangeError for another length
 * @param d      safe integer: the table's steps, of 9 fraction bits for the sigmoid and 8 for tanh
 * @param odd    tanh rather than sigmoid
 * @returns a code in Q0.15
 */
export function interpolateMirrored(table: ArrayLike<number>, d: number, odd: boolean): number {
  if (table.length !== LAST + 1) throw new RangeError(`a table has 256 values, not ${table.length}`);
  const bits = odd ? FRACTION_BITS.odd : FRACTION_BITS.even;
  const a = Math.abs(d);
  // The sigmoid's flat end is 2^16 - 2, one below tanh's, so that it leaves as 2^15 - 1.
  let height = (odd ? 0xffff : 0xfffe) << bits;
  if (a < LAST << bits) {
    const step = a >> bits;
    const from = table[step]!;
    height = (from << bits) + (a - (step << bits)) * (table[step + 1]! - from);
  }
  if (odd) {
    // The middle, 1/2 of 16 fraction bits, is tanh's zero.
    const rise = height - (0x8000 << bits);
    return (d >= 0 ? rise + 128 : -rise + 127) >> bits;
  }
  return (d >= 0 ? height + 512 : (0x1_0000 << bits) - height + 511) >> (bits + 1);
}
