import { refreshBlackout } from "../arch/dram.ts";
import type { Settings } from "../arch/fields.ts";
import { ceilDiv, floorDiv } from "../fixed/round.ts";
import { REACH } from "../isa/define.ts";
import { alignUp } from "../isa/tables.ts";
import type { Demand } from "./demand.ts";
import { COMMANDS, type Command, type Find, PATHS, RULES } from "./dram-rules.ts";
import { isDram, movedBy, type Region, type Turns } from "./region.ts";

/** A command's consequence: the earliest instant of another one. */
interface Gap {
  readonly before: number;
  readonly isOfAll: boolean;
  readonly cycles: number;
}

/** The rules by the command that they follow, in cycles of this machine. */
const gapsOn = (arch: Settings): readonly (readonly Gap[])[] =>
  COMMANDS.map((after) =>
    RULES.filter((rule) => rule.after === after).map(({ before, scope, cycles }) => ({
      before: COMMANDS.indexOf(before),
      isOfAll: scope === "all banks",
      cycles: cycles.reduce((sum, field) => sum + (arch[field] as number), 0),
    })),
  );

/** No row. */
const CLOSED = -1;

/** A bank: what is open in it, and who touched it last. */
interface Bank {
  /** The row's number among those of all banks, or CLOSED. */
  row: number;
  /** When each of COMMANDS may come. */
  readonly readyAt: number[];
  region: Region | undefined;
  outer: number;
  inner: number;
  /** Transfers that there had been by then. */
  stamp: number;
}

/** Visits to the DRAM's rows, by what they found: the row open, its bank closed, another row open. */
export interface DramRows {
  readonly hits: number;
  readonly misses: number;
  readonly conflicts: number;
}

/** Of a loop without transfers: no bank has been touched in it. */
export const NEVER = Number.POSITIVE_INFINITY;

/**
 * The DRAM's rows: when the bytes of a transfer are there.
 *
 * Row r of the address space is the one of bank r mod `dram.banks`; the image lies in front, the data region from 256 MiB
 * on (from the next multiple of a row of each bank). A bank keeps its last row open. A transfer is a piece for each row that it
 * touches. The controller has the whole request `dram.latency` cycles after the transfer's start: it opens the rows of all
 * pieces at once, in order, as soon as the rules (dram-rules.ts) and the pieces before allow, and a piece's first byte can
 * be on the bus `dram.cas` cycles after the first column command. Bytes take the bus in order, `dram.bytesPerCycle` a cycle, one
 * transfer after the other; where a piece is late the bus waits, and what has waited moves on without gaps.
 *
 * A row that the data pick (gather) may be any: all banks are closed for it, it is opened, as many rows as its bytes can lie
 * in, and closed again. Its time depends on its size alone.
 *
 * Each `dram.refreshInterval` ends with a blackout (`refreshBlackout`) in which the DRAM and its bus stand still; they then go
 * on as if it had not been. So what is hit and what is missed is a matter of the program alone, and all instants are maxima of
 * earlier ones plus constants on a time without blackouts: it, and the way to it and back, keep the order of instants.
 *
 * A program finds all banks closed, and a refresh just over.
 *
 * Latency: as above. Throughput: `dram.bytesPerCycle` from open rows, but for the blackouts. Ports: the one bus.
 * Not modelled: what the program before left open; reordering of transfers; ranks, bank groups and tFAW; a write latency other than CL; closing idle rows; refresh
 * of single banks, or put off until the DRAM is idle; bursts that are not aligned, and columns at less than the bus's pace.
 */
export class Pages implements DramRows {
  readonly #gaps: readonly (readonly Gap[])[];
  readonly #banks: readonly Bank[];
  /** When each of COMMANDS may come to any bank. */
  readonly #readyAt: number[] = COMMANDS.map(() => 0);
  readonly #rowBytes: number;
  readonly #dataFrom: number;
  readonly #bytesPerCycle: number;
  readonly #cas: number;
  readonly #interval: number;
  readonly #activeCycles: number;
  /** Transfers so far. */
  transfers = 0;
  /** Of the last transfer: rows found open, their banks closed, others open in their place. */
  hits = 0;
  misses = 0;
  conflicts = 0;
  /** When its last byte is there. */
  endAt = 0;
  /** When its first beat could have been, were it for the rows alone and none later than it has to be. */
  readyAt = 0;
  /** The bus so far, of the transfer at hand: beats end at `(bus + bytes) / bytesPerCycle`; and for the rows alone. */
  #bus = 0;
  #rows = 0;

