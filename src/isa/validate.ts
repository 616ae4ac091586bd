import type { Settings } from "../arch/fields.ts";
import { maxOf, saturate, signed, storageBytes, unsigned } from "../fixed/format.ts";
import type { Space, Span } from "./define.ts";
import {
  type Issued,
  type Item,
  isLoop,
  LOOP_DEPTH,
  type Program,
  REGISTERS,
  REGISTERS_PER_LOOP,
  STRIDE_BITS,
  TURN_BITS,
  unroll,
} from "./program.ts";
import { alignmentOf } from "./tables.ts";

/** Sizes of the memories that are not the machine's own: the model's image and the data region, both in DRAM. */
export interface Extents {
  readonly image: number;
  readonly data: number;
}

/**
 * Everything that is illegal in a program on this machine: fields out of range, addresses outside a
 * memory or off their alignment, the operations' own rules, and activation codes read at another width than
 * they were written with. Results that overlap operands other than in place are illegal too. One line each, `program: instruction number: operation: rule`; empty where there is nothing.
 * A loop that the sequencer cannot hold is told alone, as no instruction in it has a number.
 */
export function validate(program: Program, arch: Settings, extents: Extents): readonly string[] {
  const loops = loopFaults(program.items, 0);
  if (loops.length > 0) return loops.map((rule) => `${program.name}: loop: ${rule}`);
  const problems = new Set<string>();
  const limits: Readonly<Record<Space, number>> = {
    dram: extents.image,
    data: extents.data,
    weight: arch["weight.bytes"],
    activation: arch["activation.bytes"],
    table: arch["table.bytes"],
    acc: arch["acc.entries"],
  };
  const written = new Stretches<number>();
  for (const [i, issued] of unroll(program).entries()) {
    const complain = (rule: string) => problems.add(`${program.name}: ${i}: ${issued.op.name}: ${rule}`);
    const ranges = rangeFaults(issued);
    for (const rule of ranges) complain(rule);
    if (ranges.length > 0) continue;
    for (const rule of issued.op.check?.(issued.x, arch) ?? []) complain(rule);
    const reads = issued.op.reads(issued.x, arch);
    const writes = issued.op.writes(issued.x, arch);
    for (const span of [...reads, ...writes]) for (const rule of spanFaults(span, limits)) complain(rule);
    for (const rule of overlapFaults(reads, writes)) complain(rule);
    for (const { space, from, bits, count } of reads) {
      if (space !== "activation") continue;
      const { values } = written.within(from, from + storageBytes(count, bits));
      const other = values.find((width) => width !== bits);
      if (other !== undefined)
        complain(`reads ${bits}-bit codes at activation ${from} that were written with ${other} bits`);
    }
    for (const span of writes)
      if (span.space === "activation") written.note(span.from, span.from + sizeOf(span), span.bits);
  }
  return [...problems];
}

/**
 * A result may stand where an operand of the same shape did, code for code; any other overlap would overwrite what is
 * still to be read, or one result with another.
 */
