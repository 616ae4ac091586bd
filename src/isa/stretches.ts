import { floorDiv } from "../fixed/round.ts";

interface Stretch<T> {
  readonly from: number;
  readonly to: number;
  readonly value: T;
}

/** Stretches that are moved in the time of a note. */
const MOVED_PER_NOTE = 1000;

/** Disjoint stretches of addresses, each with what was last noted of it. */
export class Stretches<T> {
  /** Ascending; neighbours of one value are one stretch. */
  readonly #all: Stretch<T>[] = [];
  #moved = 0;

  note(from: number, to: number, value: T): void {
    if (to <= from) return;
    const all = this.#all;
    const first = this.#endingAfter(from - 1);
    const there = all[first];
    if (there !== undefined && there.from <= from && there.to >= to && there.value === value) return;
    let last = first;
    let [start, end] = [from, to];
    const before: Stretch<T>[] = [];
    const after: Stretch<T>[] = [];
    for (; last < all.length && all[last]!.from <= to; last++) {
      const held = all[last]!;
      if (held.value === value) {
        start = Math.min(start, held.from);
        end = Math.max(end, held.to);
        continue;
      }
      if (held.from < from) before.push({ ...held, to: Math.min(held.to, from) });
      if (held.to > to) after.push({ ...held, from: Math.max(held.from, to) });
    }
    this.#replace(first, last, [...before, { from: start, to: end, value }, ...after]);
  }

  /** Puts stretches where those from index `first` to before `last` were; long lists are moved and copied only where they must be. */
  #replace(first: number, last: number, stretches: readonly Stretch<T>[]): void {
    const all = this.#all;
    let at = first;
    for (const stretch of stretches) {
      if (at < last) all[at] = stretch;
      else if (at === all.length) all.push(stretch);
      else this.#splice(at, 0, [stretch]);
      at++;
    }
    if (at < last) this.#splice(at, last - at, []);
  }

  #splice(at: number, deleted: number, inserted: readonly Stretch<T>[]): void {
    this.#moved += this.#all.length - at;
    this.#all.splice(at, deleted, ...inserted);
  }

  /** The time that moving stretches took so far, in the time that noting one takes without. */
  get toll(): number {
    return floorDiv(this.#moved, MOVED_PER_NOTE);
  }

  /** What is noted of addresses in from … to - 1, in their order. */
  values(from: number, to: number): readonly T[] {
    const values: T[] = [];
    for (let i = this.#endingAfter(from); i < this.#all.length && this.#all[i]!.from < to; i++)
      values.push(this.#all[i]!.value);
    return values;
  }

  /** The first value noted of addresses in from … to - 1 that is neither of two. */
  otherThan(one: T, two: T, from: number, to: number): T | undefined {
    for (let i = this.#endingAfter(from); i < this.#all.length && this.#all[i]!.from < to; i++) {
      const { value } = this.#all[i]!;
      if (value !== one && value !== two) return value;
    }
    return undefined;
  }

  /** The first address in from … to - 1 that nothing is noted of. */
  gap(from: number, to: number): number | undefined {
    let at = from;
    for (let i = this.#endingAfter(from); i < this.#all.length && at < to; i++) {
      if (this.#all[i]!.from > at) break;
      at = this.#all[i]!.to;
    }
    return at < to ? at : undefined;
  }

  /** The stretches, ascending. */
  get all(): readonly Stretch<T>[] {
    return this.#all;
  }

  /** Index of the first stretch that ends after `address`. */
  #endingAfter(address: number): number {
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const sum = low + high;
      const middle = (sum - (sum % 2)) / 2;
      if (this.#all[middle]!.to > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
