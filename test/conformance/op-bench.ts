import seedrandom from "seedrandom";
import { expect } from "vitest";
import type { Settings } from "../../src/arch/fields.ts";
import { makeArch } from "../../src/arch/spec.ts";
import { type Field, type OpDef, SPACES, type Space, type Span } from "../../src/isa/define.ts";
import type { Image, Segment } from "../../src/isa/image.ts";
import { MachineState } from "../../src/isa/state.ts";
import { alignmentOf, alignUp } from "../../src/isa/tables.ts";
import { sizeOf, validate } from "../../src/isa/validate.ts";
import { pick, within } from "../isa/random.ts";

/** A machine small enough that all of its memories can be compared after every instruction. */
export interface Variant {
  readonly name: string;
  readonly arch: Settings;
  readonly wideAccumulators: boolean;
  /** Operations that no operands make legal on it. */
  readonly lacks: readonly string[];
}

export const variant = (
  name: string,
  changes: Readonly<Record<string, unknown>>,
  { wideAccumulators = true, lacks = [] as readonly string[] } = {},
): Variant => ({
  name,
  wideAccumulators,
  lacks,
  arch: makeArch({
    ...{ "mac.rows": 4, "mac.columns": 3, "acc.entries": 128, "weight.bytes": 512, "table.bytes": 1024 },
    ...{ "activation.bytes": 1024, ...changes },
  }).settings,
});

/** Segments of the image that loads take bytes from: 96 bytes of each width, which every alignment divides. */
export const SEGMENT_BYTES = 96;
export const SEGMENT_WIDTHS = [8, 4, 16, 3, 12, 48, 2, 32];
const SEGMENTS: readonly Segment[] = SEGMENT_WIDTHS.map((bits, i) => ({
  address: i * SEGMENT_BYTES,
  bits,
  codes: new Float64Array((SEGMENT_BYTES * 8) / bits),
}));
export const EXTENTS = { image: 2048, data: 512 };
/** What loads and gathers take codes from. */
export const IMAGE: Image = { segments: SEGMENTS, bytes: EXTENTS.image };

const LANES = 16;
const LANED: ReadonlySet<Space> = new Set<Space>(["data", "activation", "acc"]);
const WIDTHS = Array.from({ length: 47 }, (_, i) => i + 2);

/** A stretch of bytes of the simulator's memory. */
interface Region {
  readonly at: number;
  readonly bytes: number;
}

/** Where the codes of a span lie. */
function regionOf(s: MachineState, { space, bits, from, count, among }: Span): Region {
  const size = s.container(space, bits) * (LANED.has(space) ? s.lanes : 1);
  return { at: s.pointer(space, bits, from), bytes: (among ?? count) * size };
}

export function bytesOf(s: MachineState, span: Span): Buffer {
  const { at, bytes } = regionOf(s, span);
  return Buffer.from(s.heap.memory.buffer, at, bytes);
}

export interface Counters {
  readonly saturations: readonly number[];
  readonly overflows: readonly number[];
}

/** Per-lane counters of clamped elements and of accumulators that left their range. */
export const countersOf = ({ heap, lanes, saturations, overflows }: MachineState): Counters => ({
  saturations: [...heap.int32(saturations, lanes)],
  overflows: [...heap.int32(overflows, lanes)],
});

export function clearCounters({ heap, lanes, saturations, overflows }: MachineState): void {
  for (const at of [saturations, overflows]) heap.int32(at, lanes).fill(0);
}

/** Fills a span, in all lanes, with codes of its width: numbers of the pool from `start` on, spread over the range. */
export function scatter(s: MachineState, span: Span, pool: Float64Array, start: number): void {
  const { at, bytes } = regionOf(s, span);
  const size = s.container(span.space, span.bits);
  const half = 2 ** (span.bits - 1);
  const count = bytes / size;
  const { heap } = s;
  const view = {
    1: () => heap.int8(at, count),
    2: () => heap.int16(at, count),
    4: () => heap.int32(at, count),
    8: () => heap.float64(at, count),
  }[size]();
  for (let i = 0; i < count; i++) view[i] = Math.floor((pool[(start + i) % pool.length]! * 2 - 1) * half);
}

