import type { Settings } from "../arch/fields.ts";
import type { ArchSpec } from "../arch/spec.ts";
import { multiplierRate } from "../isa/array.ts";
import { trafficOf } from "../isa/cost.ts";
import { type Span, UNITS } from "../isa/define.ts";
import type { Program } from "../isa/program.ts";
import type { Bound } from "./clock.ts";
import { MEMORIES } from "./tally.ts";
import { memoryOf, type Step, stepsOf } from "./trace.ts";

/** What decided when an instruction started, in the order of reports. */
export const STARTS = ["issue", "unit", "operands", "bank", "chain"] as const satisfies readonly Bound[];

/**
 * Cycles by which instructions moved a program's end on, and what passed in them. The shares of all instructions add up
 * to the program's cycles: what is hidden behind others is nobody's share.
 */
const SPENT = ["instructions", "cycles", "issue", "dram", "work", "pipeline"] as const;
/**
 * - cycles: all of them, the sum of the next four;
 * - issue: until the instruction was issued;
 * - dram: until the first byte of a transfer was there;
 * - work: the beats of its units;
 * - pipeline: from its last beat until its results could be read.
 */
export type Spent = Readonly<Record<(typeof SPENT)[number], number>>;

const STREAMS = UNITS.map((unit) => `${unit}Stream` as const);
const BUSY = UNITS.map((unit) => `${unit}Busy` as const);
const LAYER = [
  ...SPENT,
  "activeCycles",
  "macs",
  "multiplierCycles",
  "dramBytes",
  "weightBytes",
  "weightReadBytes",
  "activationBytes",
  ...BUSY,
  ...STREAMS,
] as const;
/**
 * What a layer spends and does. `activeCycles` are those in which at least one of its instructions is issued, or
 * started and not over: layers that overlap are active at once. `multiplierCycles` are those of all multipliers
 * together, were they alone in the world. `…Busy` are beats, `…Stream` the bytes that pass one
 * after the other through the unit's port of the activation SRAM.
 */
export type LayerFigures = Readonly<Record<(typeof LAYER)[number], number>>;

export interface Profile {
  readonly cycles: number;
  /** By name: the layer that instructions are labelled with, `UNLABELLED` without one. */
  readonly layers: ReadonlyMap<string, LayerFigures>;
  /** By the operation's name. */
  readonly operations: ReadonlyMap<string, Spent>;
  /** By what decided when the instruction started. */
  readonly starts: ReadonlyMap<string, Spent>;
}

export const UNLABELLED = "other";

/** Where a program's cycles go. */
export function profileOf(program: Program, arch: ArchSpec): Profile {
  const layers = new Map<string, Layer>();
  const operations = new Map<string, Record<keyof Spent, number>>();
  const starts = new Map<string, Record<keyof Spent, number>>();
  let cycles = 0;
  for (const step of stepsOf(program, arch)) {
    const { issued, boundBy, visibleAt } = step.scheduled;
    const spent = spentBy(step, cycles);
    cycles = Math.max(cycles, visibleAt);
    add(
      at(operations, issued.op.name, () => zeros(SPENT)),
      spent,
      SPENT,
    );
    add(
      at(starts, boundBy, () => zeros(SPENT)),
      spent,
      SPENT,
    );
    at(layers, issued.layer ?? UNLABELLED, () => new Layer(arch.settings)).add(step, spent);
  }
  const figures = [...layers].map(([name, layer]) => [name, layer.figures()] as const);
  return { cycles, layers: new Map(figures), operations, starts };
}

/** The profile of programs that run one after another, each `times` times. */
export function sumOfProfiles(
  parts: readonly { readonly profile: Profile; readonly times: number }[],
): Profile {
  const layers = new Map<string, Record<keyof LayerFigures, number>>();
  const operations = new Map<string, Record<keyof Spent, number>>();
  const starts = new Map<string, Record<keyof Spent, number>>();
  let cycles = 0;
  for (const { profile, times } of parts) {
    if (times === 0) continue;
    cycles += times * profile.cycles;
    for (const [name, one] of profile.layers)
      add(
        at(layers, name, () => zeros(LAYER)),
        one,
        LAYER,
        times,
      );
    for (const [name, one] of profile.operations)
      add(
        at(operations, name, () => zeros(SPENT)),
        one,
        SPENT,
        times,
      );
    for (const [name, one] of profile.starts)
      add(
        at(starts, name, () => zeros(SPENT)),
        one,
        SPENT,
        times,
      );
  }
  return { cycles, layers, operations, starts };
}

function at<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

const zeros = <K extends string>(names: readonly K[]): Record<K, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;

function add<K extends string>(
  sum: Record<K, number>,
  one: Readonly<Record<K, number>>,
  names: readonly K[],
  times = 1,
): void {
  for (const name of names) sum[name] += times * one[name];
}

/**
 * An instruction's share of a program that would have ended at `latest` without it: the cycles from there to its own end.
 * All that it may have waited for was over by then, but for its issue: what made it wait was an earlier instruction's.
 */
