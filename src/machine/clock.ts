import type { Settings } from "../arch/fields.ts";
import { UNITS, type UnitName } from "../isa/define.ts";
import type { Issued } from "../isa/program.ts";
import { type Banks, banksOn } from "./banks.ts";
import { type Demand, ISSUE_CYCLES } from "./demand.ts";
import { type DramRows, NEVER, Pages } from "./dram.ts";
import { Hazards } from "./hazards.ts";
import { NO_TURNS, type Turns } from "./region.ts";
import type { Servers } from "./servers.ts";
import type { Share } from "./shape.ts";
import { type Unit, unitsOf } from "./units.ts";

/** What keeps an instruction waiting at the head of its unit's queue, in the order in which waits are charged. */
export const STALL_CAUSES = ["operands", "dram", "bank", "chain"] as const;
/**
 * - operands: the interlock;
 * - dram: a transfer has started and its first byte is not there yet, or a later one will not be there in time;
 * - bank: a port of a bank;
 * - chain: the other unit of an operation over two.
 */
export type StallCause = (typeof STALL_CAUSES)[number];

/** What decided when an instruction started: its issue, its unit being busy, or a stall. */
export type Bound = "issue" | "unit" | Exclude<StallCause, "dram">;

/** A unit at work on an instruction, in the cycles from `from` to before `to`. */
interface Turn {
  readonly unit: UnitName;
  readonly from: number;
  readonly to: number;
  /** When each cause of waiting was over; where there was none, it has nothing left that `tellPhases` would charge to it. */
  readonly waits: Readonly<Record<StallCause, number>>;
}

/** An instruction and its times. */
export interface Scheduled {
  readonly issued: Issued;
  /** The sequencer issues it in this cycle; it is in its queues from the next one on. */
  readonly issueAt: number;
  readonly startAt: number;
  /** The cycle after its last beat. */
  readonly endAt: number;
  /** The first cycle in which its results can be read. */
  readonly visibleAt: number;
  readonly boundBy: Bound;
  readonly turns: readonly Turn[];
}

/**
 * The clock: when each instruction of a program is issued, starts and ends. Cycles count from 0.
 *
 * Every instant below is a maximum of earlier instants plus constants, taken in program order. Hence the times depend
 * on nothing but the program and the machine, and an instruction that gets shorter can delay no other.
 *
 * - **Sequencer.** Issues one instruction a cycle, in order, into the queue of each unit that takes part in it; waits
 *   while one of them holds `queue.depth` instructions. An instruction can start in the cycle after its issue and leaves its
 *   queues when it starts; the room it leaves is seen in that cycle. Loops cost nothing.
 * - **mac, requant, pwl, vector.** In order, one instruction at a time, back to back. Latency and throughput are
 *   those of the operation's record: `beats` cycles during which the unit takes nothing else, results readable
 *   `latency` cycles after the last. An operation over two units starts when it is at the head of both queues and both can
 *   keep its pace to the end: the second takes the first element when it leaves the first unit's pipeline.
 * - **dma.** `dma.channels` transfers in flight, one more at most each cycle. A transfer holds its channel from its start:
 *   `dram.latency` cycles later its beats take the DRAM bus, one transfer at a time, in order. With `dram.pages` they wait
 *   for the rows (dram.ts) as well. The beats count as the last cycles of the transfer, and what they waited for as before them.
 * - **Interlock.** An instruction starts when what it reads has been written by all earlier instructions (their
 *   latency included), what it writes is no longer read by earlier ones (until their last beat), nor owed by them.
 *   By byte ranges, and by entries among accumulators.
 * - **Ports.** While its beats last, an instruction has a read port of each bank that it reads from, and a write port of
 *   each that it writes to: in the activation SRAM, and in the other memories where `weight.ports`, `table.ports`,
 *   `acc.ports` are `shared`, one port for reads and writes alike (banks.ts). Ports are granted in program order.
 *
 * Not modelled:
 * - a port is held for all beats, even where a unit touches the bank in a few of them, and promised in program
 *   order: a later instruction waits for one that was promised the port and has not started;
 * - what is read is held until the last beat of the whole instruction, results appear all at once;
 * - where `…ports` are `separate`, ports: a transfer into that memory never disturbs a reader;
 * - without `dram.pages`, rows, refresh, turnaround: every transfer has the same latency and bandwidth. With it, see dram.ts;
 * - fetching the instructions themselves.
 */
