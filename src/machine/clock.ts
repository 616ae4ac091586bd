import type { Settings } from "../arch/fields.ts";
import type { UnitName } from "../isa/define.ts";
import type { Issued } from "../isa/program.ts";
import { type Demand, ISSUE_CYCLES } from "./demand.ts";
import { Hazards } from "./hazards.ts";
import { Servers } from "./servers.ts";

/** What keeps an instruction waiting at the head of its unit's queue, in the order in which waits are charged. */
export const STALL_CAUSES = ["operands", "dram", "bank", "chain"] as const;
/**
 * - operands: the interlock;
 * - dram: a transfer has started and its first byte is not there yet;
 * - bank: a port of an activation bank;
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
  /** When each cause of waiting was over, 0 where there was none. */
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
 *   `latency` cycles after the last. An operation over two units starts when both can keep its pace to the end: the
 *   second takes the first element when it leaves the first unit's pipeline.
 * - **dma.** `dma.channels` transfers in flight, one more at most each cycle. A transfer holds its channel from its start:
 *   `dram.latency` cycles later its beats take the DRAM bus, one transfer at a time, in order.
 * - **Interlock.** An instruction starts when what it reads has been written by all earlier instructions (their
 *   latency included), what it writes is no longer read by earlier ones (until their last beat), nor owed by them.
 *   By byte ranges, and by entries among accumulators.
 * - **Ports.** While its beats last, an instruction has a read port of each activation bank that it reads from, and
 *   a write port of each that it writes to. Ports are granted in program order.
 *
 * Not modelled:
 * - a port is held for all beats, even where a unit touches the bank in a few of them, and promised in program
 *   order: a later instruction waits for one that was promised the port and has not started;
 * - what is read is held until the last beat of the whole instruction, results appear all at once;
 * - ports of the weight SRAM and of the table memory: a transfer into them never disturbs a reader;
 * - DRAM rows, refresh, turnaround: every transfer has the same latency and bandwidth;
 * - fetching the instructions themselves.
 */
export class Clock {
  readonly #depth: number;
  readonly #hazards = new Hazards();
  readonly #readPorts: readonly Servers[];
  readonly #writePorts: readonly Servers[];
  readonly #channels: Servers;
  /** Per unit: when it is free (the DMA: its bus), and when each instruction that it was ever given started. */
  readonly #freeAt: Record<UnitName, number> = { dma: 0, mac: 0, requant: 0, pwl: 0, vector: 0 };
  readonly #starts: Record<UnitName, number[]> = { dma: [], mac: [], requant: [], pwl: [], vector: [] };
  #nextIssueAt = 0;

  constructor(arch: Settings) {
    const banks = (ports: number) =>
      Array.from({ length: arch["activation.banks"] }, () => new Servers(ports));
    this.#depth = arch["queue.depth"];
    this.#readPorts = banks(arch["activation.readPorts"]);
    this.#writePorts = banks(arch["activation.writePorts"]);
    this.#channels = new Servers(arch["dma.channels"]);
  }

  /** Issues the next instruction of the program. */
  issue(demand: Demand): Scheduled {
    const issueAt = this.#roomAt(demand);
    const queuedAt = issueAt + ISSUE_CYCLES;
    const operandsAt = this.#hazards.clearAt(demand.reads, demand.writes);
    const portsAt = this.#portsAt(demand);
    const isTransfer = demand.shares[0]!.unit === "dma";
    const scheduled = isTransfer
      ? this.#transfer(demand, issueAt, operandsAt, portsAt)
      : this.#compute(demand, issueAt, operandsAt, portsAt);
    const { startAt, endAt, visibleAt } = scheduled;
    this.#hazards.forget(queuedAt);
    this.#hazards.note(demand.reads, demand.writes, endAt, visibleAt);
    for (const bank of demand.readBanks) this.#readPorts[bank]!.take(endAt);
    for (const bank of demand.writeBanks) this.#writePorts[bank]!.take(endAt);
    for (const { unit, to } of scheduled.turns) {
      this.#freeAt[unit] = to;
      this.#starts[unit].push(startAt);
    }
    this.#nextIssueAt = issueAt + 1;
    return scheduled;
  }

  #transfer(demand: Demand, issueAt: number, operandsAt: number, portsAt: number): Scheduled {
    const { issued, shares, latency } = demand;
    const { unit, lead, beats } = shares[0]!;
    const turnAt = Math.max(this.#channels.freeAt(), (this.#starts.dma.at(-1) ?? -1) + 1);
    const startAt = Math.max(issueAt + ISSUE_CYCLES, turnAt, operandsAt);
    const from = Math.max(startAt + lead, this.#freeAt[unit], portsAt);
    const endAt = from + beats;
    this.#channels.take(endAt);
    const boundBy = startAt === issueAt + ISSUE_CYCLES ? "issue" : startAt === turnAt ? "unit" : "operands";
    const waits = { operands: operandsAt, dram: startAt + lead, bank: portsAt, chain: 0 };
    const turns = [{ unit, from, to: endAt, waits }];
    return { issued, issueAt, startAt, endAt, visibleAt: endAt + latency, boundBy, turns };
  }

  #compute(demand: Demand, issueAt: number, operandsAt: number, portsAt: number): Scheduled {
    const { issued, shares, latency } = demand;
    let partnersAt = 0;
    for (const { unit, lead } of shares) partnersAt = Math.max(partnersAt, this.#freeAt[unit] - lead);
    const startAt = Math.max(issueAt + ISSUE_CYCLES, operandsAt, portsAt, partnersAt);
    const turns = shares.map(({ unit, lead, beats }): Turn => {
      const from = startAt + lead;
      return {
        unit,
        from,
        to: from + beats,
        waits: { operands: operandsAt, dram: 0, bank: portsAt, chain: from },
      };
    });
    const endAt = turns.at(-1)!.to;
    const boundBy = this.#boundBy(demand, startAt, issueAt, operandsAt, portsAt);
    return { issued, issueAt, startAt, endAt, visibleAt: endAt + latency, boundBy, turns };
  }

  #boundBy({ shares }: Demand, startAt: number, issueAt: number, operandsAt: number, portsAt: number): Bound {
    if (startAt === issueAt + ISSUE_CYCLES) return "issue";
    if (startAt === this.#freeAt[shares[0]!.unit]) return "unit";
    if (startAt === operandsAt) return "operands";
    return startAt === portsAt ? "bank" : "chain";
  }

  /** The first cycle from the next issue on in which every queue that the instruction goes to has room. */
  #roomAt({ shares }: Demand): number {
    let at = this.#nextIssueAt;
    for (const { unit } of shares) {
      const starts = this.#starts[unit];
      at = Math.max(at, starts[starts.length - this.#depth] ?? 0);
    }
    return at;
  }

  #portsAt({ readBanks, writeBanks }: Demand): number {
    let at = 0;
    for (const bank of readBanks) at = Math.max(at, this.#readPorts[bank]!.freeAt());
    for (const bank of writeBanks) at = Math.max(at, this.#writePorts[bank]!.freeAt());
    return at;
  }
}
