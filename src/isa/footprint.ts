import type { Settings } from "../arch/fields.ts";
import { storageBytes } from "../fixed/format.ts";
import { floorDiv } from "../fixed/round.ts";
import type { OpDef, Span } from "./define.ts";
import type { Issued } from "./program.ts";
import type { Site } from "./sites.ts";
import { alignmentOf } from "./tables.ts";
import { coveredBy, type Stretch, stretchesOf } from "./walk.ts";

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

/** Bytes (or accumulators) that a span covers, from its first to its last. */
export const sizeOf = (span: Span): number =>
  span.space === "acc"
    ? span.count
    : storageBytes(span.walk === undefined ? span.count : coveredBy(span.walk), span.bits);

/** Farther than any address reaches, so that a span tells which field points at it. */
const FAR = 2 ** 32;

interface Known<T> {
  readonly addresses: readonly string[];
  readonly others: readonly string[];
  readonly found: Map<string, T>;
}

/** A span with what its legality depends on, in bytes (or accumulators). */
export interface Extent extends Placed {
  readonly size: number;
  /** The size of what it may be picked from. */
  readonly among: number;
  /** What its address must be a multiple of. */
  readonly step: number;
  /** What is touched of its bytes. */
  readonly stretches: readonly Stretch[];
}

/** Two spans of one memory, by their indices in a footprint; the first is a result. */
export interface Pair {
  readonly write: number;
  readonly other: number;
  /** Whether the other one is an operand of the same shape, whose place the result may take code for code. */
  readonly mayShare: boolean;
}

/** A footprint as the validator asks for it, and what else is legal or not wherever addresses point. */
interface JudgedFootprint {
  readonly reads: readonly Extent[];
  readonly writes: readonly Extent[];
  /** What is read, then what is written. */
  readonly spans: readonly Extent[];
  readonly pairs: readonly Pair[];
  /** Gaps of its operands: following the instruction takes so many steps more. */
  readonly gaps: number;
  /** Rules of the operation that are broken. */
  readonly faults: readonly string[];
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

/** Footprints of the sites of programs, for the validator. */
export class Footprints {
  readonly #shared: ByShape<JudgedFootprint>;
  /** Those of this object's user: a site is asked about again and again. */
  readonly #known = new Map<Site, JudgedFootprint>();

  constructor(arch: Settings) {
    this.#shared = judgedOn(arch);
  }

  /** @param site  of an instruction with operands in their ranges, addresses apart */
  of(site: Site): JudgedFootprint {
    let footprint = this.#known.get(site);
    if (footprint === undefined) {
      footprint = this.#shared.of(site.instruction.op, site.instruction.x);
      this.#known.set(site, footprint);
    }
    return footprint;
  }
}

const all = new WeakMap<Settings, ByShape<JudgedFootprint>>();

/** What was found out on a machine, remembered for as long as it lives. */
function judgedOn(arch: Settings): ByShape<JudgedFootprint> {
  let known = all.get(arch);
  if (known === undefined) {
    known = new ByShape((op, x, addresses) => judgedOf(op, x, addresses, arch));
    all.set(arch, known);
  }
  return known;
}

function judgedOf(op: OpDef, x: Issued["x"], addresses: readonly string[], arch: Settings): JudgedFootprint {
  const { far, ...placed } = footprintOf(op, x, addresses, arch);
  const reads = placed.reads.map(extentOf);
  const writes = placed.writes.map(extentOf);
  const spans = [...reads, ...writes];
  const pairs: Pair[] = [];
  for (let write = reads.length; write < spans.length; write++)
    for (let other = 0; other < spans.length; other++) {
      const isRead = other < reads.length;
      const [one, two] = [spans[write]!.span, spans[other]!.span];
      if (one.space !== two.space || !(isRead || other > write)) continue;
      pairs.push({ write, other, mayShare: isRead && haveOneShape(one, two) });
    }
  let faults: readonly string[] | undefined;
  return {
    reads,
    writes,
    spans,
    pairs,
    gaps: spans.reduce((sum, { stretches }) => sum + stretches.length - 1, 0),
    get faults() {
      // Only now: what writes a memory is asked of programs that nobody has judged.
      faults ??= op.check?.(far, arch) ?? [];
      return faults;
    },
  };
}

/** Whether the codes of one span could stand in the places of the other's, one for one. */
export const haveOneShape = (one: Span, two: Span): boolean =>
  one.bits === two.bits && one.count === two.count && one.walk === undefined && two.walk === undefined;

function extentOf({ field, span }: Placed): Extent {
  const size = sizeOf(span);
  const among = span.among === undefined ? size : sizeOf({ ...span, count: span.among });
  const step = span.space === "acc" ? 1 : alignmentOf(span.bits);
  const stretches = span.walk === undefined ? [{ at: 0, size }] : stretchesOf(span.walk, span.bits);
  return { field, span, size, among, step, stretches };
}
