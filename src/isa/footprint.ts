import type { Settings } from "../arch/fields.ts";
import { storageBytes } from "../fixed/format.ts";
import { floorDiv } from "../fixed/round.ts";
import type { OpDef, Span } from "./define.ts";
import type { Issued } from "./program.ts";

/** A span by the address field that points at it: `span.from` is the distance from there. */
export interface Placed {
  readonly field: string;
  readonly span: Span;
}

/**
 * What instructions touch that differ in nothing but their addresses. Of an operation, addresses move spans and change
 * nothing else: neither their number nor their sizes, nor what the instruction costs or may not do.
 */
export interface Footprint {
  readonly reads: readonly Placed[];
  readonly writes: readonly Placed[];
  /** Operands from which it was found, addresses far apart. */
  readonly far: Issued["x"];
}

/** Bytes (or accumulators) that a span covers. */
export const sizeOf = (span: Span): number =>
  span.space === "acc" ? span.count : storageBytes(span.count, span.bits);

/** Farther than any address reaches, so that a span tells which field points at it. */
const FAR = 2 ** 32;

interface Known<T> {
  readonly addresses: readonly string[];
  readonly others: readonly string[];
  readonly found: Map<string, T>;
}

/** Things that instructions have in common which differ in their addresses alone, each found out once. */
export class ByShape<T> {
  readonly #find: (op: OpDef, x: Issued["x"], addresses: readonly string[]) => T;
  readonly #known = new Map<OpDef, Known<T>>();

  constructor(find: (op: OpDef, x: Issued["x"], addresses: readonly string[]) => T) {
    this.#find = find;
  }

  of(op: OpDef, x: Issued["x"]): T {
    const { addresses, others, found } = this.#of(op);
    let key = "";
    for (const field of others) key += `${x[field]},`;
    let thing = found.get(key);
    if (thing === undefined) {
      thing = this.#find(op, x, addresses);
      found.set(key, thing);
    }
    return thing;
  }

  #of(op: OpDef): Known<T> {
    let known = this.#known.get(op);
    if (known === undefined) {
      const names = Object.keys(op.fields);
      const isAddress = (name: string) => op.fields[name]!.kind === "address";
      const others = names.filter((name) => !isAddress(name));
      known = { addresses: names.filter(isAddress), others, found: new Map() };
      this.#known.set(op, known);
    }
    return known;
  }
}

/** @param x  operands in their ranges */
export function footprintOf(
  op: OpDef,
  x: Issued["x"],
  addresses: readonly string[],
  arch: Settings,
): Footprint {
  const far: Record<string, number> = { ...x };
  for (const [i, field] of addresses.entries()) far[field] = i * FAR;
  const placed = (span: Span): Placed => {
    const index = floorDiv(span.from, FAR);
    return { field: addresses[index]!, span: { ...span, from: span.from - index * FAR } };
  };
  return { reads: op.reads(far, arch).map(placed), writes: op.writes(far, arch).map(placed), far };
}
