import { SPACES, type Space } from "../isa/define.ts";
import type { Region } from "./demand.ts";

/** A stretch of memory and what is still owed on it. Mutable. */
interface Stretch {
  from: number;
  to: number;
  /** When the last value written here can be read. */
  writtenAt: number;
  /** When the last reader of that value is through with it. */
  readUntil: number;
}

/** Stretches of one memory that are kept before finished ones are looked for. */
const ROOM = 32;

/**
 * The interlock: which bytes (or accumulators) earlier instructions still owe or still read.
 *
 * Instructions are noted in program order, each with the times that it got by waiting for the ones before, so the
 * last writer of a byte is also the latest: its time stands for all before it.
 */
export class Hazards {
  readonly #memories: Readonly<Record<Space, Memory>> = {
    dram: new Memory(),
    data: new Memory(),
    weight: new Memory(),
    activation: new Memory(),
    table: new Memory(),
    acc: new Memory(),
  };

  /** The first cycle in which an instruction may start that reads and writes these regions. */
  clearAt(reads: readonly Region[], writes: readonly Region[]): number {
    let at = 0;
    for (const { space, from, to } of reads) at = Math.max(at, this.#memories[space].writtenAt(from, to));
    for (const { space, from, to } of writes) at = Math.max(at, this.#memories[space].idleAt(from, to));
    return at;
  }

  /** Notes an instruction that reads until `endAt` and whose results are there at `visibleAt`. */
  note(reads: readonly Region[], writes: readonly Region[], endAt: number, visibleAt: number): void {
    for (const { space, from, to } of reads) this.#memories[space].read(from, to, endAt);
    for (const { space, from, to } of writes) this.#memories[space].write(from, to, visibleAt);
  }

  /** Gives up what nobody who starts at `now` or later has to wait for. Changes no answer from then on. */
  forget(now: number): void {
    for (const space of SPACES) this.#memories[space].forget(now);
  }
}

/** The stretches of one memory: disjoint and ascending; what is in none of them is owed nothing. */
class Memory {
  #stretches: Stretch[] = [];
  #room = ROOM;

  writtenAt(from: number, to: number): number {
    let at = 0;
    for (let i = this.#firstAfter(from); i < this.#stretches.length; i++) {
      const stretch = this.#stretches[i]!;
      if (stretch.from >= to) break;
      at = Math.max(at, stretch.writtenAt);
    }
    return at;
  }

  idleAt(from: number, to: number): number {
    let at = 0;
    for (let i = this.#firstAfter(from); i < this.#stretches.length; i++) {
      const stretch = this.#stretches[i]!;
      if (stretch.from >= to) break;
      at = Math.max(at, stretch.writtenAt, stretch.readUntil);
    }
    return at;
  }

  read(from: number, to: number, until: number): void {
    const first = this.#cut(from, to);
    let at = from;
    let i = first;
    for (; at < to; i++) {
      const stretch = this.#stretches[i];
      if (stretch !== undefined && stretch.from === at) {
        stretch.readUntil = Math.max(stretch.readUntil, until);
        at = stretch.to;
      } else {
        const end = Math.min(to, stretch?.from ?? to);
        this.#stretches.splice(i, 0, { from: at, to: end, writtenAt: 0, readUntil: until });
        at = end;
      }
    }
  }

  write(from: number, to: number, visibleAt: number): void {
    const first = this.#cut(from, to);
    let end = first;
    while (end < this.#stretches.length && this.#stretches[end]!.from < to) end++;
    const written = { from, to, writtenAt: visibleAt, readUntil: 0 };
    if (end === first + 1) this.#stretches[first] = written;
    else this.#stretches.splice(first, end - first, written);
  }

  forget(now: number): void {
    if (this.#stretches.length <= this.#room) return;
    this.#stretches = this.#stretches.filter(
      ({ writtenAt, readUntil }) => writtenAt > now || readUntil > now,
    );
    this.#room = Math.max(ROOM, 2 * this.#stretches.length);
  }

  /** Sees to it that no stretch crosses `from` or `to`; gives the index of the first one after `from`. */
  #cut(from: number, to: number): number {
    this.#cutAt(to);
    return this.#cutAt(from);
  }

  #cutAt(address: number): number {
    const i = this.#firstAfter(address);
    const stretch = this.#stretches[i];
    if (stretch === undefined || stretch.from >= address) return i;
    this.#stretches.splice(i, 1, { ...stretch, to: address }, { ...stretch, from: address });
    return i + 1;
  }

  /** Index of the first stretch that ends after `address`. */
  #firstAfter(address: number): number {
    let low = 0;
    let high = this.#stretches.length;
    while (low < high) {
      const sum = low + high;
      const middle = (sum - (sum % 2)) / 2;
      if (this.#stretches[middle]!.to > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
