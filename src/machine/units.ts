import type { Settings } from "../arch/fields.ts";
import type { UnitName } from "../isa/define.ts";
import type { Demand } from "./demand.ts";
import type { DramRows, Pages } from "./dram.ts";
import type { Turns } from "./region.ts";
import { Servers } from "./servers.ts";
import type { Share } from "./shape.ts";

/** A unit and its queue: when it starts an instruction, and when it is through with it. */
export abstract class Unit {
  /** When its beats can be the next instruction's, and when they could be the last one's. */
  freeAt = 0;
  freeBefore = 0;
  /** When the first byte of the last instruction was there; 0 where it waits for none. */
  dramAt = 0;
  protected lastStart = -1;
  /** When the last instructions started, as many as the queue holds: a ring, the oldest at `#oldest`. */
  readonly #starts: number[];
  #oldest = 0;

  constructor(depth: number) {
    this.#starts = new Array<number>(depth).fill(0);
  }

  /** The first cycle in which it is ready for an instruction whose beats are `lead` later, all else aside. */
  abstract turnAt(lead: number): number;

  /** The same with the ports of its banks, which it has from `portsAt` on: where the unit does not start without them. */
  abstract readyAt(lead: number, portsAt: number): number;

  /** Works on an instruction that starts at `startAt`, in these turns of its loops. @returns the cycle after its last beat */
  abstract run(demand: Demand, share: Share, turns: Turns, startAt: number, portsAt: number): number;

  /** What the last instruction met in the DRAM's rows, where they take time. */
  get rows(): DramRows | undefined {
    return undefined;
  }

  /** When the queue has room for one more. */
  get roomAt(): number {
    return this.#starts[this.#oldest]!;
  }

  /** Takes an instruction. */
  give(startAt: number, freeAt: number): void {
    this.#starts[this.#oldest] = startAt;
    this.#oldest = this.#oldest + 1 === this.#starts.length ? 0 : this.#oldest + 1;
    this.lastStart = startAt;
    this.freeBefore = this.freeAt;
    this.freeAt = freeAt;
  }

  /** As `Clock.writeTo`. */
  writeTo(state: number[], now: number, base: number): void {
    state.push(Math.max(this.freeAt, now) - base);
    const depth = this.#starts.length;
    for (let i = 0; i < depth; i++)
      state.push(Math.max(this.#starts[(this.#oldest + i) % depth]!, base) - base);
  }

  /** As `Clock.advance`. */
  advance(cycles: number): void {
    this.freeAt += cycles;
    this.freeBefore += cycles;
    this.lastStart += cycles;
    for (let i = 0; i < this.#starts.length; i++) this.#starts[i]! += cycles;
  }
}

/** Takes one instruction at a time, back to back; nothing comes between an instruction's start and its beats. */
class Pipeline extends Unit {
  turnAt(lead: number): number {
    // A queue is left from its head, by one instruction a cycle.
    return Math.max(this.freeAt - lead, this.lastStart + 1);
  }

  readyAt(lead: number, portsAt: number): number {
    return Math.max(this.turnAt(lead), portsAt);
  }

  run(_: Demand, { lead, beats }: Share, _turns: Turns, startAt: number): number {
    return startAt + lead + beats;
  }
}

/**
 * Has as many instructions in flight as channels, one more at most each cycle. Each waits for its first byte on its own; their
 * beats take the bus, in order, when that is there, the bus is free and the ports are granted.
 */
class Transfers extends Unit {
  readonly #channels: Servers;
  readonly #pages: Pages | undefined;

  constructor(depth: number, channels: number, pages: Pages | undefined) {
    super(depth);
    this.#channels = new Servers(channels);
    this.#pages = pages;
  }

  turnAt(): number {
    return Math.max(this.#channels.freeAt(), this.lastStart + 1);
  }

  readyAt(): number {
    return this.turnAt();
  }

  run(demand: Demand, { lead, beats }: Share, turns: Turns, startAt: number, portsAt: number): number {
    const requestAt = startAt + lead;
    const freeAt = Math.max(this.freeAt, portsAt);
    let endAt = Math.max(requestAt, freeAt) + beats;
    this.dramAt = requestAt;
    if (this.#pages !== undefined) {
      this.#pages.transfer(demand, turns, requestAt, freeAt, beats);
      endAt = this.#pages.endAt;
      this.dramAt = endAt - beats > freeAt ? endAt - beats : this.#pages.readyAt;
    }
    this.#channels.take(endAt);
    return endAt;
  }

  override get rows(): DramRows | undefined {
    return this.#pages;
  }

  override writeTo(state: number[], now: number, base: number): void {
    super.writeTo(state, now, base);
    this.#channels.writeTo(state, now, base);
  }

  override advance(cycles: number): void {
    super.advance(cycles);
    this.#channels.advance(cycles);
  }
}

/** The units of a machine, each of its kind. */
export function unitsOf(arch: Settings, pages: Pages | undefined): Readonly<Record<UnitName, Unit>> {
  const depth = arch["queue.depth"];
  const pipeline = () => new Pipeline(depth);
  return {
    dma: new Transfers(depth, arch["dma.channels"], pages),
    mac: pipeline(),
    requant: pipeline(),
    pwl: pipeline(),
    vector: pipeline(),
  };
}