const limitsOf = (arch: Settings): Readonly<Record<Space, number>> => ({
  dram: EXTENTS.image,
  data: EXTENTS.data,
  weight: arch["weight.bytes"],
  activation: arch["activation.bytes"],
  table: arch["table.bytes"],
  acc: arch["acc.entries"],
});

/**
 * A machine whose memories are full of random codes, at every width, with a copy of all of it: what an instruction
 * changes is what differs from the copy.
 */
export class Bench {
  readonly state: MachineState;
  readonly #base: Uint8Array;

  constructor({ arch, wideAccumulators }: Variant, backend: "simd" | "twin", seed: string) {
    this.state = new MachineState(arch, {
      lanes: LANES,
      image: IMAGE,
      dataBytes: EXTENTS.data,
      wideAccumulators,
      backend,
    });
    const pool = poolOf(seed);
    const limits = limitsOf(arch);
    for (const space of SPACES) {
      for (const bits of space === "acc" ? [arch["acc.bits"]] : WIDTHS) {
        const codes = space === "acc" ? limits.acc : Math.floor((limits[space] * 8) / bits);
        const start = (bits * 31 + SPACES.indexOf(space) * 997) % pool.length;
        scatter(this.state, { space, bits, from: 0, count: codes }, pool, start);
      }
    }
    const end = this.state.heap.allocate(0);
    this.#base = new Uint8Array(this.state.heap.memory.buffer.slice(0, end));
  }

  /** Declares what lies in these spans to be what was there before. */
  adopt(spans: readonly Span[]): void {
    for (const span of spans) this.#base.set(bytesOf(this.state, span), regionOf(this.state, span).at);
  }

  /** Takes over another machine's contents of these spans. */
  copyFrom(other: Bench, spans: readonly Span[]): void {
    for (const span of spans) bytesOf(other.state, span).copy(bytesOf(this.state, span));
    this.adopt(spans);
  }

