/**
 * A number of equal servers (ports of a bank, channels of the DMA) that are handed out in the order of asking: each
 * asker gets the one that is free first, even where it will start late, and nobody is let past.
 */
export class Servers {
  readonly #freeAt: number[];

  constructor(count: number) {
    this.#freeAt = new Array<number>(count).fill(0);
  }

  /** When the next asker could have a server. */
  freeAt(): number {
    let earliest = this.#freeAt[0]!;
    for (const at of this.#freeAt) if (at < earliest) earliest = at;
    return earliest;
  }

  /** Hands out the server that is free first, until a cycle that is not before `freeAt()`. */
  take(until: number): void {
    this.#freeAt[this.#freeAt.indexOf(this.freeAt())] = until;
  }
}
