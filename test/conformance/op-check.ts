import { expect } from "vitest";
import type { Settings } from "../../src/arch/fields.ts";
import type { Field, OpDef, Span } from "../../src/isa/define.ts";
import type { MachineState } from "../../src/isa/state.ts";
import { isLegal } from "./op-bench.ts";
import { DEFINITIONS, type Definition } from "./op-definitions.ts";
import type { Lane } from "./op-lane.ts";

/** One instruction held against its definition, whoever chose its operands. */

export type Operands = Readonly<Record<string, number>>;

export const definitionOf = (op: OpDef): Definition<Operands> =>
  DEFINITIONS[op.name as keyof typeof DEFINITIONS] as unknown as Definition<Operands>;

interface Spans {
  readonly reads: readonly Span[];
  readonly writes: readonly Span[];
}

/** What the instruction reads and writes, as codes. */
export function spansOf(op: OpDef, x: Operands, arch: Settings): Spans {
  const { codes } = definitionOf(op);
  const moved = (span: Span) => (codes === undefined ? eachCode(span) : [codes(span, x)]);
  return { reads: op.reads(x, arch).flatMap(moved), writes: op.writes(x, arch).flatMap(moved) };
}

/** A span that is walked over in steps as a span for each of its codes, so that what lies between them is not its. */
function eachCode({ walk, ...span }: Span): readonly Span[] {
  if (walk === undefined) return [span];
  return Array.from({ length: span.count }, (_, i) => {
    const code = Math.floor(i / walk.columns) * walk.row + (i % walk.columns) * walk.column;
    return { ...span, from: span.from + (code * span.bits) / 8, count: 1 };
  });
}

/** The same operands with the result in the place of one of them, wherever that is legal. */
export function inPlaceOf(op: OpDef, x: Operands, arch: Settings): Operands[] {
  const { dst } = op.fields as { readonly dst?: Field };
  const { dst: at } = x;
  if (dst === undefined || at === undefined) return [];
  return Object.entries(op.fields)
    .filter(([name, { space }]) => name !== "dst" && space === dst.space)
    .map(([name]) => ({ ...x, [name]: at }))
    .filter((moved) => isLegal(op, moved, arch));
}

/**
 * A lane of the machine has what its definition gave before the instruction ran, and counted what that counted.
 * @param wanted  the codes of each written span
 * @returns how many elements were compared
 */
export function expectDefined(
  s: MachineState,
  writes: readonly Span[],
  { lane, saturations, overflows }: Lane,
  wanted: readonly (readonly bigint[])[],
  what: string,
): number {
  if (wanted.length !== writes.length) expect.fail(`${what}: ${wanted.length} results for its spans`);
  let compared = 0;
  for (const [i, { space, bits, from, count }] of writes.entries()) {
    const got = s.read(space, bits, from, count, lane);
    const want = wanted[i]!.map(Number);
    if (want.length !== count) expect.fail(`${what}: ${want.length} codes for a span of ${count}`);
    for (let c = 0; c < count; c++)
      if (!Object.is(got[c], want[c]))
        expect.fail(`${what}: lane ${lane}: ${space} code ${c} is ${got[c]}, defined as ${want[c]}`);
    compared += count;
  }
  const counted = [s.saturations, s.overflows].map((at) => s.heap.int32(at, s.lanes)[lane]!);
  if (counted[0] !== saturations || counted[1] !== overflows)
    expect.fail(`${what}: lane ${lane}: counted ${counted}, defined as ${[saturations, overflows]}`);
  return compared;
}
