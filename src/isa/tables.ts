import type { Settings } from "../arch/fields.ts";
import { type Scaling, scalingOf } from "../arch/scaling.ts";
import { storageBytes } from "../fixed/format.ts";
import { ceilDiv } from "../fixed/round.ts";
import { SHIFT_BITS, storedArrays, type TableShape } from "../pwl/storage.ts";

/** An array inside a block of table memory: `count` codes of `bits` bits, `offset` bytes from the block's start. */
export interface TableArray {
  readonly offset: number;
  readonly bits: number;
  readonly count: number;
}

/** A block of table memory: arrays one after another, each on its own alignment. */
export interface TableBlock<K extends string> {
  readonly arrays: { readonly [P in K]: TableArray };
  readonly bytes: number;
  /** A block starts on a multiple of this many bytes, which keeps each of its arrays aligned. */
  readonly alignment: number;
}

/** Least width of a bias in table memory. */
const LEAST_BIAS_BITS = 32;
/** Width of a bias that goes with a gain: two bits above what the quantizer uses, so that the sum has room. */
export const GAIN_BIAS_BITS = 32;

/**
 * Bytes of the smallest step that keeps codes of `bits` bits aligned: a code's bit address is a
 * multiple of its width, so an array may start at every multiple of `bits / gcd(bits, 8)` bytes.
 */
export function alignmentOf(bits: number): number {
  let odd = bits;
  for (let factor = 8; factor > 1 && odd % 2 === 0; factor /= 2) odd /= 2;
  return odd;
}

export const alignUp = (at: number, step: number): number => ceilDiv(at, step) * step;

/** Width of a bias: an accumulator's, or 32 bits. What is added is never wider than what it is added to has room for. */
export const biasBits = (arch: Settings): number => Math.max(arch["acc.bits"], LEAST_BIAS_BITS);

/** `n` scales as a unit stores them: one that only shifts has no multipliers. */
const scaleArrays = (n: number, { multiplierBits }: Scaling) =>
  [
    ["multiplier", multiplierBits, multiplierBits > 0 ? n : 0],
    ["shift", SHIFT_BITS, n],
  ] as const;

/** A scale of the vector unit. */
export const scaleBlock = (arch: Settings): TableBlock<"multiplier" | "shift"> =>
  layout(scaleArrays(1, scalingOf("vector", arch)));

/** `m` channels of the requantizer: biases, then their scales (or one scale for all of them). */
export const channelBlock = (
  m: number,
  perChannel: boolean,
  arch: Settings,
): TableBlock<"bias" | "multiplier" | "shift"> => {
  const scales = scaleArrays(perChannel ? m : 1, scalingOf("requant", arch));
  return layout([["bias", biasBits(arch), m], ...scales]);
};

/** Gains and their biases, one pair for each channel. */
export const gainBlock = (m: number, gainBits: number): TableBlock<"gain" | "bias"> =>
  layout([
    ["gain", gainBits, m],
    ["bias", GAIN_BIAS_BITS, m],
  ]);

/** A PWL table, on a unit that shares a shift or has one for each piece. */
export const pwlBlock = (
  shape: TableShape,
  arch: Settings,
): TableBlock<"knot" | "base" | "slope" | "shift" | "sum"> =>
  layout(storedArrays(shape, arch["pwl.shifts"] === "per-piece" ? shape.pieces : 1));

/** Entries of a mirrored table. */
const MIRRORED_ENTRIES = 256;
/** Width of an entry, a fraction without sign: 16-bit codes stand for it, offset by 2^15. */
const MIRRORED_BITS = 16;

/** One half of a function whose other half mirrors it, at equal steps. */
export const mirroredBlock = (): TableBlock<"entry"> => layout([["entry", MIRRORED_BITS, MIRRORED_ENTRIES]]);

function layout<K extends string>(
  arrays: readonly (readonly [name: K, bits: number, count: number])[],
): TableBlock<K> {
  const placed = {} as Record<K, TableArray>;
  let at = 0;
  let alignment = 1;
  for (const [name, bits, count] of arrays) {
    if (!Number.isInteger(bits) || (bits < 1 && count > 0))
      throw new RangeError(`codes of ${name} have 1 bit or more, not ${bits}`);
    const step = count === 0 ? 1 : alignmentOf(bits);
    const offset = alignUp(at, step);
    placed[name] = { offset, bits, count };
    at = offset + storageBytes(count, Math.max(bits, 1));
    alignment = leastCommonMultiple(alignment, step);
  }
  return { arrays: placed, bytes: at, alignment };
}

function leastCommonMultiple(a: number, b: number): number {
  let multiple = a;
  while (multiple % b !== 0) multiple += a;
  return multiple;
}
