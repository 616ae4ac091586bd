import type { Settings } from "../arch/fields.ts";
import { maxOf, minOf, signed } from "../fixed/format.ts";
import type { MachineState } from "./state.ts";

/** Units that execute instructions, in the order of statistics and traces. */
export const UNITS = ["dma", "mac", "requant", "pwl", "vector"] as const;
export type UnitName = (typeof UNITS)[number];

/**
 * Memories that an instruction names.
 *
 * `dram` holds the model's image and `data` the inputs and outputs, both behind the DRAM's channel;
 * `weight`, `activation` and `table` are the SRAMs; `acc` are the accumulators, addressed by index.
 * `data`, `activation` and `acc` hold one inference each, so that a run over many inputs has a lane per
 * input there; the others are shared by all lanes.
 */
export const SPACES = ["dram", "data", "weight", "activation", "table", "acc"] as const;
export type Space = (typeof SPACES)[number];

/** One operand field of an instruction. */
export interface Field {
  readonly kind: "address" | "integer";
  /** Of an address: the memory it points into. */
  readonly space?: Space;
  /** Width in the encoding; two's complement where `signed`. */
  readonly bits: number;
  readonly signed: boolean;
  /** Legal values, inclusive. */
  readonly min: number;
  readonly max: number;
  /** Of a value that is a code: the field that holds its width. */
  readonly codeOf?: string;
  readonly doc: string;
}
export type Fields = Readonly<Record<string, Field>>;
type Operands<F extends Fields = Fields> = { readonly [K in keyof F]: number };

/**
 * A stretch of memory that an instruction reads or writes: `count` codes of `bits` bits from `from` on, a byte
 * address, or an index of `acc`.
 */
export interface Span {
  readonly space: Space;
  readonly from: number;
  readonly bits: number;
  readonly count: number;
  /** How often the unit passes over it: traffic is bytes times this. 1 where not given. */
  readonly passes?: number;
  /** Of a read that picks its codes by data: the codes from `from` on that it picks `count` of. */
  readonly among?: number;
  /** Of an operand that is walked over in steps: how. It has rows times columns codes, the first of them at `from`. */
  readonly walk?: Walk;
}

/** Row by row, `columns` codes each: distances of one code, and of one row, from the next, in codes. */
export interface Walk {
  readonly rows: number;
  readonly columns: number;
  readonly row: number;
  readonly column: number;
}

/** `count` activations of `bits` bits from the byte `from` on. */
export const activation = (from: number, bits: number, count: number): Span => ({
  space: "activation",
  from,
  bits,
  count,
});

/** What an instruction reads and writes. */
export interface Traffic {
  readonly reads: readonly Span[];
  readonly writes: readonly Span[];
}

/** What an instruction does, in the units that energy is priced in. */
export interface Work {
  /** Multiply-accumulates, with the widths of their operands. */
  readonly macs?: { readonly count: number; readonly weightBits: number; readonly activationBits: number };
  /** Elements through the requantizer. */
  readonly requants?: number;
  /** Elements through the PWL unit, with the widths of a slope and of a distance from a knot, without sign. */
  readonly lookups?: { readonly count: number; readonly slopeBits: number; readonly distanceBits: number };
  /** Elements through the vector unit, with the width of its operands. */
  readonly elements?: { readonly count: number; readonly bits: number };
}

/** Time on one unit: `beats` cycles in which it takes nothing else, results visible `latency` cycles after the last. */
export interface Stage {
  readonly unit: UnitName;
  /** Cycles from its start to its first beat, at least; others may have their beats meanwhile. 0 where not given. */
  readonly lead?: number;
  readonly beats: number;
  readonly latency: number;
}

/** What a stage costs, as text: formulas over the operands, the machine's parameters and the terms of formulas.ts. */
export interface StageCost {
  readonly unit: UnitName;
  readonly lead?: string;
  readonly beats: string;
  readonly latency: string;
}