export class Clock {
  readonly #hazards = new Hazards();
  readonly #banks: Banks;
  readonly #readPorts: readonly Servers[];
  readonly #writePorts: readonly Servers[];
  /** All of them, each once. */
  readonly #ports: readonly Servers[];
  readonly #pages: Pages | undefined;
  readonly #units: Readonly<Record<UnitName, Unit>>;
  #nextIssueAt = 0;

  /** Of the instruction that was issued last. */
  issueAt = 0;
  startAt = 0;
  endAt = 0;
  visibleAt = 0;
  /** When its waits were over, but for that on the other unit of a chain. */
  operandsAt = 0;
  dramAt = 0;
  portsAt = 0;
  /** What it met in the DRAM's rows, where it came there and they take time. */
  rows: DramRows | undefined;
  /** When its first unit could have started it. */
  #turnAt = 0;
  /** Its start as its beats have it, a lead before them: later than `startAt` where they had to wait. */
  #leadFrom = 0;

  constructor(arch: Settings) {
    this.#banks = banksOn(arch);
    const { reads, writes } = this.#banks.ports();
    this.#readPorts = reads;
    this.#writePorts = writes;
    this.#ports = [...new Set([...reads, ...writes])];
    this.#pages = arch["dram.pages"] === "yes" ? new Pages(arch) : undefined;
    this.#units = unitsOf(arch, this.#pages);
  }

