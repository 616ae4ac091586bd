import type { Settings } from "../arch/fields.ts";
import { floorDiv } from "../fixed/round.ts";
import type { Space, Work } from "../isa/define.ts";
import {
  type Instruction,
  type Issued,
  type Item,
  isLoop,
  REGISTERS,
  REGISTERS_PER_LOOP,
} from "../isa/program.ts";
import { type Placed, type Shapes, type Share, shapesOn } from "./shape.ts";
import type { Unrolled } from "./unrolled.ts";

/** Cycles from issue until an instruction can start: it is written into a queue and read from it a cycle later. */
export const ISSUE_CYCLES = 1;

/** The turns that the loops around an instruction are in, the outer one's first; 0 where there is none. */
export type Turns = readonly number[];
export const NO_TURNS: Turns = [0, 0];

/** Bytes (or accumulators) from `from` to before `to`, and the bytes that are moved for them. */
export interface Region {
  readonly space: Space;
  readonly from: number;
  readonly to: number;
  readonly trafficBytes: number;
  /** How far every turn of the loop at `level` moves it: 0 where it stays. */
  readonly stride: number;
  readonly level: number;
  /** Tells the regions of a plan apart; 0 outside of one. */
  readonly id: number;
}

/** How far the loops have moved a region. */
export const movedBy = ({ stride, level }: Region, turns: Turns): number =>
  stride === 0 ? 0 : stride * turns[level]!;

/** What an instruction asks of the machine, whatever else is going on: all that the clock knows of it. */
export interface Demand {
  readonly issued: Issued;
  readonly shares: readonly Share[];
  /** Cycles from the last beat until the results can be read. */
  readonly latency: number;
  readonly reads: readonly Region[];
  readonly writes: readonly Region[];
  /** Activation SRAM banks of which the instruction takes a read port, a write port, in the first turn of its loops. */
  readonly readBanks: readonly number[];
  readonly writeBanks: readonly number[];
  /** Whether its loops move what it touches in activation SRAM, so that the banks are another turn's own. */
  readonly movesBanks: boolean;
  readonly work: Work;
}

/** A loop with the demands of its body. */
export interface PlannedLoop {
  readonly count: number;
  /** 0 of a loop that no other is around. */
  readonly level: number;
  readonly body: readonly Planned[];
}
export type Planned = Demand | PlannedLoop;

export const isPlannedLoop = (planned: Planned): planned is PlannedLoop => "body" in planned;

/** A program's demands, one for each instruction as written: a loop moves its regions and changes nothing else. */
export function planOf(items: readonly Item[], arch: Settings): readonly Planned[] {
  const strides = new Array<number>(REGISTERS.length).fill(0);
  const shapes = shapesOn(arch);
  let id = 0;
  const plan = (some: readonly Item[], level: number, planned: Planned[]): Planned[] => {
    for (const item of some) {
      if (!isLoop(item)) {
        const demand = demandOf(item, item.by, strides, shapes, id);
        id += demand.reads.length + demand.writes.length;
        planned.push(demand);
        continue;
      }
      const { count } = item;
      for (let r = 0; r < REGISTERS_PER_LOOP; r++)
        strides[level * REGISTERS_PER_LOOP + r] = count > 1 ? (item.strides[r] ?? 0) : 0;
      const body = count > 0 ? plan(item.body, level + 1, []) : [];
      if (body.length > 0) planned.push({ count, level, body });
    }
    return planned;
  };
  return plan(items, 0, []);
}

/** Gives the demands of a program's instructions, in the order of issue. They are not kept, so that long programs stay cheap. */
export function* demandsOf({ issued, repeated }: Unrolled, arch: Settings): Generator<Demand> {
  const shapes = shapesOn(arch);
  const known = new Map<Issued["x"], Demand>();
  for (const one of issued) {
    const demand = known.get(one.x) ?? demandOf(one, NOTHING, [], shapes, 0);
    if (repeated.has(one.x)) known.set(one.x, demand);
    yield demand;
  }
}

const NOTHING: Instruction["by"] = {};

function demandOf(
  issued: Issued,
  by: Instruction["by"],
  strides: readonly number[],
  shapes: Shapes,
  id: number,
): Demand {
  const { op, x } = issued;
  const shape = shapes.of(op, x);
  const { shares, latency, work } = shape;
  let next = id;
  const region = ({ space, field, offset, bytes, trafficBytes }: Placed): Region => {
    const from = x[field]! + offset;
    const register = by[field];
    const stride = register === undefined ? 0 : strides[register]!;
    const level = stride === 0 ? 0 : floorDiv(register!, REGISTERS_PER_LOOP);
    return { space, from, to: from + bytes, trafficBytes, stride, level, id: next++ };
  };
  const reads = shape.reads.map(region);
  const writes = shape.writes.map(region);
  const moves = ({ space, stride }: Region) => space === "activation" && stride !== 0;
  return {
    issued,
    shares,
    latency,
    reads,
    writes,
    readBanks: banksOf(reads, NO_TURNS, shapes.arch),
    writeBanks: banksOf(writes, NO_TURNS, shapes.arch),
    movesBanks: reads.some(moves) || writes.some(moves),
    work,
  };
}

/** Cycles of an instruction that has the machine to itself, from its issue until its results can be read. */
export function cyclesAlone({ shares, latency }: Demand): number {
  const last = shares.at(-1)!;
  return ISSUE_CYCLES + last.lead + last.beats + latency;
}

/** The activation banks that the regions touch in these turns, each once. */
export function banksOf(regions: readonly Region[], turns: Turns, arch: Settings): readonly number[] {
  const bankBytes = arch["activation.bytes"] / arch["activation.banks"];
  const banks: number[] = [];
  for (const region of regions) {
    if (region.space !== "activation") continue;
    const moved = movedBy(region, turns);
    const last = floorDiv(region.to + moved - 1, bankBytes);
    for (let bank = floorDiv(region.from + moved, bankBytes); bank <= last; bank++) {
      if (!banks.includes(bank)) banks.push(bank);
    }
  }
  return banks;
}
