import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textOfFrames } from "../../src/model/lines/ctc.ts";
import type { Line } from "../../src/model/lines/lines.ts";
import { characterErrorRate, frameAgreement, scoreFrames } from "../../src/model/lines/metrics.ts";

const line = (text: string): Line => ({ name: "l", text, width: 0, height: 36, pixels: new Uint8Array(0) });

describe("the character error rate", () => {
  test("by hand: edits of all lines over characters of all lines", () => {
    // One replaced, one missing; two too many.
    expect(characterErrorRate([line("abcd"), line("ab")], ["axc", "abab"])).toBe(4 / 6);
    expect(characterErrorRate([line("ab")], [""])).toBe(1);
  });

  test("quotes and dashes count alike however they are spelt, and nothing else does", () => {
    expect(characterErrorRate([line(`it's "a" - b`)], ["it\u2019s \u201ca\u201d \u2014 b"])).toBe(0);
    expect(characterErrorRate([line("e")], ["\u00e9"])).toBe(1);
  });

  test("characters are those of people, not of UTF-16", () => {
    expect(characterErrorRate([line("ab")], ["a\u{1f600}"])).toBe(0.5);
  });

  test("is 0 for what is written alone, and a mistake for other lines", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (text, read) => {
        expect(characterErrorRate([line(text)], [text])).toBe(0);
        expect(characterErrorRate([line(text)], [`${text}${read}`])).toBe(
          [...read].length / [...text].length,
        );
      }),
    );
    expect(() => characterErrorRate([line("a")], [])).toThrow(RangeError);
    expect(() => characterErrorRate([], [])).toThrow(RangeError);
  });
});

describe("frames", () => {
  test("agree where their best outputs are the same, over all lines", () => {
    expect(frameAgreement([[1, 0, 2], [3]], [[1, 1, 2], [4]])).toBe(2 / 4);
    expect(frameAgreement([[]], [[]])).toBe(1);
    expect(() => frameAgreement([[1]], [[1, 2]])).toThrow(RangeError);
    expect(() => frameAgreement([[1]], [])).toThrow(RangeError);
  });

  const points = (text: string) => Array.from(text, (c) => (c === "." ? 0 : c.codePointAt(0)!));

  test("say a letter once for as long as it lasts, and again after none", () => {
    expect(textOfFrames(points("..hhe.ll.l..oo."))).toBe("hello");
    expect(textOfFrames(points(" .a  b. "))).toBe("a b");
    expect(textOfFrames([])).toBe("");
  });

  test("are scored by their text, and by themselves", () => {
    const [outputs, reference] = [[points("aa.b")], [points("a..b")]];
    expect(scoreFrames([line("ab")], outputs, reference)).toEqual({ cer: 0, agreement: 3 / 4 });
  });
});
