import seedrandom from "seedrandom";
import type { Settings } from "../../src/arch/fields.ts";
import type { ArchSpec } from "../../src/arch/spec.ts";
import { storageBytes } from "../../src/fixed/format.ts";
import type { Field, OpDef, Span } from "../../src/isa/define.ts";
import type { Image, Segment } from "../../src/isa/image.ts";
import { type Instruction, type Item, type Program, REGISTERS_PER_LOOP } from "../../src/isa/program.ts";
import { ops } from "../../src/isa/table.ts";
import {
  alignmentOf,
  alignUp,
  channelBlock,
  gainBlock,
  mirroredBlock,
  pwlBlock,
  scaleBlock,
  type TableBlock,
} from "../../src/isa/tables.ts";
import { sizeOf } from "../../src/isa/validate.ts";
import type { Machine } from "../../src/machine/machine.ts";
import type { TableShape } from "../../src/pwl/storage.ts";
import { draw, type Floors, pick, type Rng } from "./machines.ts";

/**
 * Random programs that are legal, and whose codes stay within what the kernels promise for.
 *
 * Activation SRAM and data region are divided by what is kept there: codes of one width, or statistics that only
 * certain operations may be given. Operands are drawn inside these parts, which are small, so that instructions meet.
 */
export interface Sample {
  readonly program: Program;
  /** Its segments are drawn when they are asked for: most samples are never run. */
  readonly image: Image;
  readonly dataBytes: number;
}

/** Alignment that suits codes of every width used here. */
const STEP = 60;
const NARROW = [4, 5, 8, 12, 16] as const;
const PARTS = {
  ...{ plain4: 4, plain5: 5, plain8: 8, plain12: 12, plain16: 16, plain32: 32, plain48: 48 },
  ...{ sums: 32, squares: 48, variances: 48, mantissas: 32, exponents: 32 },
} as const;
type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];
const PART_BYTES = 4 * STEP;
const WEIGHT_BYTES = 10 * STEP;
const ROWS = 8;
const ROW_CODES = 12;
/** A table of rows of the widest codes, at one of three places. */
const ROWS_BYTES = 6 * STEP;
/** Accumulators that operands are drawn among, where the machine has as many. */
const SUMS = 128;
/** Turns of a loop: of one that is short enough to move what it touches by whole steps, of a longer one. */
const FEW_TURNS = 4;
const MANY_TURNS = 24;

const partAt = (part: Part): number => PART_NAMES.indexOf(part) * PART_BYTES;
const dataBytes = PART_NAMES.length * PART_BYTES;
const weightAt = (bits: number): number => NARROW.indexOf(bits as 4) * WEIGHT_BYTES;
const weightBytes = NARROW.length * WEIGHT_BYTES;

/** The memories that samples need, at the least. */
export const LEAST_MEMORIES: Floors = { "activation.bytes": dataBytes, "weight.bytes": weightBytes };

/** Operands that are not any codes of their width. */
const PART_OF: Readonly<Record<string, readonly Part[]>> = {
  ...{ "sum.dst": ["sums"], "sumabs.dst": ["sums"], "max.dst": ["sums"], "sumsq.dst": ["squares"] },
  "variance.sums": ["sums"],
  "variance.squares": ["squares"],
  "variance.dst": ["variances"],
  "isqrt.a": ["squares", "variances"],
  "rsqrt.src": ["squares", "variances"],
  "rsqrt.dst": ["mantissas"],
  "rsqrt.exponent": ["exponents"],
  "reciprocal.src": ["squares", "variances"],
  "reciprocal.dst": ["mantissas"],
  "reciprocal.exponent": ["exponents"],
  "center.sums": ["sums"],
  ...{ "normalize.sums": ["sums"], "normalize.mantissa": ["mantissas"], "normalize.exponent": ["exponents"] },
  "div.b": ["sums", "squares", "variances"],
  ...{ "rowscale.mantissa": ["mantissas", "plain32"], "rowscale.exponent": ["exponents", "plain32"] },
  ...{ "moments.sums": ["sums"], "moments.squares": ["squares"], "moments.variance": ["variances"] },
};

/**
 * A program of some `length` instructions and loops, and the loads of what they need, legal on `arch`.
 * @param arch  any machine with LEAST_MEMORIES
 */
