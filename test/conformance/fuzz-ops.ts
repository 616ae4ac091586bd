import fc from "fast-check";
import seedrandom from "seedrandom";
import { expect } from "vitest";
import type { Settings } from "../../src/arch/fields.ts";
import type { Field, OpDef } from "../../src/isa/define.ts";
import { MachineState } from "../../src/isa/state.ts";
import type { Changes } from "../support/machines.ts";
import { anyChanges, type Compared, machineOf } from "./fuzz-machines.ts";
import {
  bytesOf,
  COUNT_MAX,
  clearCounters,
  countersOf,
  EXTENTS,
  IMAGE,
  isLegal,
  place,
  poolOf,
  scatter,
} from "./op-bench.ts";
import { definitionOf, expectDefined, inPlaceOf, type Operands, spansOf } from "./op-check.ts";
import type { Definition } from "./op-definitions.ts";
import { Lane } from "./op-lane.ts";

/** Random instructions on random machines, made of integers that fast-check can shrink. */

/** An instruction before its operands are made to agree. */
interface Draft {
  readonly fields: Readonly<Record<string, number>>;
  /** Numbers in [0, 1) for what the definition gives, and for the distances between operands. */
  readonly choices: readonly number[];
  /** Whether, and over which operand, the result is written. */
  readonly inPlace: number;
  /** Where in the pool the codes of memory come from, and the seed of those that are not any codes. */
  readonly data: number;
}

/** Several instructions of one operation, on one machine. */
export interface OpCase {
  readonly machine: Changes;
  readonly blocks: number;
  readonly wide: boolean;
  readonly drafts: readonly Draft[];
}

const MEMORIES: Changes = {
  ...{ "activation.bytes": 4096, "weight.bytes": 2048, "table.bytes": 4096, "acc.entries": 512 },
};
/** Lanes of a machine are a multiple of this. */
const LANES = 16;
/** Definitions take a thousand times as long as kernels: of long operands, they are asked in a few lanes only. */
const LEAST_LANES = 6;
const DEFINED_ELEMENTS = 2000;

const POOL = poolOf("fuzz");

/** A count, most often small, at times longer than any vector of a kernel. */
const counts = fc.oneof(
  { withCrossShrink: true, arbitrary: fc.integer({ min: 1, max: 9 }), weight: 3 },
  { arbitrary: fc.integer({ min: 1, max: 90 }), weight: 1 },
);

/** Any integer of a wide range, every magnitude as likely as any other. */
const magnitudes = ({ min, max }: Field): fc.Arbitrary<number> =>
  fc
    .tuple(fc.integer({ min: 0, max: 32 }), fc.integer({ min: 0, max: 2 ** 30 }))
    .map(([bits, part]) => Math.min(max, min + Math.floor(2 ** bits * (part / 2 ** 30))));

function anyField(f: Field): fc.Arbitrary<number> {
  if (f.kind === "address") return fc.constant(0);
  if (f.codeOf !== undefined) return fc.integer({ min: f.min, max: f.max });
  if (f.signed)
    return fc.oneof(
      fc.integer({ min: f.min, max: Math.min(f.max, 200) }),
      fc.integer({ min: f.min, max: f.max }),
    );
  if (f.max === COUNT_MAX && f.min === 1) return counts;
  return f.max <= 64 ? fc.integer({ min: f.min, max: f.max }) : magnitudes(f);
}

const anyDraft = (op: OpDef): fc.Arbitrary<Draft> =>
  fc.record({
    fields: fc.record(Object.fromEntries(Object.entries(op.fields).map(([name, f]) => [name, anyField(f)]))),
    choices: fc
      .array(fc.integer({ min: 0, max: 2 ** 30 - 1 }), { minLength: 0, maxLength: 12 })
      .map((parts) => parts.map((part) => part / 2 ** 30)),
    inPlace: fc.nat(5),
    data: fc.nat(POOL.length - 1),
  });

export const anyCase = (op: OpDef): fc.Arbitrary<OpCase> =>
  fc.record({
    machine: anyChanges,
    blocks: fc.integer({ min: 1, max: 3 }),
    wide: fc.boolean(),
    // From none on: fast-check does not shrink to one what is at least one.
    drafts: fc.array(anyDraft(op), { maxLength: 8, size: "max" }),
  });