  constructor(arch: Settings) {
    this.#gaps = gapsOn(arch);
    this.#banks = Array.from({ length: arch["dram.banks"] }, () => ({
      row: CLOSED,
      readyAt: COMMANDS.map(() => 0),
      region: undefined,
      outer: 0,
      inner: 0,
      stamp: 0,
    }));
    this.#rowBytes = arch["dram.rowBytes"];
    // The data region lies behind all that an address of the image reaches.
    this.#dataFrom = alignUp(REACH, stripeBytes(arch));
    this.#bytesPerCycle = arch["dram.bytesPerCycle"];
    this.#cas = arch["dram.cas"];
    this.#interval = arch["dram.refreshInterval"];
    this.#activeCycles = this.#interval - refreshBlackout(arch);
  }

  /**
   * Moves a demand's bytes.
   * @param requestAt  when the controller has the request
   * @param freeAt  when the bus and the ports at the other end can take the first beat
   */
  transfer(demand: Demand, turns: Turns, requestAt: number, freeAt: number, beats: number): void {
    this.hits = 0;
    this.misses = 0;
    this.conflicts = 0;
    this.transfers++;
    this.#bus = this.#toActive(freeAt) * this.#bytesPerCycle;
    this.#rows = 0;
    const at = this.#toActive(requestAt);
    let bytes = this.#move(demand.reads, "read", turns, at, 0);
    bytes = this.#move(demand.writes, "write", turns, at, bytes);
    this.endAt = this.#fromActive(this.#passed(bytes) - 1) + 1;
    this.readyAt = this.#fromActive(Math.max(0, ceilDiv(this.#rows + bytes, this.#bytesPerCycle) - beats));
  }

  /** Moves what is the DRAM's of some regions. @returns bytes moved by then */
  #move(regions: readonly Region[], column: Command, turns: Turns, at: number, before: number): number {
    let bytes = before;
    for (const region of regions) {
      if (!isDram(region)) continue;
      const moved = movedBy(region, turns) + (region.space === "data" ? this.#dataFrom : 0);
      const [from, to] = [region.from + moved, region.to + moved];
      const end = bytes + region.trafficBytes;
      if (region.isPicked) this.#pick(region, column, turns, at, bytes, end);
      else {
        const last = floorDiv(to - 1, this.#rowBytes);
        for (let row = floorDiv(from, this.#rowBytes); row <= last; row++) {
          const first = bytes + Math.max(0, row * this.#rowBytes - from);
          const next = row === last ? end : bytes + (row + 1) * this.#rowBytes - from;
          this.#visit(region, row, column, turns, at, first, next);
        }
      }
      bytes = end;
    }
    return bytes;
  }

  /** Moves the bytes of one row, of the transfer's from `first` to before `next`. */
  #visit(
    region: Region,
    row: number,
    column: Command,
    turns: Turns,
    at: number,
    first: number,
    next: number,
  ): void {
    const bank = row % this.#banks.length;
    const open = this.#banks[bank]!.row;
    const find: Find = open === row ? "hit" : open === CLOSED ? "miss" : "conflict";
    if (find === "hit") this.hits++;
    else if (find === "miss") this.misses++;
    else this.conflicts++;
    for (const command of PATHS[find].first) this.#issue(command, bank, bank, at);
    this.#stream(column, bank, bank, at, first, next);
    this.#touch(bank, row, region, turns);
  }

  /** Moves the bytes of rows that nobody knows, as many as they can lie in. */
  #pick(region: Region, column: Command, turns: Turns, at: number, first: number, next: number): void {
    const rows = this.#mostRows(region.to - region.from);
    const last = this.#banks.length - 1;
    const { first: opening, last: closing } = PATHS.picked;
    for (const command of opening) {
      const times = command === "activate" ? rows : 1;
      for (let i = 0; i < times; i++) this.#issue(command, 0, last, at);
    }
    this.#stream(column, 0, last, at, first, next);
    for (const command of closing) this.#issue(command, 0, last, at);
    for (let bank = 0; bank <= last; bank++) this.#touch(bank, CLOSED, region, turns);
    this.conflicts += rows;
  }

  /** The column commands of a row, one for each beat. */
  #stream(column: Command, from: number, to: number, at: number, first: number, next: number): void {
    const readyAt = this.#earliest(COMMANDS.indexOf(column), from, to, at) + this.#cas;
    this.#bus = Math.max(this.#bus, readyAt * this.#bytesPerCycle - first);
    this.#rows = Math.max(this.#rows, readyAt * this.#bytesPerCycle - first);
    const lastBeat = this.#passed(next) - 1;
    this.#issue(column, from, to, lastBeat - this.#cas);
  }

  /** When so many bytes of the transfer have passed the bus. */
  #passed(bytes: number): number {
    return ceilDiv(this.#bus + bytes, this.#bytesPerCycle);
  }

  /** When a command can come to all of these banks, from `at` on. */
  #earliest(command: number, from: number, to: number, at: number): number {
    let earliest = Math.max(at, this.#readyAt[command]!);
    for (let bank = from; bank <= to; bank++)
      earliest = Math.max(earliest, this.#banks[bank]!.readyAt[command]!);
    return earliest;
  }

  /** Gives a command to these banks as soon as it can come, and notes what has to wait for it. */
  #issue(name: Command, from: number, to: number, at: number): void {
    const command = COMMANDS.indexOf(name);
    const issuedAt = this.#earliest(command, from, to, at);
    for (const { before, isOfAll, cycles } of this.#gaps[command]!) {
      const until = issuedAt + cycles;
      if (isOfAll) this.#readyAt[before] = Math.max(this.#readyAt[before]!, until);
      else {
        for (let bank = from; bank <= to; bank++) {
          const { readyAt } = this.#banks[bank]!;
          readyAt[before] = Math.max(readyAt[before]!, until);
        }
      }
    }
  }

  #touch(index: number, row: number, region: Region, turns: Turns): void {
    const bank = this.#banks[index]!;
    bank.row = row;
    bank.region = region;
    bank.outer = turns[0]!;
    bank.inner = turns[1]!;
    bank.stamp = this.transfers;
  }

  /** Rows that so many bytes can lie in, wherever they begin. */
  #mostRows(bytes: number): number {
    return ceilDiv(bytes + this.#rowBytes - 1, this.#rowBytes);
  }

  /** The cycles of a cycle's time that were no blackout. */
  #toActive(at: number): number {
    if (this.#interval === 0) return at;
    const intervals = floorDiv(at, this.#interval);
    return intervals * this.#activeCycles + Math.min(at - intervals * this.#interval, this.#activeCycles);
  }

  #fromActive(active: number): number {
    if (this.#interval === 0) return active;
    const intervals = floorDiv(active, this.#activeCycles);
    return intervals * this.#interval + active - intervals * this.#activeCycles;
  }

  /** The most that rows add to the time of demands, one after another and without blackouts: every command waits longest. */
  longest({ reads, writes }: Demand): number {
    const most = COMMANDS.map((_, command) =>
      Math.max(0, ...this.#gaps.flat().map(({ before, cycles }) => (before === command ? cycles : 0))),
    );
    const [precharge, activate, read, write] = most as [number, number, number, number];
    const each = 2 * precharge + activate + Math.max(read, write) + this.#cas;
    let cycles = 0;
    for (const regions of [reads, writes])
      for (const region of regions)
        if (isDram(region)) cycles += this.#mostRows(region.to - region.from) * each;
    return cycles;
  }

  /** When so many cycles at most have passed that were no blackout. */
  stretched(cycles: number): number {
    return this.#fromActive(cycles);
  }

  /** Whether the DRAM is to itself so many cycles later what it was, as far as its refresh goes. */
  repeatsAfter(cycles: number): boolean {
    return this.#interval === 0 || cycles % this.#interval === 0;
  }

  /**
   * As `Clock.writeTo`. Banks that were not touched since transfer `since` stay out of it: whoever repeats what was
   * since then does not touch them either.
   */
  writeTo(state: number[], now: number, base: number, level: number, turn: number, since: number): number {
    if (since === NEVER) return 0;
    const from = this.#toActive(now);
    const origin = this.#toActive(base);
    const write = (readyAt: readonly number[]) => {
      for (const at of readyAt) state.push(Math.max(at, from) - origin);
    };
    write(this.#readyAt);
    let oldest = 0;
    for (const { row, readyAt, region, outer, inner, stamp } of this.#banks) {
      if (stamp <= since) {
        state.push(CLOSED);
        continue;
      }
      const age = turn - (level === 0 ? outer : inner);
      oldest = Math.max(oldest, age);
      state.push(region!.id, row === CLOSED ? 0 : 1, age, level === 0 ? inner : 0);
      write(readyAt);
    }
    return oldest;
  }

  /** As `Clock.advance`: by cycles after which the DRAM repeats, and turns that move regions by whole rows of all banks. */
  advance(cycles: number, level: number, turns: number, since: number): void {
    if (since === NEVER) return;
    const active = this.#toActive(cycles);
    for (let i = 0; i < COMMANDS.length; i++) this.#readyAt[i]! += active;
    for (const bank of this.#banks) {
      if (bank.stamp <= since) continue;
      for (let i = 0; i < COMMANDS.length; i++) bank.readyAt[i]! += active;
      if (level === 0) bank.outer += turns;
      else bank.inner += turns;
      const { stride, level: own } = bank.region!;
      if (bank.row !== CLOSED && stride !== 0 && own === level) bank.row += (stride * turns) / this.#rowBytes;
    }
  }
}

/** Bytes of a row of each bank: how far addresses are apart at least that lie in the same place of the next row of a bank. */
export const stripeBytes = (arch: Settings): number => arch["dram.rowBytes"] * arch["dram.banks"];
