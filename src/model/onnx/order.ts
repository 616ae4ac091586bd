import type { Order } from "./define.ts";

/** Row-major: axes as they are counted. */
export const rowMajor = (rank: number): Order => [...new Array<number>(rank).keys()];

/** An order with one axis moved to where neighbours in memory differ in it. */
export const innermost = (order: Order, axis: number): Order => [
  ...order.filter((other) => other !== axis),
  axis,
];

/** Channels behind the places of an image: of [batch, channels, ...]. */
export const channelsLast = (rank: number): Order => innermost(rowMajor(rank), 1);

/** Consecutive vectors of so many codes. */
export const vectorsOf = (codes: Int32Array, length: number): Int32Array[] =>
  Array.from({ length: codes.length / length }, (_, i) => codes.subarray(i * length, (i + 1) * length));

/** Vectors one behind the other. */
export function joined(vectors: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(vectors.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const vector of vectors) {
    all.set(vector, at);
    at += vector.length;
  }
  return all;
}

/** A vector over and over, up to so many elements. */
export const repeated = (codes: Int32Array, length: number): Int32Array =>
  codes.length === length ? codes : Int32Array.from({ length }, (_, i) => codes[i % codes.length]!);

/** After how many places a list begins again and again. */
export function periodOf(list: Int32Array): number {
  for (let period = 1; period < list.length; period++) {
    if (list.length % period !== 0 || list[period] !== list[0]) continue;
    if (list.every((value, i) => value === list[i % period])) return period;
  }
  return list.length;
}
