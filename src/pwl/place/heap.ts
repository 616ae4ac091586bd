import { floorDiv } from "../../fixed/round.ts";

/**
 * The items 0 … N - 1 ordered by a key each: takes out the least, lets keys change.
 * Equal keys are ordered by item, so the order of removal is a function of the keys alone.
 */
export class MinHeap {
  readonly #keys: Float64Array;
  /** Items in heap order: neither child, 2i + 1 and 2i + 2, is less than its parent i. */
  readonly #items: Int32Array;
  /** Where each item stands in #items. */
  readonly #slots: Int32Array;
  #size: number;

  /** Takes the keys over: the caller does not write to them again. */
  constructor(keys: Float64Array) {
    this.#keys = keys;
    this.#items = Int32Array.from(keys.keys());
    this.#slots = Int32Array.from(keys.keys());
    this.#size = keys.length;
    for (let slot = floorDiv(this.#size, 2); slot >= 0; slot--) this.#sink(slot);
  }

  /** Takes the least item out and returns it. The heap must not be empty. */
  removeLeast(): number {
    if (this.#size === 0) throw new Error("an empty heap has no least item");
    const least = this.#items[0]!;
    this.#size -= 1;
    this.#swap(0, this.#size);
    this.#sink(0);
    return least;
  }

  /** Gives an item that is still in the heap another key. */
  update(item: number, key: number): void {
    this.#keys[item] = key;
    this.#rise(this.#slots[item]!);
    this.#sink(this.#slots[item]!);
  }

  #rise(from: number): void {
    let slot = from;
    while (slot > 0) {
      const parent = floorDiv(slot - 1, 2);
      if (!this.#isLess(slot, parent)) return;
      this.#swap(slot, parent);
      slot = parent;
    }
  }

  #sink(from: number): void {
    let slot = from;
    for (;;) {
      let least = slot;
      for (const child of [2 * slot + 1, 2 * slot + 2]) {
        if (child < this.#size && this.#isLess(child, least)) least = child;
      }
      if (least === slot) return;
      this.#swap(slot, least);
      slot = least;
    }
  }

  #isLess(slot: number, other: number): boolean {
    const a = this.#items[slot]!;
    const b = this.#items[other]!;
    const difference = this.#keys[a]! - this.#keys[b]!;
    return difference < 0 || (this.#keys[a] === this.#keys[b] && a < b);
  }

  #swap(slot: number, other: number): void {
    const a = this.#items[slot]!;
    const b = this.#items[other]!;
    this.#items[slot] = b;
    this.#items[other] = a;
    this.#slots[b] = slot;
    this.#slots[a] = other;
  }
}
