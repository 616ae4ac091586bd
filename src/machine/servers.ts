/**
 * A number of equal servers (ports of a bank, channels of the DMA) that are handed out in the order of asking: each
 * asker gets the one that is free first, even where it will start late, and nobody is let past.
 */
export class Servers {
  readonly #freeAt: number[];
  /** Index of the one that is free first. */
  #first = 0;

  constructor(count: number) {
    this.#freeAt = new Array<number>(count).fill(0);
  }

  /** When the next asker could have a server. */
  freeAt(): number {
    return this.#freeAt[this.#first]!;
  }

  /** Hands out the server that is free first, until a cycle that is not before `freeAt()`. */
  take(until: number): void {
    this.#freeAt[this.#first] = until;
    for (let i = 0; i < this.#freeAt.length; i++) {
      if (this.#freeAt[i]! < this.#freeAt[this.#first]!) this.#first = i;
    }
  }

  /** Appends when they are free, relative to `base` and no earlier than `now`, in ascending order: which is which tells nothing. */
  writeTo(state: number[], now: number, base: number): void {
    const times = this.#freeAt.map((at) => Math.max(at, now) - base);
    if (times.length > 1) times.sort((a, b) => a - b);
    for (const at of times) state.push(at);
  }

  advance(cycles: number): void {
    for (let i = 0; i < this.#freeAt.length; i++) this.#freeAt[i]! += cycles;
  }
}
