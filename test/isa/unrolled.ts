import type { Settings } from "../../src/arch/fields.ts";
import { signed, storageBytes } from "../../src/fixed/format.ts";
import type { Space, Span } from "../../src/isa/define.ts";
import { type Issued, type Program, unroll } from "../../src/isa/program.ts";
import { alignmentOf } from "../../src/isa/tables.ts";
import type { Extents } from "../../src/isa/validate.ts";

/** For every byte (or accumulator) of a memory that was written, the width that it was written with, 0 for any. */
export type Bytes = Map<string, number>;

const OWN = ["weight", "activation", "table", "acc"];

/** What programs write, byte by byte. */
export function bytesWritten(programs: readonly Program[], arch: Settings): Bytes {
  const bytes: Bytes = new Map();
  for (const program of programs)
    for (const { op, x } of unroll(program))
      for (const span of op.writes(x, arch)) for (const byte of bytesOf(span)) bytes.set(byte, 0);
  return bytes;
}

/** Bytes (or accumulators) that a span has codes in, after its first, ascending. */
function touchedBy({ space, bits, count, walk }: Span): number[] {
  if (space === "acc") return Array.from({ length: count }, (_, i) => i);
  const touched = new Set<number>();
  for (let i = 0; i < count; i++) {
    const code =
      walk === undefined ? i : Math.floor(i / walk.columns) * walk.row + (i % walk.columns) * walk.column;
    for (let byte = Math.floor((code * bits) / 8); byte * 8 < (code + 1) * bits; byte++) touched.add(byte);
  }
  return [...touched].sort((a, b) => a - b);
}

/** Bytes (or accumulators) from a span's first to its last. */
const sizeOf = (span: Span): number => touchedBy(span).at(-1)! + 1;

const bytesOf = (span: Span): string[] =>
  OWN.includes(span.space) ? touchedBy(span).map((byte) => `${span.space} ${span.from + byte}`) : [];

/** The definition of `validate`: every instruction of every turn is judged, and what it finds byte by byte. */
export function judged(program: Program, arch: Settings, extents: Extents, written?: Bytes): string[] {
  const problems = new Set<string>();
  const limits: Readonly<Record<Space, number>> = {
    dram: extents.image,
    data: extents.data,
    weight: arch["weight.bytes"],
    activation: arch["activation.bytes"],
    table: arch["table.bytes"],
    acc: arch["acc.entries"],
  };
  const held: Bytes = new Map(written);
  for (const [i, { op, x }] of unroll(program).entries()) {
    const complain = (rule: string) => problems.add(`${program.name}: ${i}: ${op.name}: ${rule}`);
    const ranges = rangeFaults({ op, x });
    if (ranges.length > 0) {
      for (const rule of ranges) complain(rule);
      continue;
    }
    for (const rule of op.check?.(x, arch) ?? []) complain(rule);
    const [reads, writes] = [op.reads(x, arch), op.writes(x, arch)];
    for (const span of [...reads, ...writes]) for (const rule of spanFaults(span, limits)) complain(rule);
    for (const rule of overlapFaults(reads, writes)) complain(rule);
    for (const span of reads)
      for (const rule of findFaults(span, held, written !== undefined)) complain(rule);
    for (const span of writes) for (const byte of bytesOf(span)) held.set(byte, span.bits);
  }
  return [...problems];
}

function findFaults(span: Span, held: Bytes, isClosed: boolean): string[] {
  const faults: string[] = [];
  const bytes = bytesOf(span);
  const { space, from, bits } = span;
  const widths = bytes.map((byte) => held.get(byte));
  const other = widths.find((width) => width !== undefined && width !== 0 && width !== bits);
  if (space === "activation" && other !== undefined)
    faults.push(`reads ${bits}-bit codes at activation ${from} that were written with ${other} bits`);
  const gap = touchedBy(span)[widths.indexOf(undefined)];
  if (isClosed && bytes.length > 0 && gap !== undefined)
    faults.push(`reads ${space} ${from} … ${from + sizeOf(span) - 1}, but nothing wrote ${from + gap}`);
  return faults;
}

function rangeFaults({ op, x }: Issued): string[] {
  return Object.entries(op.fields).flatMap(([name, { min, max, codeOf }]) => {
    const value = x[name]!;
    if (!(value >= min && value <= max)) return [`${name}: ${value} is not an integer in ${min} … ${max}`];
    const bits = codeOf === undefined ? undefined : x[codeOf]!;
    if (bits === undefined || bits < 2 || bits > 48) return [];
    const half = 2 ** (signed(bits).bits - 1);
    return value >= -half && value < half ? [] : [`${name}: ${value} is no code of ${bits} bits`];
  });
}

function spanFaults(span: Span, limits: Readonly<Record<Space, number>>): string[] {
  const { space, from, bits } = span;
  const faults: string[] = [];
  const step = alignmentOf(bits);
  if (space !== "acc" && from % step !== 0)
    faults.push(`${space} ${from} is not a multiple of ${step}, as ${bits}-bit codes need`);
  const end = from + (span.among === undefined ? sizeOf(span) : storageBytes(span.among, bits));
  const unit = space === "acc" ? "accumulators" : "bytes";
  if (end > limits[space])
    faults.push(`${space} ${from} … ${end - 1} is outside its ${limits[space]} ${unit}`);
  return faults;
}

function overlapFaults(reads: readonly Span[], writes: readonly Span[]): string[] {
  const meet = (a: Span, b: Span) =>
    a.space === b.space && a.from < b.from + sizeOf(b) && b.from < a.from + sizeOf(a);
  const isInPlace = (a: Span, b: Span) =>
    a.from === b.from && a.bits === b.bits && a.count === b.count && !("walk" in a || "walk" in b);
  return writes.flatMap((write, i) => [
    ...reads
      .filter((read) => meet(write, read) && !isInPlace(write, read))
      .map((read) => `its result at ${write.space} ${write.from} overlaps its operand at ${read.from}`),
    ...writes
      .slice(i + 1)
      .filter((other) => meet(write, other))
      .map((other) => `its results at ${write.space} ${write.from} and ${other.from} overlap`),
  ]);
}
