import { floorDiv } from "../../fixed/round.ts";
import { sizeOf, type Tensor } from "../define.ts";
import type { Engine } from "../engine.ts";
import type { LmGraph } from "./model.ts";

/** A text cut into equal streams that are read side by side; what is left at its end is not read. */
export class Streams {
  /** Words of a stream that have a successor in it. */
  readonly length: number;
  readonly #words: Int32Array;
  readonly #batch: number;

  constructor(words: Int32Array, batch: number) {
    this.#words = words;
    this.#batch = batch;
    this.length = floorDiv(words.length, batch) - 1;
  }

  /**
   * Puts `steps` words of every stream from step `from` on, and their successors, where the graph reads them; steps
   * beyond the end get word 0.
   */
  read(engine: Engine, { words, targets }: LmGraph, from: number, steps: number): void {
    const read = engine.ints(words.at, words.n);
    const next = engine.ints(targets.at, targets.n);
    for (let t = 0; t < steps; t++) {
      for (let b = 0; b < this.#batch; b++) {
        const at = b * (this.length + 1) + from + t;
        const isThere = from + t < this.length;
        read[t * this.#batch + b] = isThere ? this.#words[at]! : 0;
        next[t * this.#batch + b] = isThere ? this.#words[at + 1]! : 0;
      }
    }
  }
}

/** The state before the first word: zeros. */
export function clearState(engine: Engine, { states }: LmGraph): void {
  for (const { before } of states) {
    for (const part of [before.h, before.c]) engine.floats(part.at, sizeOf(part)).fill(0);
  }
}

/** What the last run left is where the next one begins. */
export function carryState(engine: Engine, { states }: LmGraph): void {
  for (const { before, after } of states) {
    for (const part of ["h", "c"] as const) {
      engine
        .floats(before[part].at, sizeOf(before[part]))
        .set(engine.floats(after[part].at, sizeOf(after[part])));
    }
  }
}

/** What a run leaves to the next, by names for a checkpoint. */
export const stateOf = ({ states }: LmGraph, name: string): [string, Tensor][] =>
  states.flatMap(({ before: { h, c } }, i): [string, Tensor][] => [
    [`${name}/${i}/h`, h],
    [`${name}/${i}/c`, c],
  ]);
