import { expectLength } from "../../kernels/tensors.ts";
import { editDistance } from "../distance.ts";
import { textOfFrames } from "./ctc.ts";
import type { Line } from "./lines.ts";

/** Quotes and dashes of printers, which the lines' texts spell as a typewriter does. */
const TYPEWRITTEN: Readonly<Record<string, string>> = {
  "\u2018": "'",
  "\u2019": "'",
  "\u201c": '"',
  "\u201d": '"',
  "\u2013": "-",
  "\u2014": "-",
};

const pointsOf = (text: string): number[] =>
  Array.from(text, (character) => (TYPEWRITTEN[character] ?? character).codePointAt(0)!);

/**
 * The character error rate: edits between what was read and what is written, summed over lines, by the characters written, summed.
 * Quotes and dashes count alike however they are spelt. It may exceed 1.
 *
 * @throws RangeError unless each line was read, and there is one
 */
export function characterErrorRate(lines: readonly Line[], read: readonly string[]): number {
  expectLength("the list of texts", read, lines.length);
  if (lines.length === 0) throw new RangeError("no lines to score");
  let [edits, length] = [0, 0];
  for (const [i, { text }] of lines.entries()) {
    edits += editDistance(pointsOf(read[i]!), pointsOf(text));
    length += pointsOf(text).length;
  }
  return edits / length;
}

/**
 * The share of frames in which two models have the same best output, over all lines.
 * @throws RangeError where they differ in lines or in frames of a line
 */
export function frameAgreement(
  outputs: readonly (readonly number[])[],
  reference: readonly (readonly number[])[],
): number {
  expectLength("the other list of outputs", reference, outputs.length);
  let [same, frames] = [0, 0];
  for (const [i, one] of outputs.entries()) {
    expectLength("a line's other outputs", reference[i]!, one.length);
    same += one.reduce((sum, output, t) => sum + (output === reference[i]![t] ? 1 : 0), 0);
    frames += one.length;
  }
  return frames === 0 ? 1 : same / frames;
}

/**
 * `cer`, the characters that are read wrong, and `agreement`, the share of frames whose best character is the same in both lists.
 * @param outputs  the code point of each frame's best character, 0 of none, and the same of `reference`
 * @throws RangeError unless each line has its frames in both lists
 */
export const scoreFrames = (
  lines: readonly Line[],
  outputs: readonly (readonly number[])[],
  reference: readonly (readonly number[])[],
): Record<"cer" | "agreement", number> => ({
  cer: characterErrorRate(lines, outputs.map(textOfFrames)),
  agreement: frameAgreement(outputs, reference),
});
