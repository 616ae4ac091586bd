import { argmax } from "../../kernels/argmax/real.ts";
import { expectLength } from "../../kernels/tensors.ts";
import { countOf, type Passage } from "./passages.ts";

/** Numbers that the host keeps of a word's logits: how unlikely it was, and the word that was likeliest. */
const KEPT = 2;

/**
 * What a host keeps of logits, in the order of an outcome's `outputs`: the negative log likelihood of the word that came,
 * in nats, and the first likeliest word.
 *
 * @param logits  codes, or real numbers
 * @param scale   real value of a logit of 1
 */
export const outputsOf = (logits: ArrayLike<number>, scale: number, word: number): [number, number] => {
  const best = argmax(logits);
  const top = logits[best]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i]! - top) * scale);
  return [Math.log(sum) - (logits[word]! - top) * scale, best];
};

/** The likeliest words of an outcome. */
export const likeliestOf = (outputs: readonly number[]): number[] =>
  outputs.filter((_, i) => i % KEPT === KEPT - 1);

/**
 * Over all words of all passages: `perplexity`, the exponential of the mean negative log likelihood; `accuracy`, the share of
 * words that were the likeliest; `agreement`, the share of words at which both lists have the same likeliest word.
 *
 * @throws RangeError unless each passage has its outputs in both lists
 */
export function score(
  passages: readonly Passage[],
  outputs: readonly (readonly number[])[],
  reference: readonly (readonly number[])[],
): Record<"perplexity" | "accuracy" | "agreement", number> {
  expectLength("the list of outputs", outputs, passages.length);
  expectLength("the other list of outputs", reference, passages.length);
  let loss = 0;
  let right = 0;
  let same = 0;
  let count = 0;
  for (const [i, passage] of passages.entries()) {
    const own = outputs[i]!;
    const others = likeliestOf(reference[i]!);
    const wanted = passage.words.slice(passage.lead + 1);
    expectLength("a passage's outputs", own, KEPT * countOf(passage));
    expectLength("a passage's other outputs", others, countOf(passage));
    for (const [t, word] of likeliestOf(own).entries()) {
      loss += own[KEPT * t]!;
      if (word === wanted[t]) right++;
      if (word === others[t]) same++;
    }
    count += wanted.length;
  }
  return { perplexity: Math.exp(loss / count), accuracy: right / count, agreement: same / count };
}
