import { storageBytes } from "../../fixed/format.ts";
import { lineFrom } from "../../kernels/builder.ts";

/** Codes that are in memory from the step that writes them to the last that reads them. */
export interface Life {
  readonly elements: number;
  readonly bits: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Addresses for codes of which none lie upon others while they live: each, in the order in which they are written, at the lowest
 * address that is free for all its life.
 * @param base  the first address
 * @returns the addresses, and the end of all
 */
export function laidOut(lives: readonly Life[], base: number): { addresses: number[]; end: number } {
  const placed: { readonly life: Life; readonly at: number; readonly end: number }[] = [];
  const addresses = new Array<number>(lives.length);
  const order = [...lives.keys()].toSorted((a, b) => lives[a]!.from - lives[b]!.from || a - b);
  for (const i of order) {
    const life = lives[i]!;
    const bytes = storageBytes(life.elements, life.bits);
    const others = placed
      .filter(({ life: other }) => other.from <= life.to && life.from <= other.to)
      .toSorted((a, b) => a.at - b.at);
    let at = lineFrom(base, life.bits);
    for (const other of others)
      if (at < other.end && other.at < at + bytes) at = lineFrom(other.end, life.bits);
    placed.push({ life, at, end: at + bytes });
    addresses[i] = at;
  }
  return { addresses, end: placed.reduce((most, { end }) => Math.max(most, end), base) };
}