function overlapFaults(reads: readonly Span[], writes: readonly Span[]): string[] {
  const meet = (a: Span, b: Span) =>
    a.space === b.space && a.from < b.from + sizeOf(b) && b.from < a.from + sizeOf(a);
  const isInPlace = (a: Span, b: Span) => a.from === b.from && a.bits === b.bits && a.count === b.count;
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

function loopFaults(items: readonly Item[], depth: number): string[] {
  return items.flatMap((item) => {
    if (!isLoop(item)) {
      const beyond = Object.values(item.by).filter((register) => register >= depth * REGISTERS_PER_LOOP);
      return beyond.map((register) => `${item.op.name} uses ${REGISTERS[register]} outside of its loop`);
    }
    if (depth === LOOP_DEPTH) return [`loops nest at most ${LOOP_DEPTH} deep`];
    const { count, strides, body } = item;
    const most = maxOf(unsigned(TURN_BITS));
    const rules: string[] = [];
    if (!Number.isInteger(count) || count < 0 || count > most)
      rules.push(`${count} turns are not an integer in 0 … ${most}`);
    if (body.length > most) rules.push(`a body of ${body.length} is longer than ${most}`);
    if (strides.length > REGISTERS_PER_LOOP)
      rules.push(`${strides.length} strides for ${REGISTERS_PER_LOOP} registers`);
    for (const stride of strides)
      if (!Number.isInteger(stride) || stride !== saturate(stride, signed(STRIDE_BITS)))
        rules.push(`a stride of ${stride} does not fit ${STRIDE_BITS} bits`);
    return [...rules, ...loopFaults(body, depth + 1)];
  });
}

function rangeFaults({ op, x }: Issued): string[] {
  return Object.entries(op.fields).flatMap(([name, f]) => {
    const value = x[name];
    if (value === undefined) return [`${name} is missing`];
    if (!(Number.isInteger(value) && value >= f.min && value <= f.max))
      return [`${name}: ${value} is not an integer in ${f.min} … ${f.max}`];
    const bits = f.codeOf === undefined ? undefined : x[f.codeOf];
    const isCode =
      bits === undefined || !(bits >= 2 && bits <= 48) || value === saturate(value, signed(bits));
    return isCode ? [] : [`${name}: ${value} is no code of ${bits} bits`];
  });
}

/** Bytes (or accumulators) that a span covers. */
export const sizeOf = (span: Span): number =>
  span.space === "acc" ? span.count : storageBytes(span.count, span.bits);

function spanFaults(span: Span, limits: Readonly<Record<Space, number>>): string[] {
  const faults: string[] = [];
  const unit = span.space === "acc" ? "accumulators" : "bytes";
  if (span.space !== "acc" && span.from % alignmentOf(span.bits) !== 0) {
    faults.push(
      `${span.space} ${span.from} is not a multiple of ${alignmentOf(span.bits)}, as ${span.bits}-bit codes need`,
    );
  }
  const end = span.from + sizeOf({ ...span, count: span.among ?? span.count });
  if (span.from < 0 || end > limits[span.space]) {
    faults.push(`${span.space} ${span.from} … ${end - 1} is outside its ${limits[span.space]} ${unit}`);
  }
  return faults;
}

/** Disjoint stretches of addresses, each with what was last noted of it. */
class Stretches<T> {
  #all: { readonly from: number; readonly to: number; readonly value: T }[] = [];

  note(from: number, to: number, value: T): void {
    const kept = this.#all.flatMap((r) => {
      if (r.to <= from || r.from >= to) return [r];
      const pieces = [];
      if (r.from < from) pieces.push({ ...r, to: from });
      if (r.to > to) pieces.push({ ...r, from: to });
      return pieces;
    });
    kept.push({ from, to, value });
    this.#all = kept;
  }

  /** What is noted of addresses in from … to - 1, and whether each of them has something noted. */
  within(from: number, to: number): { readonly values: readonly T[]; readonly isWhole: boolean } {
    const found = this.#all.filter((r) => r.from < to && r.to > from);
    const covered = found.reduce((sum, r) => sum + Math.min(r.to, to) - Math.max(r.from, from), 0);
    return { values: found.map(({ value }) => value), isWhole: covered === to - from };
  }
}

/**
 * Whether some accumulator might leave its range: by the widths of the operands, not by their values. Where it
 * cannot, wrapping, saturation and the array's shape play no part in the bits.
 */
export function mayOverflow(program: Program, arch: Settings): boolean {
  const limit = 2 ** (arch["acc.bits"] - 1) - 1;
  const held = new Stretches<number>();
  for (const { op, x } of unroll(program)) {
    const sums = op.accumulates?.(x);
    if (sums === undefined) continue;
    for (const { from, count } of op.writes(x, arch)) {
      const { values, isWhole } = held.within(from, from + count);
      const most = sums.largest + (sums.keep ? Math.max(isWhole ? 0 : limit, ...values) : 0);
      if (most > limit) return true;
      held.note(from, from + count, most);
    }
  }
  return false;
}