  /** Issues the next instruction of the program. */
  issue(demand: Demand): Scheduled {
    this.step(demand, NO_TURNS);
    const { issued, shares } = demand;
    const { issueAt, startAt, endAt, visibleAt } = this;
    const turns = shares.map((share): Turn => {
      const [operands, dram, bank, chain] = this.waits(share);
      const from = this.beginOf(share);
      return {
        unit: share.unit,
        from,
        to: from + share.beats,
        waits: { operands: operands!, dram: dram!, bank: bank!, chain: chain! },
      };
    });
    return { issued, issueAt, startAt, endAt, visibleAt, boundBy: this.#boundBy(), turns };
  }

  /** Issues the next instruction, in these turns of its loops, and leaves its times in this object. */
  step(demand: Demand, turns: Turns): void {
    const { shares, reads, writes } = demand;
    this.issueAt = this.#roomAt(shares);
    const queuedAt = this.issueAt + ISSUE_CYCLES;
    this.#hazards.forget(queuedAt);
    this.operandsAt = this.#hazards.clearAt(reads, writes, queuedAt, turns);
    const readBanks = demand.movesBanks ? this.#banks.of(reads, turns) : demand.readBanks;
    const writeBanks = demand.movesBanks ? this.#banks.of(writes, turns) : demand.writeBanks;
    this.portsAt = this.#portsAt(readBanks, writeBanks);
    this.startAt = this.#startAt(shares, Math.max(queuedAt, this.operandsAt));
    const last = shares[shares.length - 1]!;
    const unit = this.#units[last.unit];
    this.endAt = unit.run(demand, last, turns, this.startAt, this.portsAt);
    this.#leadFrom = this.endAt - last.beats - last.lead;
    this.dramAt = unit.dramAt;
    this.rows = unit.rows;
    this.visibleAt = this.endAt + demand.latency;
    this.#hazards.note(reads, writes, this.endAt, this.visibleAt, turns);
    for (const bank of readBanks) this.#readPorts[bank]!.take(this.endAt);
    for (const bank of writeBanks) this.#writePorts[bank]!.take(this.endAt);
    for (const share of shares) this.#units[share.unit].give(this.startAt, this.beginOf(share) + share.beats);
    this.#nextIssueAt = this.issueAt + 1;
  }

  /** When the unit of this share of the last instruction begins with it. */
  beginOf({ lead }: Share): number {
    return this.#leadFrom + lead;
  }

  /** When each of STALL_CAUSES was over for this share of the last instruction: see `Turn.waits`. */
  waits({ lead }: Share): readonly number[] {
    return [this.operandsAt, this.dramAt, this.portsAt, this.startAt + lead];
  }

  /** When the last instruction's unit was through with the one before. */
  freeBefore({ unit }: Share): number {
    return this.#units[unit].freeBefore;
  }

  /** The DRAM's rows and what the last transfer met there, on a machine where they take time. */
  get pages(): Pages | undefined {
    return this.#pages;
  }

  /** The cycle in which the sequencer could issue the next instruction if every queue had room. */
  get nextIssueAt(): number {
    return this.#nextIssueAt;
  }

  /** Writes over `times` when the units are free, seen from the next issue: a small part of what `writeTo` tells. */
  glance(times: number[]): void {
    for (const [i, unit] of UNITS.entries())
      times[i] = Math.max(this.#units[unit].freeAt - this.#nextIssueAt, ISSUE_CYCLES);
  }

  /**
   * Writes all that the times of later instructions depend on, seen from the next issue and from turn `turn` of the
   * loop at `level`. Two states that are written alike go on alike: by as many cycles later, if what the
   * instructions touch meets as it did.
   *
   * @param state  an empty list
   * @param since  the transfer before the loop's first one, NEVER for a loop without
   * @returns how many turns ago the oldest region was touched that somebody may have to wait for
   */
  writeTo(state: number[], level: number, turn: number, since = NEVER): number {
    const base = this.#nextIssueAt;
    const now = base + ISSUE_CYCLES;
    for (const unit of UNITS) this.#units[unit].writeTo(state, now, base);
    for (const ports of this.#ports) ports.writeTo(state, now, base);
    const oldest = this.#pages?.writeTo(state, now, base, level, turn, since) ?? 0;
    return Math.max(oldest, this.#hazards.writeTo(state, now, base, level, turn));
  }

  /** Moves all times on, as if turns of the loop at `level` had passed that end as they began. */
  advance(cycles: number, level: number, turns: number, since = NEVER): void {
    this.#nextIssueAt += cycles;
    for (const unit of UNITS) this.#units[unit].advance(cycles);
    for (const ports of this.#ports) ports.advance(cycles);
    this.#pages?.advance(cycles, level, turns, since);
    this.#hazards.advance(cycles, level, turns);
  }

  /** The first cycle from `at` on in which every unit that takes part can start, and all can keep pace to the end. */
  #startAt(shares: readonly Share[], at: number): number {
    const first = shares[0]!;
    this.#turnAt = this.#units[first.unit].turnAt(first.lead);
    let startAt = at;
    for (const { unit, lead } of shares)
      startAt = Math.max(startAt, this.#units[unit].readyAt(lead, this.portsAt));
    return startAt;
  }

  #boundBy(): Bound {
    if (this.startAt === this.issueAt + ISSUE_CYCLES) return "issue";
    if (this.startAt === this.#turnAt) return "unit";
    if (this.startAt === this.operandsAt) return "operands";
    return this.startAt === this.portsAt ? "bank" : "chain";
  }

  /** The first cycle from the next issue on in which every queue that the instruction goes to has room. */
  #roomAt(shares: readonly Share[]): number {
    let at = this.#nextIssueAt;
    for (const { unit } of shares) at = Math.max(at, this.#units[unit].roomAt);
    return at;
  }

  #portsAt(readBanks: readonly number[], writeBanks: readonly number[]): number {
    let at = 0;
    for (const bank of readBanks) at = Math.max(at, this.#readPorts[bank]!.freeAt());
    for (const bank of writeBanks) at = Math.max(at, this.#writePorts[bank]!.freeAt());
    return at;
  }
}