  /** Everything but these spans and the counters is as it was. */
  expectUntouched(but: readonly Span[], what: string): void {
    const { saturations, overflows, heap } = this.state;
    const regions = [
      ...but.map((span) => regionOf(this.state, span)),
      ...[saturations, overflows].map((at) => ({ at, bytes: 4 * LANES })),
    ].sort((a, b) => a.at - b.at);
    let at = 0;
    for (const region of [...regions, { at: this.#base.length, bytes: 0 }]) {
      if (region.at > at) {
        const now = Buffer.from(heap.memory.buffer, at, region.at - at);
        if (!now.equals(this.#base.subarray(at, region.at))) {
          const first = now.findIndex((byte, i) => byte !== this.#base[at + i]);
          expect.fail(`${what}: changed ${this.#name(at + first)}`);
        }
      }
      at = Math.max(at, region.at + region.bytes);
    }
  }

  /** Puts these spans and the counters back to what they were. */
  restore(spans: readonly Span[]): void {
    for (const span of spans) {
      const { at, bytes } = regionOf(this.state, span);
      bytesOf(this.state, span).set(this.#base.subarray(at, at + bytes));
    }
    clearCounters(this.state);
  }

  /** The memory and width that a byte of the simulator belongs to. */
  #name(at: number): string {
    const planes = SPACES.flatMap((space) =>
      (space === "acc" ? [this.state.arch["acc.bits"]] : WIDTHS).map((bits) => ({
        space,
        bits,
        start: this.state.pointer(space, bits, 0),
      })),
    );
    const plane = planes.filter(({ start }) => start <= at).sort((a, b) => b.start - a.start)[0];
    return plane === undefined
      ? `byte ${at}`
      : `${plane.space} of ${plane.bits} bits, byte ${at - plane.start}`;
  }
}

/** Numbers in [0, 1], both ends among them. */
export function poolOf(seed: string): Float64Array {
  const rng = seedrandom(seed);
  return Float64Array.from({ length: 4099 }, () => {
    const r = rng();
    return r < 0.05 ? 0 : r < 0.1 ? 1 - 2 ** -53 : rng();
  });
}

export const isLegal = (op: OpDef, x: Readonly<Record<string, number>>, arch: Settings): boolean =>
  validate({ name: "p", items: [{ op, x, by: {} }] }, arch, EXTENTS).length === 0;

/** Legal operands of an operation on this machine, its spans apart from each other; random in everything else. */
export function legalOperands(
  op: OpDef,
  arch: Settings,
  rng: () => number,
  given: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  for (let attempt = 0; attempt < 2000; attempt++) {
    const x = place(op, { ...anyOperands(op, rng), ...given }, arch, rng, given);
    if (x === undefined) continue;
    if (isLegal(op, x, arch)) return x;
  }
  throw new Error(`no legal operands of ${op.name} found`);
}

export const COUNT_MAX = 2 ** 20 - 1;

function anyOperands(op: OpDef, rng: () => number): Record<string, number> {
  const x: Record<string, number> = {};
  const fields = Object.entries(op.fields);
  for (const [name, f] of fields) x[name] = f.kind === "address" ? 0 : anyInteger(f, rng);
  for (const [name, f] of fields) {
    if (f.codeOf === undefined) continue;
    const half = Math.min(2 ** (x[f.codeOf]! - 1), f.max + 1);
    x[name] = pick(rng, [0, 0, -half, half - 1, within(rng, -half, half - 1)]);
  }
  return x;
}

function anyInteger(f: Field, rng: () => number): number {
  if (f.signed) return pick(rng, [0, within(rng, -200, 200), f.min, f.max, within(rng, f.min, f.max)]);
  if (f.max === COUNT_MAX && f.min === 1) return within(rng, 1, 10);
  if (f.max <= 64) return within(rng, f.min, f.max);
  return within(rng, f.min, Math.max(f.min, Math.min(f.max, 2 ** within(rng, 0, 32))));
}

/** The operands with an address for each address field that has none yet, or undefined where there is no room. */
export function place(
  op: OpDef,
  x: Readonly<Record<string, number>>,
  arch: Settings,
  rng: () => number,
  given: Readonly<Record<string, number>>,
): Record<string, number> | undefined {
  if (Object.values(x).some((value) => !Number.isInteger(value))) return undefined;
  const limits = limitsOf(arch);
  const cursor = new Map<Space, number>();
  const placed: Record<string, number> = { ...x };
  const spansOf = (operands: Readonly<Record<string, number>>) => [
    ...op.reads(operands, arch),
    ...op.writes(operands, arch),
  ];
  for (const [name, f] of Object.entries(op.fields)) {
    if (f.kind !== "address" || given[name] !== undefined) continue;
    const far = spansOf({ ...x, [name]: FAR });
    const own = far.filter(({ from }) => from >= FAR);
    const step = own.reduce(
      (all, { space, bits }) => (space === "acc" ? all : lcm(all, alignmentOf(bits))),
      1,
    );
    const need = Math.max(...own.map((s) => s.from - FAR + sizeOf({ ...s, count: s.among ?? s.count })));
    const at = alignUp((cursor.get(f.space!) ?? 0) + within(rng, 0, 5), step);
    if (at + need > limits[f.space!]) return undefined;
    placed[name] = at;
    cursor.set(f.space!, at + need);
  }
  return placed;
}

/** An address beyond every memory: the spans that it moves there are its field's. */
const FAR = 2 ** 24;

function lcm(a: number, b: number): number {
  let multiple = a;
  while (multiple % b !== 0) multiple += a;
  return multiple;
}