function spentBy({ scheduled }: Step, latest: number): Spent {
  const { startAt, endAt, visibleAt, turns } = scheduled;
  const until = (instant: number) => Math.max(0, instant - latest);
  const [issued, begun, ended, seen] = [startAt, turns[0]!.from, endAt, visibleAt].map(until);
  return {
    instructions: 1,
    cycles: seen!,
    issue: issued!,
    dram: begun! - issued!,
    work: ended! - begun!,
    pipeline: seen! - ended!,
  };
}

/** Adds up one layer of one program. */
class Layer {
  readonly #arch: Settings;
  readonly #sum = zeros(LAYER);
  readonly #active: (readonly [from: number, to: number])[] = [];

  constructor(arch: Settings) {
    this.#arch = arch;
  }

  add({ scheduled, reads, writes }: Step, spent: Spent): void {
    const { issued, issueAt, startAt, visibleAt, turns } = scheduled;
    const sum = this.#sum;
    add(sum, spent, SPENT);
    this.#active.push([issueAt, issueAt + 1], [startAt, visibleAt]);
    for (const { unit, from, to } of turns) sum[`${unit}Busy`] += to - from;
    const [read, written] = [this.#bytesOf(reads), this.#bytesOf(writes)];
    sum.dramBytes += read.dram + written.dram;
    sum.weightBytes += read.weight + written.weight;
    sum.weightReadBytes += read.weight;
    sum.activationBytes += read.activation + written.activation;
    // Reads and writes have ports of their own.
    sum[`${turns[0]!.unit}Stream`] += Math.max(read.activation, written.activation);
    const { macs } = issued.op.work(issued.x, this.#arch);
    if (macs === undefined) return;
    const { products, cycles } = multiplierRate(macs.weightBits, macs.activationBits, this.#arch);
    sum.macs += macs.count;
    sum.multiplierCycles += (macs.count * cycles) / products;
  }

  figures(): LayerFigures {
    return { ...this.#sum, activeCycles: unionOf(this.#active) };
  }

  #bytesOf(spans: readonly Span[]) {
    const bytes = zeros(MEMORIES);
    for (const span of spans) {
      const memory = memoryOf(span.space);
      if (memory !== undefined) bytes[memory] += trafficOf(span, this.#arch);
    }
    return bytes;
  }
}

/** Cycles in at least one of the stretches. */
function unionOf(stretches: (readonly [from: number, to: number])[]): number {
  let cycles = 0;
  let end = 0;
  for (const [from, to] of stretches.sort(([a], [b]) => a - b)) {
    if (to <= end) continue;
    cycles += to - Math.max(from, end);
    end = to;
  }
  return cycles;
}

/** The rooflines: what each resource by itself would need for a layer, in the order in which ties are settled. */
export const ROOFS = ["mac", "weight", "dram", "activation", "issue", "requant", "pwl", "vector"] as const;
export type Roof = (typeof ROOFS)[number];
/** Where none of them explains half of a layer's time: the array's own folds do, or nothing but waiting for results. */
type LayerBound = Roof | "array" | "latency";

/**
 * The cycles of each roofline: MACs at the array's peak, bytes at a memory's bandwidth, one instruction a cycle, the
 * beats of the units behind the array. None is more than `activeCycles`.
 */
export function floorsOf(layer: LayerFigures, arch: Settings): Readonly<Record<Roof, number>> {
  // Transfers take a port too, but at the pace of the DRAM.
  const streams = UNITS.filter((unit) => unit !== "dma").map((unit) => layer[`${unit}Stream`]);
  return {
    mac: layer.multiplierCycles / (arch["mac.rows"] * arch["mac.columns"]),
    weight: layer.weightReadBytes / arch["weight.bytesPerCycle"],
    dram: layer.dramBytes / arch["dram.bytesPerCycle"],
    activation: Math.max(...streams) / arch["activation.bytesPerCycle"],
    issue: layer.instructions,
    requant: layer.requantBusy,
    pwl: layer.pwlBusy,
    vector: layer.vectorBusy,
  };
}

/** What keeps a layer from being faster. */
export interface LayerLimit {
  readonly bound: LayerBound;
  /** The resource that it cannot do without for the largest part of its time, and for how many cycles. */
  readonly roof: Roof;
  readonly cycles: number;
}

/** A layer's bound: its nearest roofline, if the layer is under that one for half of its time. */
export function limitOf(layer: LayerFigures, arch: Settings): LayerLimit {
  const floors = floorsOf(layer, arch);
  let roof: Roof = "mac";
  for (const other of ROOFS) if (floors[other] > floors[roof]) roof = other;
  const half = (cycles: number): boolean => 2 * cycles >= layer.activeCycles;
  const bound = half(floors[roof]) ? roof : half(layer.macBusy) ? "array" : "latency";
  return { bound, roof, cycles: floors[roof] };
}