/** Codes in the ranges of the fields that hold their widths. */
function fitted(op: OpDef, x: Operands): Operands {
  const codes = Object.entries(op.fields).flatMap(([name, { codeOf, max }]) => {
    if (codeOf === undefined) return [];
    const half = Math.min(2 ** (x[codeOf]! - 1), max + 1);
    return [[name, Math.floor((x[name]! / (max + 1)) * half)] as const];
  });
  return { ...x, ...Object.fromEntries(codes) };
}

/** Legal operands, or undefined where the draft has none on this machine. */
function operandsOf(op: OpDef, draft: Draft, arch: Settings): Operands | undefined {
  let next = 0;
  const rng = () => draft.choices[next++] ?? 0;
  const given = definitionOf(op).given?.(rng, arch) ?? {};
  const whole = { ...draft.fields, ...given };
  const x = place(op, { ...fitted(op, whole), ...given }, arch, rng, given);
  if (x === undefined || !isLegal(op, x, arch)) return undefined;
  if (draft.inPlace === 0) return x;
  const choices = [x, ...inPlaceOf(op, x, arch)];
  return choices[draft.inPlace % choices.length]!;
}

/**
 * The property: both backends give what the definition gives, in every lane, and count what it counts.
 *
 * @param definition  the operation's own, or one to be found wrong
 * @throws where they differ; skips the case where none of its drafts is legal
 */
export function checkCase(
  op: OpDef,
  { machine, blocks, wide, drafts }: OpCase,
  compared: Compared,
  definition: Definition<Operands> = definitionOf(op),
): void {
  const arch = machineOf(machine, MEMORIES).settings;
  const legal = drafts.flatMap((draft) => {
    const x = operandsOf(op, draft, arch);
    return x === undefined ? [] : [{ x, data: draft.data }];
  });
  fc.pre(legal.length > 0);
  const stateOn = (backend: "simd" | "twin") =>
    new MachineState(arch, {
      ...{ lanes: LANES * blocks, image: IMAGE, dataBytes: EXTENTS.data, wideAccumulators: wide, backend },
    });
  const states = { simd: stateOn("simd"), twin: stateOn("twin") };
  for (const { x, data } of legal) expectSame(op, x, data, states, definition, compared);
}

function expectSame(
  op: OpDef,
  x: Operands,
  data: number,
  { simd, twin }: { readonly simd: MachineState; readonly twin: MachineState },
  { prepare, results }: Definition<Operands>,
  compared: Compared,
): void {
  const what = `${op.name} ${JSON.stringify(x)}`;
  const { reads, writes } = spansOf(op, x, simd.arch);
  for (const span of writes) {
    scatter(simd, span, POOL, data + 1);
    scatter(twin, span, POOL, data + 2); // so that a result that is not written differs
  }
  for (const [i, span] of reads.entries()) scatter(simd, span, POOL, data + 97 * i);
  prepare?.(x, simd, seedrandom(`fuzz/${data}`));
  for (const span of reads) bytesOf(simd, span).copy(bytesOf(twin, span));

  const elements = [...reads, ...writes].reduce((all, { count }) => all + count, 0);
  const asked = Math.min(simd.lanes, Math.max(LEAST_LANES, Math.ceil(DEFINED_ELEMENTS / elements)));
  const lanes = Array.from(
    { length: asked },
    (_, i) => new Lane(simd, (data + i * (simd.lanes - 1)) % simd.lanes),
  );
  const wanted = lanes.map((lane) => results(x, lane));
  for (const s of [simd, twin]) {
    clearCounters(s);
    op.run(x, s);
  }
  for (const [i, lane] of lanes.entries())
    compared.definitions += expectDefined(simd, writes, lane, wanted[i]!, what);
  for (const span of writes) {
    if (!bytesOf(simd, span).equals(bytesOf(twin, span))) expect.fail(`${what}: the backends differ`);
    compared.backends += span.count * simd.lanes;
  }
  expect(countersOf(twin), `${what}: the backends count`).toEqual(countersOf(simd));
}
