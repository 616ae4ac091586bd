import { storageBytes } from "../fixed/format.ts";

/** Constant codes at a byte address of the DRAM. */
export interface Segment {
  readonly address: number;
  /** Width of a code, 2 … 48; signed two's complement. */
  readonly bits: number;
  readonly codes: ArrayLike<number>;
}

/** A compiled model's constants: everything that its programs load. */
export interface Image {
  readonly segments: readonly Segment[];
  readonly bytes: number;
}

/** A part of a segment that lies in the byte range [from, to): its first code and how many whole codes. */
export function overlap(
  segment: Segment,
  from: number,
  to: number,
): { readonly first: number; readonly count: number } {
  const { address, bits, codes } = segment;
  const end = address + storageBytes(codes.length, bits);
  if (end <= from || address >= to) return { first: 0, count: 0 };
  const first = from <= address ? 0 : ((from - address) * 8) / bits;
  const last = to >= end ? codes.length : ((to - address) * 8) / bits;
  if (!Number.isInteger(first) || !Number.isInteger(last)) {
    throw new RangeError(`the bytes ${from} … ${to} cut a ${bits}-bit code of the segment at ${address}`);
  }
  return { first, count: last - first };
}
