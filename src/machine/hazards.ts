import { SPACES, type Space } from "../isa/define.ts";
import { movedBy, NO_TURNS, type Region, type Turns } from "./region.ts";

/** An instruction's hold on a region, until a cycle. Mutable, and used again. */
interface Hold {
  region: Region;
  from: number;
  to: number;
  until: number;
  outer: number;
  inner: number;
}

/** Holds of one kind on one memory that are kept before those that are over are looked for. */
const ROOM = 16;

/**
 * The interlock: which bytes (or accumulators) earlier instructions still owe or still read.
 *
 * Instructions are noted in program order, each with the times that it got by waiting for the ones before. So of
 * all that were ever noted of a byte, the latest stands for the rest, and what is over before the next instruction
 * can start need not be kept: the holds are never many more than the queues have places.
 */
export class Hazards {
  readonly #written = memories();
  readonly #read = memories();
  #now = 0;

  /**
   * The first cycle, from `now` on, in which an instruction may start that reads and writes these regions.
   * @param now  not before the cycle of the last `forget`
   */
  clearAt(reads: readonly Region[], writes: readonly Region[], now = 0, turns = NO_TURNS): number {
    let at = now;
    for (const region of reads) at = this.#written[region.space].latest(region, turns, at);
    for (const region of writes) {
      at = this.#written[region.space].latest(region, turns, at);
      at = this.#read[region.space].latest(region, turns, at);
    }
    return at;
  }

  /** Notes an instruction that reads until `endAt` and whose results are there at `visibleAt`. */
  note(
    reads: readonly Region[],
    writes: readonly Region[],
    endAt: number,
    visibleAt: number,
    turns = NO_TURNS,
  ): void {
    for (const region of reads) this.#read[region.space].note(region, endAt, turns, this.#now);
    for (const region of writes) this.#written[region.space].note(region, visibleAt, turns, this.#now);
  }

  /** Gives up what nobody who starts at `now` or later has to wait for. Changes no answer from then on. */
  forget(now: number): void {
    this.#now = now;
  }

  /**
   * Appends the holds that last beyond `now`, with times relative to `base`, and with how many turns ago of the loop
   * at `level` they were taken. @returns the most turns ago
   */
  writeTo(state: number[], now: number, base: number, level: number, turn: number): number {
    let oldest = 0;
    for (const space of SPACES) {
      oldest = Math.max(oldest, this.#written[space].writeTo(state, now, base, level, turn));
      oldest = Math.max(oldest, this.#read[space].writeTo(state, now, base, level, turn));
    }
    return oldest;
  }

  /** Moves every hold on by cycles and by turns of the loop at `level`. */
  advance(cycles: number, level: number, turns: number): void {
    this.#now += cycles;
    for (const space of SPACES) {
      this.#written[space].advance(cycles, level, turns);
      this.#read[space].advance(cycles, level, turns);
    }
  }
}

const memories = (): Readonly<Record<Space, Holds>> => ({
  dram: new Holds(),
  data: new Holds(),
  weight: new Holds(),
  activation: new Holds(),
  table: new Holds(),
  acc: new Holds(),
});

/** Holds of one kind on one memory, in the order of noting. */
class Holds {
  /** The first `#count` are in use. */
  readonly #all: Hold[] = [];
  #count = 0;
  #room = ROOM;
  /** No hold lasts longer. */
  #latest = 0;

  /** When the last hold on the region is over, or `at` where that is later. */
  latest(region: Region, turns: Turns, at: number): number {
    if (this.#latest <= at) return at;
    const moved = movedBy(region, turns);
    const from = region.from + moved;
    const to = region.to + moved;
    let latest = at;
    for (let i = 0; i < this.#count; i++) {
      const hold = this.#all[i]!;
      if (hold.until > latest && hold.from < to && hold.to > from) latest = hold.until;
    }
    return latest;
  }

  note(region: Region, until: number, turns: Turns, now: number): void {
    if (this.#count === this.#room) this.#forget(now);
    const moved = movedBy(region, turns);
    const [outer, inner] = [turns[0]!, turns[1]!];
    const hold = this.#all[this.#count];
    if (hold === undefined)
      this.#all.push({ region, from: region.from + moved, to: region.to + moved, until, outer, inner });
    else {
      hold.region = region;
      hold.from = region.from + moved;
      hold.to = region.to + moved;
      hold.until = until;
      hold.outer = outer;
      hold.inner = inner;
    }
    this.#count++;
    if (until > this.#latest) this.#latest = until;
  }

  writeTo(state: number[], now: number, base: number, level: number, turn: number): number {
    let oldest = 0;
    const start = state.length;
    if (this.#latest > now) {
      for (let i = 0; i < this.#count; i++) {
        const { region, until, outer, inner } = this.#all[i]!;
        if (until <= now) continue;
        const age = turn - (level === 0 ? outer : inner);
        oldest = Math.max(oldest, age);
        state.push(region.id, until - base, age, level === 0 ? inner : 0);
      }
    }
    state.push(state.length - start);
    return oldest;
  }

  advance(cycles: number, level: number, turns: number): void {
    this.#latest += cycles;
    for (let i = 0; i < this.#count; i++) {
      const hold = this.#all[i]!;
      hold.until += cycles;
      if (level === 0) hold.outer += turns;
      else hold.inner += turns;
      if (hold.region.stride === 0 || hold.region.level !== level) continue;
      hold.from += hold.region.stride * turns;
      hold.to += hold.region.stride * turns;
    }
  }

  #forget(now: number): void {
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      const hold = this.#all[i]!;
      if (hold.until <= now) continue;
      this.#all[i] = this.#all[kept]!;
      this.#all[kept++] = hold;
    }
    this.#count = kept;
    this.#room = Math.max(ROOM, 2 * kept);
  }
}
