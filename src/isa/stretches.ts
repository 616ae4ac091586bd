interface Stretch<T> {
  readonly from: number;
  readonly to: number;
  readonly value: T;
}

/** Disjoint stretches of addresses, each with what was last noted of it. */
export class Stretches<T> {
  /** Ascending; neighbours of one value are one stretch. */
  readonly #all: Stretch<T>[] = [];

  note(from: number, to: number, value: T): void {
    if (to <= from) return;
    const all = this.#all;
    const first = this.#endingAfter(from - 1);
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
    all.splice(first, last - first, ...before, { from: start, to: end, value }, ...after);
  }

  /** What is noted of addresses in from … to - 1, in their order. */
  values(from: number, to: number): readonly T[] {
    const values: T[] = [];
    for (let i = this.#endingAfter(from); i < this.#all.length && this.#all[i]!.from < to; i++)
      values.push(this.#all[i]!.value);
    return values;
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
