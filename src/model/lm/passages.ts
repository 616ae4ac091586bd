import { InputError } from "../../base/errors.ts";
import { floorDiv } from "../../fixed/round.ts";
import { type Corpus, loadCorpus } from "./tokens.ts";

/** A stretch of a text, of which each word is predicted from all before it. */
export interface Passage {
  /** For reports: numbers of its first and last word in its split, from 1, or what was typed. */
  readonly name: string;
  /** Indices into the vocabulary: the word before the stretch, and what comes before that for the state's sake; then the stretch. */
  readonly words: readonly number[];
  /** Words at the start that are only read. */
  readonly lead: number;
}

export type Split = "test" | "validation";

const END = "<eos>";

/** Passages that a text is cut into, so that lanes run side by side, and the fewest words of each. */
const PASSAGES = 64;
const LEAST_WORDS = 96;
/** Words that a passage is read in by, after which its state is near what the whole text would have left: 0.08 nats are lost in all. */
export const LEAD = 128;

let corpus: Corpus | undefined;

const corpusOf = (): Corpus => {
  corpus ??= loadCorpus();
  return corpus;
};

/** A split as one passage. Before its first word there is the end of a sentence. */
export function textOf(split: Split): Passage {
  const { vocabulary, [split]: words } = corpusOf();
  return { name: split, words: [vocabulary.indexOf(END), ...words], lead: 0 };
}

export const countOf = ({ words, lead }: Passage): number => words.length - 1 - lead;

/**
 * `count` words of a text in passages of equal length, to within a word: every word is predicted once, from a state that starts at zero
 * at the text's first word, and in other passages LEAD words before their own.
 *
 * @param seed  1: the text's first words; then the `count` after these, and so on as long as there are so many, then again from the first
 */
export function passagesOf(text: Passage, count: number, seed: number): Passage[] {
  const stretches = floorDiv(countOf(text), count);
  const start = ((seed - 1) % stretches) * count;
  const passages = Math.max(1, Math.min(PASSAGES, floorDiv(count, LEAST_WORDS)));
  const cut = (i: number) => start + floorDiv(i * count, passages);
  return Array.from({ length: passages }, (_, i) => {
    const [at, end] = [cut(i), cut(i + 1)];
    const lead = Math.min(at, LEAD);
    return { name: `${at + 1}-${end}`, words: text.words.slice(at - lead, end + 1), lead };
  });
}

/** Words as they are written, apart by spaces. */
export const wordsToText = (indices: readonly number[]): string =>
  indices.map((index) => corpusOf().vocabulary[index]).join(" ");

/** The way back, the end of a sentence before it; words that the model does not know become `<unk>`. */
export function passageFromText(text: string, where: string): Passage {
  const { vocabulary } = corpusOf();
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) throw new InputError(where, "a text without words");
  const indices = words.map((word) => Math.max(0, vocabulary.indexOf(word)));
  return { name: words.join(" "), words: [vocabulary.indexOf(END), ...indices], lead: 0 };
}
