/** The latest values that were made, up to so many: a memory of bounded size for what costs time to make again. */
export class Recent<V> {
  readonly #most: number;
  readonly #held = new Map<string, V>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The value of a key, made now where it is not held. What was asked for longest ago gives way. */
  recall(key: string, make: () => V): V {
    const held = this.#held.get(key);
    const value = held ?? make();
    this.#held.delete(key);
    this.#held.set(key, value);
    if (this.#held.size > this.#most) this.#held.delete(this.#held.keys().next().value!);
    return value;
  }
}
