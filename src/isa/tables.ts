import type { Settings } from "../arch/fields.ts";
import { storageBytes } from "../fixed/format.ts";
import type { RequantKind } from "../fixed/requant.ts";
import { ceilDiv } from "../fixed/round.ts";

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

/** Width of a stored shift: 0 … 62 for a right shift, negative for a left shift. */
const SHIFT_BITS = 8;
/** Width of a bias in table memory where accumulators have up to 32 bits, and where they are wider. */
const BIAS_BITS = 32;
const WIDE_BIAS_BITS = 48;
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

export const biasBits = (arch: Settings): number => (arch["acc.bits"] > 32 ? WIDE_BIAS_BITS : BIAS_BITS);

/** Width of a stored multiplier; a requantizer by one shift stores none. */
export function multiplierBits(kind: RequantKind, arch: Settings): number {
  return kind === "multiplier" ? arch["requant.multiplierBits"] : kind === "two-shift" ? 16 : 0;
}

/** `n` scales, as the requantizer of this machine stores them. */
export const scaleBlock = (n: number, arch: Settings): TableBlock<"multiplier" | "shift"> =>
  layout([
    [
      "multiplier",
      multiplierBits(arch["requant.kind"], arch),
      multiplierBits(arch["requant.kind"], arch) > 0 ? n : 0,
    ],
    ["shift", SHIFT_BITS, n],
  ]);

/** `m` channels: biases, then their scales (or one scale for all of them). */
export const channelBlock = (
  m: number,
  perChannel: boolean,
  arch: Settings,
): TableBlock<"bias" | "multiplier" | "shift"> => {
  const n = perChannel ? m : 1;
  const multiplier = multiplierBits(arch["requant.kind"], arch);
  return layout([
    ["bias", biasBits(arch), m],
    ["multiplier", multiplier, multiplier > 0 ? n : 0],
    ["shift", SHIFT_BITS, n],
  ]);
};

/** Gains and their biases, one pair for each channel. */
export const gainBlock = (m: number, gainBits: number): TableBlock<"gain" | "bias"> =>
  layout([
    ["gain", gainBits, m],
    ["bias", GAIN_BIAS_BITS, m],
  ]);

/** A PWL table: knots, bases, slopes, and the shift that all pieces share. */
export const pwlBlock = (
  pieces: number,
  inBits: number,
  outBits: number,
  arch: Settings,
): TableBlock<"knot" | "base" | "slope" | "shift"> =>
  layout([
    ["knot", inBits, pieces],
    ["base", outBits, pieces],
    ["slope", arch["pwl.slopeBits"], pieces],
    ["shift", SHIFT_BITS, 1],
  ]);

function layout<K extends string>(
  arrays: readonly (readonly [name: K, bits: number, count: number])[],
): TableBlock<K> {
  const placed = {} as Record<K, TableArray>;
  let at = 0;
  let alignment = 1;
  for (const [name, bits, count] of arrays) {
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
