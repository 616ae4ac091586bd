import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import {
  countOf,
  LEAD,
  type Passage,
  passageFromText,
  passagesOf,
  textOf,
  wordsToText,
} from "../../src/model/lm/passages.ts";

/** A text whose words are their own numbers, 0 before the first. */
const counted = (length: number): Passage => ({
  ...{ name: "counted", lead: 0 },
  words: Array.from({ length: length + 1 }, (_, i) => i),
});

const predicted = ({ words, lead }: Passage): readonly number[] => words.slice(lead + 1);

/** A text, how much of it is asked for, and a seed. */
const asked = fc
  .tuple(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 50 }), fc.nat())
  .map(([length, seed, part]) => ({ text: counted(length), count: 1 + (part % length), seed }));

describe("passages of a text", () => {
  test("predict as many words as are asked for, one after the other, each once", () => {
    fc.assert(
      fc.property(asked, ({ text, count, seed }) => {
        const found = passagesOf(text, count, seed).flatMap(predicted);
        expect(found).toHaveLength(count);
        expect(found).toEqual(Array.from(found, (_, i) => found[0]! + i));
        expect(found.at(-1)).toBeLessThanOrEqual(countOf(text));
      }),
    );
  });

  test("are read in by the words right before them, LEAD of them or all that there are", () => {
    fc.assert(
      fc.property(asked, ({ text, count, seed }) => {
        for (const { words, lead } of passagesOf(text, count, seed)) {
          const first = words[lead + 1]!;
          expect(lead).toBe(Math.min(first - 1, LEAD));
          expect(words.slice(0, lead + 1)).toEqual(
            Array.from({ length: lead + 1 }, (_, i) => first - 1 - lead + i),
          );
        }
      }),
    );
  });

  test("are as long as one another to within a word, and not short where there are several", () => {
    fc.assert(
      fc.property(asked, ({ text, count, seed }) => {
        const lengths = passagesOf(text, count, seed).map(countOf);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
        if (lengths.length > 1) expect(Math.min(...lengths)).toBeGreaterThanOrEqual(96);
        expect(lengths.length).toBeLessThanOrEqual(64);
      }),
    );
  });

  test("seed 1 begins with the first word; each seed has words of its own, as long as there are any", () => {
    const text = counted(1000);
    const first = (seed: number) => passagesOf(text, 300, seed).flatMap(predicted)[0];
    expect([1, 2, 3, 4].map(first)).toEqual([1, 301, 601, 1]);
  });
});

describe("the corpus", () => {
  test("a split is a passage behind the end of a sentence, all of it predicted", () => {
    expect(countOf(textOf("test"))).toBe(90_171);
    expect(countOf(textOf("validation"))).toBe(87_706);
    expect(wordsToText(textOf("test").words.slice(0, 1))).toBe("<eos>");
  });

  test("a typed text and its words", () => {
    const typed = passageFromText("  the state of\nthe onion ", "--words");
    expect(wordsToText(typed.words)).toBe("<eos> the state of the <unk>");
    expect(typed).toMatchObject({ name: "the state of the onion", lead: 0 });
    expect(() => passageFromText(" ", "--words")).toThrow(new InputError("--words", "a text without words"));
  });
});
