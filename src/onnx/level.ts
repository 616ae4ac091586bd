/** Numbers that a layer is made of, and which of the channels that it gives each of them has a part in. */
export interface Given {
  readonly values: Float64Array;
  readonly channels: ArrayLike<number>;
}

/** Weights, and which channel of the layer's input each of them reads. */
export interface Reading {
  readonly values: Float64Array;
  readonly reads: ArrayLike<number>;
}

/** Two layers, one right behind the other, with nothing in between that a positive factor would not pass through. */
export interface Link {
  readonly first: Given;
  readonly second: Reading;
  /** Channels that flow between them. */
  readonly count: number;
  /** Constants that are added to the first one's output channels. */
  readonly shifts: readonly Given[];
}

/** Ranges are level where the logarithms of the next factors would be no larger than this. */
const LEVEL = 1e-5;
const MOST_TURNS = 100;
/**
 * Weights this much smaller than a layer's largest have the code 0 at 16 bits and one scale: such a channel is dead, and stays as it
 * is. Of what training has left there, factors would be made that enlarge its bias without end.
 */
const LEAST_SHARE = 2 ** -16;

/**
 * Cross-layer equalization (Nagel et al. 2019, arXiv 1906.04721, section 4.1), in place: channel i of what flows from one layer to the
 * next is divided by s_i = sqrt(r1_i / r2_i), with r1_i the largest weight that gives it and r2_i the largest that reads it, so that
 * both become sqrt(r1_i r2_i); over and over, until all links are level. Layers that are in two links share their values there.
 */
export function levelLinks(links: readonly Link[]): void {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const farthest = links.reduce((most, link) => Math.max(most, level(link)), 0);
    if (farthest <= LEVEL) return;
  }
}

/** Levels the ranges of two layers. @returns the largest logarithm of a factor, in size */
function level({ first, second, count, shifts }: Link): number {
  const given = largest(first.values, first.channels, count);
  const read = largest(second.values, second.reads, count);
  const [least, leastRead] = [given, read].map((ranges) => LEAST_SHARE * Math.max(...ranges)) as Ends;
  const factors = given.map((r, i) => (r > least && read[i]! > leastRead ? Math.sqrt(r / read[i]!) : 1));
  for (const { values, channels } of [first, ...shifts])
    for (let i = 0; i < values.length; i++) values[i]! /= factors[channels[i]!]!;
  for (let i = 0; i < second.values.length; i++) second.values[i]! *= factors[second.reads[i]!]!;
  return factors.reduce((farthest, factor) => Math.max(farthest, Math.abs(Math.log(factor))), 0);
}
type Ends = [given: number, read: number];

/** The largest magnitude in each channel. */
function largest(values: Float64Array, channels: ArrayLike<number>, count: number): Float64Array {
  const most = new Float64Array(count);
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size > most[channels[i]!]!) most[channels[i]!] = size;
  }
  return most;
}
