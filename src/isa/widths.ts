/** Widths that the instruction set fixes, for values that no recipe chooses. */

/** A token, or another index into a table. */
export const INDEX_BITS = 16;
/** A statistic, an exponent, a denominator. */
export const WORD_BITS = 32;
/** A sum of products of codes, or a product of sums. */
export const WIDE_BITS = 48;
