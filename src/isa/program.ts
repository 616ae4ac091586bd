import type { Grid } from "../fixed/real.ts";
import type { OpDef } from "./define.ts";

/** Index registers: four for each level of nested loops, i0 … i3 outside, j0 … j3 inside. */
export const LOOP_DEPTH = 2;
export const REGISTERS_PER_LOOP = 4;
/** Widths in the encoding: of turns and of a body's length, unsigned; of a stride, two's complement. */
export const TURN_BITS = 20;
export const STRIDE_BITS = 28;
export const REGISTERS = ["i0", "i1", "i2", "i3", "j0", "j1", "j2", "j3"] as const;

/** What activation memory holds once an item is done: for those who watch a run, in no text and no encoding. */
export interface Shown {
  /** Where in the model it comes about, as real-valued runs call it: `cell.norm.h`. */
  readonly site: string;
  /** Byte address of `count` vectors of `length` codes, one behind the other. */
  readonly at: number;
  readonly length: number;
  readonly count: number;
  readonly grid: Grid;
}

/** The same as written: an index register may be added to the address. */
type ShownAs = Shown & { readonly by?: number };

interface Shows {
  readonly shows?: readonly ShownAs[];
}

/** One instruction as written: an address field may have an index register added to it. */
export interface Instruction extends Shows {
  readonly op: OpDef;
  readonly x: Readonly<Record<string, number>>;
  /** Address field -> index into REGISTERS. */
  readonly by: Readonly<Record<string, number>>;
  /** The part of a model that it works for: for reports alone, in no text and no encoding. */
  readonly layer?: string;
}

/**
 * A hardware loop: its body runs `count` times at no cost of its own. The registers of its level start at zero and
 * advance by their strides after every turn.
 */
export interface Loop extends Shows {
  readonly count: number;
  /** REGISTERS_PER_LOOP strides, in the units of the addresses they are added to. */
  readonly strides: readonly number[];
  readonly body: readonly Item[];
}

export type Item = Instruction | Loop;

export interface Program {
  readonly name: string;
  readonly items: readonly Item[];
}

/** An instruction as issued: every address final. */
export interface Issued {
  readonly op: OpDef;
  readonly x: Readonly<Record<string, number>>;
  /** That of the instruction as written. */
  readonly layer?: string;
  /** What is there once it is done, of itself and of the loops whose last instruction it is. */
  readonly shows?: readonly Shown[];
}

export const isLoop = (item: Item): item is Loop => "body" in item;

/** The instructions in the order in which the sequencer issues them: the one reading of loops that function and clock share. */
export function unroll(program: Program): readonly Issued[] {
  const issued: Issued[] = [];
  const registers = new Array<number>(REGISTERS.length).fill(0);
  const walk = (items: readonly Item[], depth: number): void => {
    for (const item of items) {
      if (isLoop(item)) turn(item, depth);
      else issued.push(resolve(item, registers));
      if (item.shows) issued.push(showing(issued.pop()!, item.shows, registers));
    }
  };
  const turn = ({ count, strides, body }: Loop, depth: number): void => {
    const base = depth * REGISTERS_PER_LOOP;
    for (let r = 0; r < REGISTERS_PER_LOOP; r++) registers[base + r] = 0;
    for (let i = 0; i < count; i++) {
      walk(body, depth + 1);
      for (let r = 0; r < REGISTERS_PER_LOOP; r++) registers[base + r]! += strides[r] ?? 0;
    }
  };
  walk(program.items, 0);
  return issued;
}

function resolve({ op, x, by, layer }: Instruction, registers: readonly number[]): Issued {
  const label = layer === undefined ? {} : { layer };
  const indexed = Object.entries(by);
  if (indexed.length === 0) return { op, x, ...label };
  const moved = indexed.map(([field, register]) => [field, x[field]! + registers[register]!] as const);
  return { op, x: { ...x, ...Object.fromEntries(moved) }, ...label };
}

/** An instruction that shows more than it does. */
function showing(issued: Issued, shows: readonly ShownAs[], registers: readonly number[]): Issued {
  const moved = shows.map(
    ({ by, ...shown }): Shown => (by === undefined ? shown : { ...shown, at: shown.at + registers[by]! }),
  );
  return { ...issued, shows: [...(issued.shows ?? []), ...moved] };
}
