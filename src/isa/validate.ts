import type { Settings } from "../arch/fields.ts";
import { storageBytes } from "../fixed/format.ts";
import type { Space, Span } from "./define.ts";
import { type Issued, type Program, unroll } from "./program.ts";
import { alignmentOf } from "./tables.ts";

/** Sizes of the memories that are not the machine's own: the model's image and the data region, both in DRAM. */
export interface Extents {
  readonly image: number;
  readonly data: number;
}

/**
 * Everything that is illegal in a program on this machine: fields out of range, addresses outside a
 * memory or off their alignment, the operations' own rules, and activation codes read at another width than
 * they were written with. One line each, `program: instruction number: operation: rule`; empty where there is nothing.
 */
export function validate(program: Program, arch: Settings, extents: Extents): readonly string[] {
  const problems = new Set<string>();
  const limits: Readonly<Record<Space, number>> = {
    dram: extents.image,
    data: extents.data,
    weight: arch["weight.bytes"],
    activation: arch["activation.bytes"],
    table: arch["table.bytes"],
    acc: arch["acc.entries"],
  };
  const written = new WidthMap();
  for (const [i, issued] of unroll(program).entries()) {
    const complain = (rule: string) => problems.add(`${program.name}: ${i}: ${issued.op.name}: ${rule}`);
    const ranges = rangeFaults(issued);
    for (const rule of ranges) complain(rule);
    if (ranges.length > 0) continue;
    for (const rule of issued.op.check?.(issued.x, arch) ?? []) complain(rule);
    const reads = issued.op.reads(issued.x, arch);
    const writes = issued.op.writes(issued.x, arch);
    for (const span of [...reads, ...writes]) for (const rule of spanFaults(span, limits)) complain(rule);
    for (const span of reads) {
      const width = written.clash(span);
      if (width !== undefined)
        complain(
          `reads ${span.bits}-bit codes at activation ${span.from} that were written with ${width} bits`,
        );
    }
    for (const span of writes) written.note(span);
  }
  return [...problems];
}

function rangeFaults({ op, x }: Issued): string[] {
  return Object.entries(op.fields).flatMap(([name, f]) => {
    const value = x[name];
    if (value === undefined) return [`${name} is missing`];
    if (Number.isInteger(value) && value >= f.min && value <= f.max) return [];
    return [`${name}: ${value} is not an integer in ${f.min} … ${f.max}`];
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
  const end = span.from + sizeOf(span);
  if (span.from < 0 || end > limits[span.space]) {
    faults.push(`${span.space} ${span.from} … ${end - 1} is outside its ${limits[span.space]} ${unit}`);
  }
  return faults;
}

/** Which width each byte of the activation SRAM was last written with, as disjoint ranges. */
class WidthMap {
  #ranges: { from: number; to: number; bits: number }[] = [];

  note(span: Span): void {
    if (span.space !== "activation") return;
    const [from, to] = [span.from, span.from + sizeOf(span)];
    const kept = this.#ranges.flatMap((r) => {
      if (r.to <= from || r.from >= to) return [r];
      const pieces = [];
      if (r.from < from) pieces.push({ ...r, to: from });
      if (r.to > to) pieces.push({ ...r, from: to });
      return pieces;
    });
    kept.push({ from, to, bits: span.bits });
    this.#ranges = kept;
  }

  /** A width, other than the span's, that some of its bytes hold. */
  clash(span: Span): number | undefined {
    if (span.space !== "activation") return undefined;
    const to = span.from + sizeOf(span);
    return this.#ranges.find((r) => r.from < to && r.to > span.from && r.bits !== span.bits)?.bits;
  }
}

/**
 * Whether some accumulator might leave its range: by the widths of the operands, not by their values. Where it
 * cannot, wrapping, saturation and the array's shape play no part in the bits.
 */
export function mayOverflow(program: Program, arch: Settings): boolean {
  const limit = 2 ** (arch["acc.bits"] - 1) - 1;
  const held = new Map<number, number>();
  for (const { op, x } of unroll(program)) {
    const sums = op.accumulates?.(x);
    if (sums === undefined) continue;
    for (const span of op.writes(x, arch)) {
      const most = sums.largest + (sums.keep ? (held.get(span.from) ?? limit) : 0);
      if (most > limit) return true;
      held.set(span.from, most);
    }
  }
  return false;
}
