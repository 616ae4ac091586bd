import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { areaUnderCurve, score } from "../../src/model/silero/metrics.ts";
import type { Recording } from "../../src/model/silero/recordings.ts";

/** Few values, so that there are ties. */
const values = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 20 });

describe("the area under the curve", () => {
  test("is the share of pairs in the right order, ties counted half", () => {
    fc.assert(
      fc.property(values, values, (above, below) => {
        let right = 0;
        for (const a of above) for (const b of below) right += a > b ? 1 : a === b ? 0.5 : 0;
        expect(areaUnderCurve(above, below)).toBeCloseTo(right / (above.length * below.length), 12);
      }),
    );
  });

  test("looks at order alone, and turns round with it", () => {
    fc.assert(
      fc.property(values, values, (above, below) => {
        const area = areaUnderCurve(above, below);
        const bent = (xs: number[]) => xs.map((x) => Math.exp(x) + x);
        expect(areaUnderCurve(bent(above), bent(below))).toBe(area);
        expect(areaUnderCurve(below, above)).toBeCloseTo(1 - area, 12);
      }),
    );
  });

  test("is a half where there is nothing to tell apart", () => {
    expect(areaUnderCurve([], [1])).toBe(0.5);
    expect(areaUnderCurve([2], [])).toBe(0.5);
  });
});

const recording = (labels: readonly number[]): Recording => ({
  name: "r",
  audio: new Float32Array(0),
  labels: Int8Array.from(labels),
});

describe("scores", () => {
  test("by hand, frames at edges left out of all but the agreement", () => {
    const labels = [1, 1, 1, 0, 0, -1, -1];
    const found = [0.9, 0.5, 0.2, 0.7, 0.1, 0.9, 0.1];
    const float = [0.9, 0.4, 0.2, 0.7, 0.1, 0.1, 0.1];
    // Two of three heard, one of two heard that was not there; five of seven as in float.
    expect(score([recording(labels)], [found], [float])).toEqual({
      auc: 4 / 6,
      f1: 4 / 6,
      accuracy: 3 / 5,
      agreement: 5 / 7,
    });
  });

  test("silence that is heard as silence is all right", () => {
    expect(score([recording([0, 0])], [[0.1, 0.2]], [[0.1, 0.2]])).toEqual({
      ...{ auc: 0.5, f1: 1, accuracy: 1, agreement: 1 },
    });
  });

  test("outputs for other frames than there are, are a mistake", () => {
    expect(() => score([recording([0, 1])], [[0.1]], [[0.1, 0.2]])).toThrow(RangeError);
    expect(() => score([recording([0])], [], [[0.1]])).toThrow(RangeError);
  });
});
