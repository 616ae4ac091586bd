import type { Shown } from "../quant/grid.ts";

/** A real matrix, row-major: element (r, c) is `data[r * columns + c]`. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array | Float64Array;
}

/**
 * Shown the real values that pass a named site, so that ranges can be observed without a second forward pass.
 * The array may be the kernel's working memory: read it before returning, and neither keep nor change it.
 * What a curve reads is `lookedUp`: its table may be made for where these values are. What a matrix multiplies is `averaged`: it
 * is always of one length, and only the mean of each element is of interest, by which biases are corrected.
 */
export type Tap = (site: string, values: Float64Array, as?: Shown) => void;

/** A tap that puts `prefix.` before every site; nothing stays nothing, so an unobserved run pays nothing. */
export const prefixed = (tap: Tap | undefined, prefix: string): Tap | undefined =>
  tap && ((site, values, as) => tap(`${prefix}.${site}`, values, as));

/** @throws RangeError unless `x` has exactly `length` elements */
export function expectLength(what: string, x: ArrayLike<unknown>, length: number): void {
  if (x.length !== length) throw new RangeError(`${what} has ${x.length} elements, not ${length}`);
}
