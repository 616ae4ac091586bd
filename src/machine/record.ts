import type { Settings } from "../arch/fields.ts";
import { signed, storageBytes, wrap } from "../fixed/format.ts";
import { powerOfTwo } from "../fixed/round.ts";
import type { Space, Span } from "../isa/define.ts";
import { type Image, overlap } from "../isa/image.ts";
import type { Issued } from "../isa/program.ts";
import type { MachineState } from "../isa/state.ts";
import { coveredBy, placesOf } from "../isa/walk.ts";
import type { Observer } from "./machine.ts";

/** A span that an instruction reads or writes, under a name. */
export interface Operand {
  readonly name: string;
  readonly span: Span;
}

/** An operand, and the codes that are there. */
export interface Contents extends Operand {
  readonly codes: readonly number[];
  /** Of a read that picks its codes by data: which of the rows of `span.count` codes they are. */
  readonly row?: number;
}

/** An instruction that was executed: what it found and what it left, in the first lane. */
export interface Recording {
  readonly issued: Issued;
  readonly reads: readonly Contents[];
  readonly writes: readonly Contents[];
}

/**
 * The operands of an instruction. Each is named after the address field that points at it; what lies further on in a
 * block, after the field and its distance from there, as in `scales+64`. No two reads and no two writes share a name.
 */
export function operandsOf({ op, x }: Issued, arch: Settings) {
  const fields = Object.entries(op.fields).flatMap(([field, { kind, space }]) =>
    kind === "address" ? [{ field, space: space!, at: x[field]! }] : [],
  );
  const writes = named(op.writes(x, arch), fields);
  const results = new Set(writes.map(({ name }) => name));
  // An operand that is overwritten in place keeps its own name.
  const operandsFirst = [...fields].sort(
    (a, b) => Number(results.has(a.field)) - Number(results.has(b.field)),
  );
  return { reads: named(op.reads(x, arch), operandsFirst), writes };
}

function named(
  spans: readonly Span[],
  fields: readonly { readonly field: string; readonly space: Space; readonly at: number }[],
): Operand[] {
  const taken = new Set<string>();
  return spans.map((span) => {
    const name = fields
      .filter(({ space, at }) => space === span.space && at <= span.from)
      .sort((a, b) => b.at - a.at)
      .map(({ field, at }) => (at === span.from ? field : `${field}+${span.from - at}`))
      .find((candidate) => !taken.has(candidate));
    if (name === undefined) throw new Error(`no field points at ${span.space} ${span.from}`);
    taken.add(name);
    return { name, span };
  });
}

/**
 * An observer that tells what each instruction read and wrote. `image` is the machine's.
 *
 * Codes are told at the widths of the spans. An instruction that copies from the image into a memory of the machine
 * moves bytes, whatever codes lie in them: those are told as bytes, packed as `packed` says.
 */
export function recorder(state: MachineState, image: Image, tell: (recording: Recording) => void): Observer {
  let reads: readonly Contents[] = [];
  return {
    before(issued) {
      const operands = operandsOf(issued, state.arch);
      reads = isLoad(operands.writes)
        ? operands.reads.map((operand) => ({ ...operand, codes: bytesIn(image, operand.span) }))
        : contentsOf(operands.reads, state);
    },
    after(issued) {
      const { writes } = operandsOf(issued, state.arch);
      const source = reads[0]?.span;
      const contents =
        isLoad(writes) && source !== undefined
          ? writes.map((operand) => ({ ...operand, codes: bytesCopied(state, image, source, operand.span) }))
          : contentsOf(writes, state);
      tell({ issued, reads, writes: contents });
    },
  };
}

/** Memories that all lanes share are written by copies from the image alone. */
const isLoad = (writes: readonly Operand[]): boolean =>
  writes.some(({ span: { space } }) => space === "weight" || space === "table");

/** The codes of a span as the instruction comes by them. */
export function codesIn(state: MachineState, { space, bits, from, count, walk }: Span): readonly number[] {
  if (walk === undefined) return state.read(space, bits, from, count);
  const all = state.read(space, bits, from, coveredBy(walk));
  return placesOf(walk).map((place) => all[place]!);
}

