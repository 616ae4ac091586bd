import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { likeliestOf, outputsOf, score } from "../../src/model/lm/metrics.ts";

const logits = fc.array(fc.integer({ min: -(2 ** 21), max: 2 ** 21 }), { minLength: 1, maxLength: 40 });
const scale = fc.double({ min: 1e-6, max: 1e-4, noNaN: true });

describe("what is kept of logits", () => {
  test("the likelihoods of all words add up to 1, and the likeliest is the first of the most likely", () => {
    fc.assert(
      fc.property(logits, scale, (codes, step) => {
        const kept = codes.map((_, word) => outputsOf(codes, step, word));
        const likelihoods = kept.map(([loss]) => Math.exp(-loss));
        expect(likelihoods.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
        for (const [, best] of kept) expect(best).toBe(codes.indexOf(Math.max(...codes)));
      }),
    );
  });

  test("codes and their scale mean what the real logits mean; a shift of all of them means nothing", () => {
    fc.assert(
      fc.property(logits, scale, fc.integer({ min: -(2 ** 20), max: 2 ** 20 }), (codes, step, shift) => {
        const [loss, best] = outputsOf(codes, step, 0);
        const real = outputsOf(
          codes.map((code) => code * step),
          1,
          0,
        );
        expect(real[0]).toBeCloseTo(loss, 9);
        const moved = outputsOf(
          codes.map((code) => code + shift),
          step,
          0,
        );
        expect(moved).toEqual([loss, best]);
      }),
    );
  });

  test("by hand: logits ln 1, ln 2, ln 5", () => {
    const [loss, best] = outputsOf([0, Math.log(2), Math.log(5)], 1, 1);
    expect(loss).toBeCloseTo(Math.log(8 / 2), 15);
    expect(best).toBe(2);
  });
});

describe("the score", () => {
  const passages = [
    { name: "a", words: [9, 8, 1, 2], lead: 1 },
    { name: "b", words: [0, 3], lead: 0 },
  ];
  const outputs = [
    [Math.log(2), 1, Math.log(4), 7],
    [Math.log(8), 3],
  ];

  test("by hand: losses ln 2, ln 4, ln 8; two of three words right, the leads not asked for", () => {
    const { perplexity, accuracy, agreement } = score(passages, outputs, outputs);
    expect(perplexity).toBeCloseTo(4, 12);
    expect(accuracy).toBe(2 / 3);
    expect(agreement).toBe(1);
  });

  test("agreement is of the likeliest words and nothing else", () => {
    const reference = [
      [0, 1, 0, 6],
      [0, 3],
    ];
    const { agreement, perplexity } = score(passages, outputs, reference);
    expect(agreement).toBe(2 / 3);
    expect(perplexity).toBeCloseTo(4, 12);
    expect(likeliestOf(outputs[0]!)).toEqual([1, 7]);
  });

  test("outputs that are not a passage's are refused", () => {
    expect(() => score(passages, outputs.slice(1), outputs)).toThrow(RangeError);
    expect(() => score(passages, [outputs[1]!, outputs[0]!], outputs)).toThrow(RangeError);
  });
});
