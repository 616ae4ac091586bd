import { expectLength } from "../../kernels/tensors.ts";
import { editDistance } from "../distance.ts";
import type { Word } from "./words.ts";

/** Error rates in 0 … (phones may exceed 1), not in percent. */
export interface Score {
  /** Phone error rate: edits summed over words, by the lengths of the pronunciations they lead to, summed. */
  readonly per: number;
  /** Word error rate: the share of words of which no listed pronunciation was matched. */
  readonly wer: number;
}

/**
 * Scores one prediction per word against the nearest of the word's pronunciations; of equally near ones the shortest
 * counts, which makes the score independent of the order in which a dictionary lists them.
 *
 * @throws RangeError unless there is one prediction per word, and at least one word
 */
export function score(predictions: readonly (readonly number[])[], words: readonly Word[]): Score {
  expectLength("the list of predictions", predictions, words.length);
  if (words.length === 0) throw new RangeError("no words to score");
  let edits = 0;
  let length = 0;
  let wrong = 0;
  for (const [i, word] of words.entries()) {
    const nearest = nearestOf(predictions[i]!, word.pronunciations);
    edits += nearest.edits;
    length += nearest.length;
    if (nearest.edits > 0) wrong++;
  }
  return { per: edits / length, wer: wrong / words.length };
}

/**
 * How far two lists of predictions agree: the phones that are equal at equal positions, over the longer prediction's
 * length, both summed over words. 1 where both lists are the same.
 *
 * @throws RangeError where the lists differ in length
 */
export function agreement(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  expectLength("the other list of predictions", b, a.length);
  let equal = 0;
  let total = 0;
  for (const [i, x] of a.entries()) {
    const y = b[i]!;
    equal += x.reduce((n, phone, k) => n + (phone === y[k] ? 1 : 0), 0);
    total += Math.max(x.length, y.length);
  }
  return total === 0 ? 1 : equal / total;
}

function nearestOf(prediction: readonly number[], pronunciations: Word["pronunciations"]) {
  let best = { edits: Infinity, length: Infinity };
  for (const pronunciation of pronunciations) {
    const edits = editDistance(prediction, pronunciation);
    const { length } = pronunciation;
    if (edits < best.edits || (edits === best.edits && length < best.length)) best = { edits, length };
  }
  return best;
}