/**
 * Everything the project knows about one operation.
 *
 * Assembler, disassembler, encoder, decoder, validator, functional run, timing run, energy, docs and the
 * random-program tests are derived from these records. Nothing outside src/isa/ops may ask an instruction
 * for its name in order to decide what to do.
 */
export interface OpDef<F extends Fields = Fields> {
  readonly name: string;
  /** Opcode, 6 bits. */
  readonly code: number;
  readonly doc: string;
  readonly fields: F;
  reads(x: Operands<F>, arch: Settings): readonly Span[];
  writes(x: Operands<F>, arch: Settings): readonly Span[];
  /** Semantics: the whole instruction on architectural state, no clock. */
  run(x: Operands<F>, s: MachineState): void;
  /** Cost on the operation's unit, and on a second unit that it streams into; `io` are its spans. Never looks at data. */
  stages(x: Operands<F>, arch: Settings, io: Traffic): readonly Stage[];
  /** The same as a reader sees it, a formula for each number of `stages`. */
  readonly cost: readonly StageCost[];
  /** Formulas of the passes over an operand, by the address field that points at it; 1 of those without. */
  readonly passes?: Readonly<Record<string, string>>;
  /** Formulas of the bytes moved for an operand that is walked over in steps, by the field that points at it. */
  readonly bytes?: Readonly<Record<string, string>>;
  work(x: Operands<F>, arch: Settings): Work;
  /** Of operations on the array: the beats that skipping zeros (`mac.zeroSkip`) would save in each lane, with the operands as they are. */
  skipped?(x: Operands<F>, s: MachineState): readonly number[];
  /** Of operations that sum into accumulators: whether they keep what is there, and the most they can add to one. */
  accumulates?(x: Operands<F>): { readonly keep: boolean; readonly largest: number };
  /** Rules beyond field ranges, memory bounds and alignment. One clause for each broken rule. */
  check?(x: Operands<F>, arch: Settings): readonly string[];
}

/** Infers the name and the fields: the functions of a record see typed operands. */
export const defineOp = <const N extends string, const F extends Fields>(
  def: OpDef<F> & { readonly name: N },
): OpDef<F> & { readonly name: N } => def;

/** Width of an address field, in bytes of the memory (256 MiB) or entries of `acc`. */
const ADDRESS_BITS = 28;
/** Bytes of a memory, or entries of `acc`, that an address tells apart. */
export const REACH = 2 ** ADDRESS_BITS;

export const address = (space: Space, doc: string): Field => ({
  kind: "address",
  space,
  bits: ADDRESS_BITS,
  signed: false,
  min: 0,
  max: REACH - 1,
  doc,
});

const integer = (bits: number, isSigned: boolean, min: number, max: number, doc: string): Field => ({
  kind: "integer",
  bits,
  signed: isSigned,
  min,
  max,
  doc,
});

/** Elements, rows, columns. */
export const count = (doc: string): Field => integer(20, false, 1, 2 ** 20 - 1, doc);
/** The width of codes in memory. */
export const width = (max: number, doc: string): Field => integer(6, false, 2, max, doc);
/**
 * A zero point: a value that a code of up to 17 bits can take. One that is subtracted from codes is a code itself,
 * of the width that the field `codeOf` holds.
 */
export const zeroPoint = (doc: string, codeOf?: string): Field => ({
  ...integer(18, true, -(2 ** 17), 2 ** 17 - 1, doc),
  ...(codeOf === undefined ? {} : { codeOf }),
});
/** A yes or no. */
export const flag = (doc: string): Field => integer(1, false, 0, 1, doc);
/** Any integer of a stated range. */
export const constant = (bits: number, min: number, max: number, doc: string): Field =>
  integer(bits, min < 0, min, max, doc);

/** Lowest and highest difference of a code and a zero point. */
export const differences = (bits: number, zero: number): readonly [lo: number, hi: number] => [
  minOf(signed(bits)) - zero,
  maxOf(signed(bits)) - zero,
];

/** Distance of the farthest code from a zero point. */
export function reach(bits: number, zero: number): number {
  const [lo, hi] = differences(bits, zero);
  return Math.max(-lo, hi);
}