/** Puts such codes there. */
export function putCodes(
  state: MachineState,
  { space, bits, from, walk }: Span,
  codes: readonly number[],
): void {
  if (walk === undefined) {
    state.write(space, bits, from, codes);
    return;
  }
  const all = state.read(space, bits, from, coveredBy(walk));
  for (const [i, place] of placesOf(walk).entries()) all[place] = codes[i]!;
  state.write(space, bits, from, all);
}

/** Codes as they are. A read that picks among rows takes the one that the operand before it says, or the nearest. */
function contentsOf(operands: readonly Operand[], state: MachineState): Contents[] {
  const contents: Contents[] = [];
  for (const operand of operands) {
    const { space, bits, from, count, among } = operand.span;
    if (among === undefined) {
      contents.push({ ...operand, codes: codesIn(state, operand.span) });
      continue;
    }
    const asked = contents.at(-1)!.codes[0]!;
    const row = Math.min(Math.max(asked, 0), among / count - 1);
    const codes = state.read(space, bits, from, (row + 1) * count).slice(row * count);
    contents.push({ ...operand, row, codes });
  }
  return contents;
}

interface Piece {
  /** First byte. */
  readonly at: number;
  readonly bits: number;
  readonly codes: ArrayLike<number>;
}

/** The bytes of the image that a span covers. */
function bytesIn(image: Image, span: Span): number[] {
  const pieces = piecesOf(image, span).map(({ at, bits, first, count, codes }) => ({
    at,
    bits,
    codes: Array.from({ length: count }, (_, i) => codes[first + i]!),
  }));
  return packed(storageBytes(span.count, span.bits), pieces);
}

/** The bytes that a copy of `source` left at `target`, as the machine has them. */
function bytesCopied(state: MachineState, image: Image, source: Span, target: Span): number[] {
  const pieces = piecesOf(image, source).map(({ at, bits, count }) => ({
    at,
    bits,
    codes: state.read(target.space, bits, target.from + at, count),
  }));
  return packed(storageBytes(target.count, target.bits), pieces);
}

/** The parts of the image's segments that lie in a span. */
const piecesOf = (image: Image, { from, bits, count }: Span) =>
  image.segments.flatMap((segment) => {
    const part = overlap(segment, from, from + storageBytes(count, bits));
    if (part.count === 0) return [];
    return [
      {
        ...part,
        at: segment.address + (part.first * segment.bits) / 8 - from,
        bits: segment.bits,
        codes: segment.codes,
      },
    ];
  });

/** A code of up to 48 bits is packed in parts of at most this many: with those of a begun byte, a number stays exact. */
const PART_BITS = 24;

/**
 * Bytes, as 8-bit codes, of memory that holds pieces: code i of a piece lies in its bits i * bits … (i + 1) * bits - 1,
 * the lowest bit of a byte first; what lies in none is 0.
 */
export function packed(bytes: number, pieces: readonly Piece[]): number[] {
  const result = new Array<number>(bytes).fill(0);
  const byte = signed(8);
  for (const { at, bits, codes } of pieces) {
    let next = at;
    let held = 0;
    let heldBits = 0;
    for (let i = 0; i < codes.length; i++) {
      let rest = codes[i]! < 0 ? codes[i]! + powerOfTwo(bits) : codes[i]!;
      for (let left = bits; left > 0; ) {
        const taken = Math.min(left, PART_BITS);
        const low = rest % powerOfTwo(taken);
        held += low * powerOfTwo(heldBits);
        heldBits += taken;
        rest = (rest - low) / powerOfTwo(taken);
        left -= taken;
        for (; heldBits >= 8; heldBits -= 8) {
          result[next++] = wrap(held, byte);
          held = (held - (held % 256)) / 256;
        }
      }
    }
    if (heldBits > 0) result[next] = wrap(held, byte);
  }
  return result;
}
