import { describe, expect, test } from "vitest";
import type { Line } from "../../src/model/lines/lines.ts";
import { score } from "../../src/model/ppocr/metrics.ts";

const line = (text: string): Line => ({
  ...{ name: text, text, width: 1, height: 1 },
  pixels: new Uint8Array(1),
});
const frames = (text: string) => Array.from(text, (one) => (one === "·" ? 0 : one.codePointAt(0)!));

describe("a score", () => {
  const lines = [line("hello"), line("a 1")];
  const right = [frames("hh·el·lo"), frames("aa  ··1··")];

  test("of what is read as it is written is no error, and agrees with itself", () => {
    expect(score(lines, right, right)).toEqual({ cer: 0, agreement: 1 });
  });

  test("counts edits by the characters written, over all lines, and frames by frames", () => {
    // One character replaced, two left out.
    const read = [frames("hh·al·lo"), frames("aa ······")];
    expect(score(lines, read, right)).toEqual({ cer: 3 / 8, agreement: 14 / 17 });
    expect(score(lines, right, read)).toEqual({ cer: 0, agreement: 14 / 17 });
  });

  test("takes quotes and dashes as a typewriter has them, and leaves spaces at the ends out", () => {
    const quoted = [line(`it's "so" - yes`)];
    const read = [frames(" it\u2019s \u201cso\u201d \u2014 ye·s ··")];
    expect(score(quoted, read, read)).toEqual({ cer: 0, agreement: 1 });
  });

  test("wants each line with its frames in both lists", () => {
    expect(() => score(lines, right.slice(1), right)).toThrow(RangeError);
    expect(() => score(lines, right, [right[0]!, []])).toThrow(RangeError);
    expect(() => score([], [], [])).toThrow(RangeError);
  });
});
