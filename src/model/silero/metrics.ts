import { expectLength } from "../../kernels/tensors.ts";
import { NO_SPEECH, SPEECH } from "./mix.ts";
import { framesOf, type Recording } from "./recordings.ts";

/** A frame is speech from this probability on. */
export const THRESHOLD = 0.5;

const decide = (probability: number): boolean => probability >= THRESHOLD;

/**
 * Over all frames of all recordings that are not at an edge of speech: `auc`, the area under the receiver operating characteristic;
 * `f1` and `accuracy` of decisions at THRESHOLD; `agreement`, over all frames, the share that is decided alike in both lists.
 *
 * @param outputs  probability of speech in each frame, and the same of `reference`
 * @throws RangeError unless each recording has its outputs in both lists
 */
export function score(
  recordings: readonly Recording[],
  outputs: readonly (readonly number[])[],
  reference: readonly (readonly number[])[],
): Record<"auc" | "f1" | "accuracy" | "agreement", number> {
  expectLength("the list of outputs", outputs, recordings.length);
  expectLength("the other list of outputs", reference, recordings.length);
  const speech: number[] = [];
  const others: number[] = [];
  let same = 0;
  let frames = 0;
  for (const [i, recording] of recordings.entries()) {
    expectLength("a recording's outputs", outputs[i]!, framesOf(recording));
    expectLength("a recording's other outputs", reference[i]!, framesOf(recording));
    for (const [t, probability] of outputs[i]!.entries()) {
      const label = recording.labels[t];
      if (label === SPEECH) speech.push(probability);
      if (label === NO_SPEECH) others.push(probability);
      if (decide(probability) === decide(reference[i]![t]!)) same++;
    }
    frames += framesOf(recording);
  }
  const found = speech.filter(decide).length;
  const wrong = others.filter(decide).length;
  const missed = speech.length - found;
  const scored = speech.length + others.length;
  return {
    auc: areaUnderCurve(speech, others),
    f1: ratio(2 * found, 2 * found + wrong + missed),
    accuracy: ratio(scored - wrong - missed, scored),
    agreement: ratio(same, frames),
  };
}

/** Nothing to find, and nothing found, is all right. */
const ratio = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole);

/**
 * The share of pairs of one value from each list in which that of `above` is the larger one, where a tie counts half: the area under the
 * receiver operating characteristic, by ranks (Mann and Whitney). A half where a list is empty.
 */
export function areaUnderCurve(above: readonly number[], below: readonly number[]): number {
  if (above.length === 0 || below.length === 0) return 0.5;
  const all = [
    ...above.map((value) => ({ value, isAbove: 1 })),
    ...below.map((value) => ({ value, isAbove: 0 })),
  ].sort((a, b) => a.value - b.value);
  let ranks = 0;
  for (let from = 0, to = 0; from < all.length; from = to) {
    let tied = 0;
    for (; to < all.length && all[to]!.value === all[from]!.value; to++) tied += all[to]!.isAbove;
    // Ranks count from 1; those that are equal share their mean.
    ranks += (tied * (from + 1 + to)) / 2;
  }
  const pairs = above.length * below.length;
  return (ranks - (above.length * (above.length + 1)) / 2) / pairs;
}
