import type { Field, OpDef } from "../../src/isa/define.ts";
import {
  type Instruction,
  type Item,
  LOOP_DEPTH,
  type Loop,
  type Program,
  REGISTERS,
  REGISTERS_PER_LOOP,
} from "../../src/isa/program.ts";
import { ops } from "../../src/isa/table.ts";

/** An integer in lo … hi. */
export const within = (rng: () => number, lo: number, hi: number): number =>
  lo + Math.floor(rng() * (hi - lo + 1));

export const pick = <T>(rng: () => number, from: readonly T[]): T => from[within(rng, 0, from.length - 1)]!;

/** Anything that the field's bits can hold, legal or not; its ends more often than chance would have it. */
function anyValue(f: Field, rng: () => number): number {
  const [lo, hi] = f.signed ? [-(2 ** (f.bits - 1)), 2 ** (f.bits - 1) - 1] : [0, 2 ** f.bits - 1];
  return pick(rng, [lo, hi, f.min, f.max, within(rng, lo, hi), within(rng, lo, hi), within(rng, lo, hi)]);
}

/** Any instruction of this operation that has a word, with registers on some of its addresses. */
export function anyInstruction(op: OpDef, rng: () => number): Instruction {
  const fields = Object.entries(op.fields);
  const indexed = fields.filter(([, f]) => f.kind === "address" && rng() < 0.5);
  return {
    op,
    x: Object.fromEntries(fields.map(([name, f]) => [name, anyValue(f, rng)])),
    by: Object.fromEntries(indexed.map(([name]) => [name, within(rng, 0, REGISTERS.length - 1)])),
  };
}

function anyLoop(rng: () => number, depth: number): Loop {
  return {
    count: pick(rng, [0, 1, within(rng, 2, 2 ** 20 - 1), 2 ** 20 - 1]),
    strides: Array.from({ length: REGISTERS_PER_LOOP }, () =>
      pick(rng, [0, -(2 ** 27), 2 ** 27 - 1, within(rng, -(2 ** 27), 2 ** 27 - 1)]),
    ),
    body: anyItems(rng, depth + 1),
  };
}

function anyItems(rng: () => number, depth: number): Item[] {
  return Array.from({ length: within(rng, 0, 4) }, () =>
    depth < LOOP_DEPTH && rng() < 0.4 ? anyLoop(rng, depth) : anyInstruction(pick<OpDef>(rng, ops), rng),
  );
}

/** Any program that has code, with loops in loops. It need not be legal on any machine. */
export const anyProgram = (rng: () => number, name: string): Program => ({ name, items: anyItems(rng, 0) });