export function randomSample(rng: Rng, arch: ArchSpec, length: number): Sample {
  return new Generator(rng, arch.settings).sample(length);
}

/** A register that an address may have added, how far a turn moves it, and all of them. */
interface Mover {
  readonly register: number;
  readonly stride: number;
  readonly reach: number;
}

/** Codes of the image that are drawn when the machine is filled. */
interface Drawn extends Omit<Segment, "codes"> {
  readonly count: number;
  readonly code: (rng: Rng) => number;
  readonly isSorted: boolean;
}

class Generator {
  readonly #rng: Rng;
  readonly #arch: Settings;
  readonly #drawn: Drawn[] = [];
  readonly #blocks = new Map<string, { at: number; bytes: number; images: number[] }>();
  /** Widths of the weights that some instruction reads. */
  readonly #weights = new Set<number>();
  #imageBytes = 0;
  #tableBytes = 0;

  constructor(rng: Rng, arch: Settings) {
    this.#rng = rng;
    this.#arch = arch;
    for (const bits of NARROW) this.#codes(bits, 2 * WEIGHT_BYTES); // two versions of the weights
    for (const bits of NARROW) this.#codes(bits, ROWS_BYTES);
  }

  sample(length: number): Sample {
    const items: Item[] = [];
    for (let i = 0; i < length; i++) items.push(this.#rng() < 0.12 ? this.#loop([]) : this.#instruction([]));
    const loads = [...this.#blocks.values()].map((block) => this.#loadTable(block));
    for (const bits of this.#weights) items.unshift(this.#loadWeight(bits, 0, WEIGHT_BYTES));
    const program = { name: "random", items: [...loads, ...items] };
    return { program, image: imageOf(this.#drawn, this.#imageBytes, this.#rng()), dataBytes };
  }

  #loop(outer: readonly Mover[]): Item {
    const rng = this.#rng;
    const depth = outer.length > 0 ? 1 : 0;
    const isLong = depth === 0 && rng() < 0.2;
    const count = draw(rng, 1, isLong ? MANY_TURNS : FEW_TURNS);
    const strides = Array.from({ length: REGISTERS_PER_LOOP }, () =>
      isLong ? pick(rng, [0, -1, 1, 3, 4, 15]) : pick(rng, [0, -1, 1]) * pick(rng, [1, 8, STEP, STEP, STEP]),
    );
    const movers = strides.map((stride, i) => ({
      register: depth * REGISTERS_PER_LOOP + i,
      stride,
      reach: stride * (count - 1),
    }));
    const all = [...outer, ...movers];
    const body: Item[] = [];
    for (let i = draw(rng, 1, 5); i > 0; i--)
      body.push(depth === 0 && rng() < 0.2 ? this.#loop(all) : this.#instruction(all));
    return { count, strides, body };
  }

  #instruction(movers: readonly Mover[]): Instruction {
    for (;;) {
      const op = pick<OpDef>(this.#rng, ops);
      if (op.name === "load.weight") {
        const from = STEP * draw(this.#rng, 0, 5);
        return this.#loadWeight(pick(this.#rng, NARROW), from, STEP * draw(this.#rng, 1, 5));
      }
      if (op.name === "load.table") {
        if (this.#blocks.size === 0) continue;
        return this.#loadTable(pick(this.#rng, [...this.#blocks.values()]));
      }
      const part = pick(this.#rng, PART_NAMES);
      const x = this.#integers(op, part);
      if ((op.check?.(this.#probe(op, x), this.#arch) ?? []).length > 0) continue;
      const placed = this.#place(op, x, part, movers);
      if (placed !== undefined) return placed;
    }
  }

  #loadWeight(bits: number, from: number, bytes: number): Instruction {
    const version = draw(this.#rng, 0, 1);
    const src = 2 * weightAt(bits) + version * WEIGHT_BYTES + from;
    return instruction("load.weight", { dst: weightAt(bits) + from, src, bytes });
  }

  #loadTable({ at, bytes, images }: { at: number; bytes: number; images: number[] }): Instruction {
    return instruction("load.table", { dst: at, src: pick(this.#rng, images), bytes });
  }

  /** Every operand but the addresses. `part` decides the width of what a transfer moves. */
  #integers(op: OpDef, part: Part): Record<string, number> {
    const x: Record<string, number> = {};
    for (const [name, field] of Object.entries(op.fields)) {
      if (field.kind === "integer") x[name] = this.#integer(op, name, field, part);
    }
    const { period, n } = x;
    if (period === undefined || n === undefined) return x;
    const divisors = [1, 2, 3, 4, n].filter((divisor) => n % divisor === 0);
    return { ...x, period: pick(this.#rng, divisors) };
  }

  #integer(op: OpDef, name: string, field: Field, part: Part): number {
    const rng = this.#rng;
    if (op.name === "fetch" || op.name === "store") return name === "bits" ? PARTS[part] : draw(rng, 1, 24);
    if (name === "bits" && op.name === "sumsq") return 48;
    if (name === "bits" && PART_OF[`${op.name}.dst`]?.[0] === "sums") return 32;
    if (/[bB]its$/.test(name)) {
      const isReduction = PART_OF[`${op.name}.dst`] !== undefined;
      const widths = isReduction ? NARROW : [...NARROW, 32, 48];
      return pick(
        rng,
        widths.filter((bits) => bits >= field.min && bits <= field.max),
      );
    }
    if (/[zZ]ero$|^value$|^lo$|^hi$/.test(name)) return draw(rng, -8, 7);
    if (name === "to") return draw(rng, field.min, pick(rng, NARROW));
    if (/Row$|Column$/.test(name)) return pick(rng, [field.min, 1, 1, 2, 3, 4, draw(rng, 1, 12)]);
    const largest: Readonly<Record<string, number>> = {
      ...{ rows: op.name === "gather" ? ROWS : 5, columns: 5 },
      ...{ m: 8, k: 12, groups: 3, n: op.name.startsWith("requant") || op.name === "matmul" ? 2 : ROW_CODES },
      ...{ pieces: 8, factor: 1000, shift: 12, epsilon: 100, kept: 1, log2: 1000, cb: 1000 },
    };
    return draw(rng, field.min, Math.min(field.max, largest[name] ?? field.max));
  }

  /** The operands with each address in a space of its own, far from the others: spans then tell whose they are. */
  #probe(op: OpDef, x: Record<string, number>): Record<string, number> {
    const names = Object.keys(op.fields);
    return { ...x, ...Object.fromEntries(addressesOf(op).map((name) => [name, names.indexOf(name) * FAR])) };
  }

  /**
   * The instruction with its addresses drawn, or nothing where an operand would be overwritten before it is read. Operands
   * in one part of a memory are moved by one register, so that what holds in a loop's first turn holds in all.
   */
  #place(
    op: OpDef,
    x: Record<string, number>,
    part: Part,
    movers: readonly Mover[],
  ): Instruction | undefined {
    const probe = this.#probe(op, x);
    const spans = [...op.reads(probe, this.#arch), ...op.writes(probe, this.#arch)];
    const names = Object.keys(op.fields);
    const placed: Record<string, number> = { ...probe };
    const by: Record<string, number> = {};
    const moverOf = new Map<number, Mover | undefined>();
    const tables = addressesOf(op).filter((name) => op.fields[name]!.space === "table");
    for (const name of addressesOf(op)) {
      if (tables.includes(name)) continue;
      const span = spans.find((one) => Math.floor(one.from / FAR) === names.indexOf(name))!;
      if (span.space === "dram") {
        placed[name] = this.#rows(span.bits);
        continue;
      }
      const { from, to } = this.#bounds(op, name, span, part);
      const step = span.space === "acc" ? 1 : alignmentOf(span.bits);
      const fitting = movers.filter(({ stride }) => stride % step === 0);
      if (!moverOf.has(from)) moverOf.set(from, pick(this.#rng, [undefined, ...fitting]));
      const mover = moverOf.get(from);
      if (mover !== undefined && mover.stride % step !== 0) return undefined;
      const reach = mover?.reach ?? 0;
      const lowest = Math.ceil(Math.max(0, -reach) / step);
      const highest = Math.floor((to - from - sizeOf(span) - Math.max(0, reach)) / step);
      if (highest < lowest) return undefined;
      placed[name] = from + step * draw(this.#rng, lowest, highest);
      if (mover !== undefined) by[name] = mover.register;
    }
    if (overwrites(op.reads(placed, this.#arch), op.writes(placed, this.#arch))) return undefined;
    for (const name of tables) {
      const at = this.#block(op, name, x);
      if (at === undefined) return undefined;
      placed[name] = at;
    }
    for (const { space, bits } of spans) if (space === "weight") this.#weights.add(bits);
    return { op, x: placed, by };
  }

  /** Where an operand may lie. */
  #bounds(op: OpDef, name: string, span: Span, part: Part): { from: number; to: number } {
    if (span.space === "acc") return { from: 0, to: Math.min(SUMS, this.#arch["acc.entries"]) };
    if (span.space === "weight") {
      const from = weightAt(span.bits);
      return { from, to: from + WEIGHT_BYTES };
    }
    const isTransfer = op.name === "fetch" || op.name === "store";
    const plain = `plain${span.bits}` as Part;
    const parts = (PART_OF[`${op.name}.${name}`] ?? [plain]).filter((one) => PARTS[one] === span.bits);
    const from = partAt(isTransfer ? part : pick(this.#rng, parts));
    return { from, to: from + PART_BYTES };
  }

  #rows(bits: number): number {
    const first = 2 * weightBytes + NARROW.indexOf(bits as 4) * ROWS_BYTES;
    return first + STEP * draw(this.#rng, 0, 2);
  }

  /**
   * Address of a block of the shape that the operand needs; made, with two versions of its contents, where there is none.
   * Nothing where table memory has no room for one.
   */
  #block(op: OpDef, field: string, x: Readonly<Record<string, number>>): number | undefined {
    const shape = this.#shape(op, field, x);
    const key = JSON.stringify(shape.block);
    const held = this.#blocks.get(key);
    if (held !== undefined && this.#rng() < 0.7) return held.at;
    const at = alignUp(this.#tableBytes, shape.block.alignment);
    if (at + shape.block.bytes > this.#arch["table.bytes"]) return held?.at;
    this.#tableBytes = at + shape.block.bytes;
    const images = [0, 1].map(() => this.#tableImage(shape));
    this.#blocks.set(held === undefined ? key : `${key} at ${at}`, { at, bytes: shape.block.bytes, images });
    return at;
  }

  #shape(op: OpDef, field: string, x: Readonly<Record<string, number>>): Shape {
    const leastShift = this.#arch["requant.kind"] === "shift" ? -2 : 0;
    const scale: Shape["contents"] = {
      multiplier: (rng, bits) => draw(rng, 0, Math.min(2 ** bits, 2 ** 14) - 1) - 2 ** (bits - 1),
      shift: (rng) => draw(rng, leastShift, 20),
    };
    const small: Draw = (rng) => draw(rng, -1000, 1000);
    const { m = 1, perChannel, period = 1, gainBits = 0 } = x;
    if (field === "scales")
      return { block: channelBlock(m, perChannel === 1, this.#arch), contents: { bias: small, ...scale } };
    if (field === "gains") return { block: gainBlock(period, gainBits), contents: { bias: small } };
    if (field === "table" && !("pieces" in x)) return { block: mirroredBlock(), contents: {} };
    if (field === "table") {
      const { pieces, slopeBits, fraction, midBits, inBits = 16, bits = 16, mirrored = 0 } = x;
      const table = { pieces, slopeBits, fraction, inBits: midBits ?? inBits, bits, mirrored };
      const block = pwlBlock(table as TableShape, this.#arch);
      return {
        block,
        contents: { shift: (rng) => draw(rng, fraction!, 20), sum: (rng) => draw(rng, -300, 300) },
      };
    }
    if (!/[sS]cale$/.test(field)) throw new Error(`${op.name}.${field}: the samples know no such block`);
    return { block: scaleBlock(this.#arch), contents: scale };
  }

  #tableImage({ block, contents }: Shape): number {
    const at = alignUp(this.#imageBytes, block.alignment);
    for (const [name, { offset, bits, count }] of Object.entries(block.arrays)) {
      if (count === 0) continue;
      const code = contents[name] ?? anyCode;
      const isSorted = name === "knot";
      this.#drawn.push({ address: at + offset, bits, count, code: (rng) => code(rng, bits), isSorted });
    }
    this.#imageBytes = at + block.bytes;
    return at;
  }

  #codes(bits: number, bytes: number): void {
    const count = Math.floor((bytes * 8) / bits);
    const code = (rng: Rng) => anyCode(rng, bits);
    this.#drawn.push({ address: this.#imageBytes, bits, count, code, isSorted: false });
    this.#imageBytes += storageBytes(count, bits);
  }
}

type Draw = (rng: Rng, bits: number) => number;

const anyCode: Draw = (rng, bits) => draw(rng, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);

function imageOf(drawn: readonly Drawn[], bytes: number, seed: number): Image {
  let segments: readonly Segment[] | undefined;
  const fill = (): readonly Segment[] => {
    const rng = seedrandom(String(seed));
    return drawn.map(({ address, bits, count, code, isSorted }) => {
      const codes = Array.from({ length: count }, () => code(rng));
      if (isSorted) codes.sort((a, b) => a - b);
      return { address, bits, codes };
    });
  };
  return {
    bytes,
    get segments() {
      segments ??= fill();
      return segments;
    },
  };
}

/** A block of table memory, and how the codes of those of its arrays are drawn that may not hold any. */
interface Shape {
  readonly block: TableBlock<string>;
  readonly contents: Readonly<Record<string, Draw>>;
}

const FAR = 2 ** 24;

/** Whether a result lies over an operand or another result, other than in place of an operand of its own shape. */
function overwrites(reads: readonly Span[], writes: readonly Span[]): boolean {
  const meet = (a: Span, b: Span) =>
    a.space === b.space && a.from < b.from + sizeOf(b) && b.from < a.from + sizeOf(a);
  const isSame = (a: Span, b: Span) =>
    a.from === b.from && a.bits === b.bits && a.count === b.count && a.walk === undefined;
  return writes.some(
    (write, i) =>
      reads.some((read) => meet(write, read) && !isSame(write, read)) ||
      writes.slice(i + 1).some((other) => meet(write, other)),
  );
}

const addressesOf = (op: OpDef): string[] =>
  Object.entries(op.fields).flatMap(([name, field]) => (field.kind === "address" ? [name] : []));

function instruction(name: string, x: Readonly<Record<string, number>>): Instruction {
  return { op: (ops as readonly OpDef[]).find((op) => op.name === name)!, x, by: {} };
}

/** Fills the parts that may hold any codes with random ones, from lane `first` on; the same ones for the same generator. */
export function scramble(machine: Machine, rng: Rng, first = 0): void {
  for (const part of PART_NAMES) {
    if (!part.startsWith("plain")) continue;
    const bits = PARTS[part];
    const half = 2 ** (bits - 1);
    for (let lane = first; lane < machine.lanes; lane++) {
      const codes = Array.from({ length: (PART_BYTES * 8) / bits }, () => draw(rng, -half, half - 1));
      for (const space of ["data", "activation"] as const)
        machine.state.write(space, bits, partAt(part), codes, lane);
    }
  }
}

/** All that a run of a sample may have left: every part of every memory, in every lane, and the counters. */
export function contents(machine: Machine, { program }: Sample): ReadonlyMap<string, readonly number[]> {
  const { state } = machine;
  const found = new Map<string, readonly number[]>();
  for (let lane = 0; lane < machine.lanes; lane++) {
    for (const part of PART_NAMES) {
      const bits = PARTS[part];
      for (const space of ["data", "activation"] as const)
        found.set(
          `${space} ${part}, lane ${lane}`,
          state.read(space, bits, partAt(part), (PART_BYTES * 8) / bits, lane),
        );
    }
    const entries = machine.arch.settings["acc.entries"];
    found.set(`acc, lane ${lane}`, state.read("acc", machine.arch.settings["acc.bits"], 0, entries, lane));
  }
  for (const bits of NARROW)
    found.set(`weight ${bits}`, state.read("weight", bits, weightAt(bits), (WEIGHT_BYTES * 8) / bits));
  const { saturations, overflows } = machine.takeCounts();
  found.set(`${program.name}: saturations`, [...saturations]);
  found.set(`${program.name}: overflows`, [...overflows]);
  return found;
}
