import type { Settings } from "../arch/fields.ts";
import { floorDiv } from "../fixed/round.ts";
import type { Work } from "../isa/define.ts";
import {
  type Instruction,
  type Issued,
  type Item,
  isLoop,
  REGISTERS,
  REGISTERS_PER_LOOP,
} from "../isa/program.ts";
import { isDram, NO_TURNS, type Region } from "./region.ts";
import { type Placed, type Shapes, type Share, shapesOn } from "./shape.ts";
import type { Unrolled } from "./unrolled.ts";

/** Cycles from issue until an instruction can start: it is written into a queue and read from it a cycle later. */
export const ISSUE_CYCLES = 1;

/** What an instruction asks of the machine, whatever else is going on: all that the clock knows of it. */
export interface Demand {
  readonly issued: Issued;
  readonly shares: readonly Share[];
  /** Cycles from the last beat until the results can be read. */
  readonly latency: number;
  readonly reads: readonly Region[];
  readonly writes: readonly Region[];
  /** Banks (banks.ts) of which the instruction takes a read port, a write port, in the first turn of its loops. */
  readonly readBanks: readonly number[];
  readonly writeBanks: readonly number[];
  /** Whether its loops move what it touches, so that the banks are another turn's own. */
  readonly movesBanks: boolean;
  readonly work: Work;
}

/** A loop with the demands of its body. */
export interface PlannedLoop {
  readonly count: number;
  /** 0 of a loop that no other is around. */
  readonly level: number;
  readonly body: readonly Planned[];
  /** Whether something in it is the DRAM's business. */
  readonly isTransferring: boolean;
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
      if (body.length > 0) planned.push({ count, level, body, isTransferring: body.some(isTransferring) });
    }
    return planned;
  };
  return plan(items, 0, []);
}

const isTransferring = (planned: Planned): boolean =>
  isPlannedLoop(planned) ? planned.isTransferring : planned.reads.some(isDram) || planned.writes.some(isDram);

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
  const region = ({ space, field, offset, bytes, trafficBytes, isPicked }: Placed): Region => {
    const from = x[field]! + offset;
    const register = by[field];
    const stride = register === undefined ? 0 : strides[register]!;
    const level = stride === 0 ? 0 : floorDiv(register!, REGISTERS_PER_LOOP);
    return { space, from, to: from + bytes, trafficBytes, isPicked, stride, level, id: next++ };
  };
  const reads = shape.reads.map(region);
  const writes = shape.writes.map(region);
  const { banks } = shapes;
  return {
    issued,
    shares,
    latency,
    reads,
    writes,
    readBanks: banks.of(reads, NO_TURNS),
    writeBanks: banks.of(writes, NO_TURNS),
    movesBanks: banks.moves(reads) || banks.moves(writes),
    work,
  };
}

/** Cycles of an instruction that has the machine to itself, from its issue until its results can be read. */
export function cyclesAlone({ shares, latency }: Demand): number {
  const last = shares.at(-1)!;
  return ISSUE_CYCLES + last.lead + last.beats + latency;
}
