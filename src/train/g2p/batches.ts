import seedrandom from "seedrandom";
import { hashOf } from "../../base/hash.ts";
import { roundReal } from "../../fixed/real.ts";
import { BOS, EOS, PAD } from "../../model/g2p/alphabet.ts";
import type { Word } from "../../model/g2p/words.ts";
import { sizeOf } from "../define.ts";
import type { Engine } from "../engine.ts";
import type { G2pGraph, G2pShape } from "./model.ts";

export interface G2pWords {
  readonly training: readonly Word[];
  readonly validation: readonly Word[];
  readonly test: readonly Word[];
}

/** One way to say a word. */
export interface Example {
  readonly letters: readonly number[];
  readonly phones: readonly number[];
}

/** Words of one length. */
export type Batch = readonly Example[];

const sumOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0);

export const examplesOf = (words: readonly Word[]): Example[] =>
  words.flatMap(({ letters, pronunciations }) => pronunciations.map((phones) => ({ letters, phones })));

/** Phones of a batch, with the end of each word. */
const targetsOf = (batch: Batch): number => batch.reduce((n, { phones }) => n + phones.length + 1, 0);

/** Cut into batches, in order; the last one of each length may be smaller. */
export function batchesOf(examples: readonly Example[], batch: number): Batch[] {
  const open = new Map<number, Example[]>();
  const batches: Batch[] = [];
  for (const example of examples) {
    const { length } = example.letters;
    const mates = open.get(length) ?? [];
    mates.push(example);
    open.set(length, mates);
    if (mates.length === batch) {
      batches.push(mates);
      open.delete(length);
    }
  }
  return [...batches, ...open.values()];
}

/** In a random order (Fisher and Yates). */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = items.slice();
  for (let i = order.length - 1; i > 0; i--) {
    const j = roundReal(random() * (i + 1), "floor");
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** The steps that words of each length need at most, with the end. */
function stepsByLength(examples: readonly Example[]): ReadonlyMap<number, number> {
  const steps = new Map<number, number>();
  for (const { letters, phones } of examples)
    steps.set(letters.length, Math.max(steps.get(letters.length) ?? 0, phones.length + 1));
  return steps;
}

/** What is made for each length when it is first needed. */
export function byLength<T>(
  batch: number,
  examples: readonly Example[],
  make: (shape: G2pShape) => T,
): (batch: Batch) => T {
  const steps = stepsByLength(examples);
  const made = new Map<number, T>();
  return ([first]) => {
    const letters = first!.letters.length;
    const known = made.get(letters) ?? make({ batch, letters, steps: steps.get(letters)! });
    made.set(letters, known);
    return known;
  };
}

/** Puts a batch where a graph reads it; what a smaller one leaves free counts nothing in the loss. */
export function putBatch(engine: Engine, graph: G2pGraph, batch: Batch): void {
  const letters = engine.ints(graph.letters.at, graph.letters.n).fill(PAD);
  const fed = engine.ints(graph.fed.at, graph.fed.n).fill(PAD);
  const targets = engine.ints(graph.targets.at, graph.targets.n).fill(PAD);
  const weights = engine.floats(graph.weights.at, sizeOf(graph.weights)).fill(0);
  const width = letters.length / batch[0]!.letters.length;
  const weight = 1 / targetsOf(batch);
  for (const [b, example] of batch.entries()) {
    for (const [t, letter] of example.letters.entries()) letters[t * width + b] = letter;
    for (const [t, phone] of [...example.phones, EOS].entries()) {
      fed[t * width + b] = t === 0 ? BOS : example.phones[t - 1]!;
      targets[t * width + b] = phone;
      weights[t * width + b] = weight;
    }
  }
}

/** The mean of each batch's loss, each phone counting alike. */
export function meanOver(batches: readonly Batch[], lossOf: (batch: Batch) => number): number {
  const losses = batches.map((batch) => targetsOf(batch) * lossOf(batch));
  return sumOf(losses) / sumOf(batches.map(targetsOf));
}

/** Digest of what is learnt. */
export const hashOfExamples = ({
  words,
  examples,
}: {
  words: number;
  examples: readonly Example[];
}): string => hashOf({ words, phones: examples.reduce((n, { phones }) => n + phones.length, 0) });

/** The batches of an epoch: a function of its number and the seed. */
export function batchesOfEpoch(
  examples: readonly Example[],
  batch: number,
  seed: number,
  epoch: number,
): Batch[] {
  const random = seedrandom(`${seed}/epoch ${epoch}`);
  return shuffled(batchesOf(shuffled(examples, random), batch), random);
}
