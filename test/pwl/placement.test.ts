import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CURVES, type CurveName } from "../../src/pwl/curves.ts";
import { interpolate, interpolationError, PWL_METHODS, place } from "../../src/pwl/placement.ts";

const COUNTS = [4, 8, 16, 32, 64] as const;

/** The curve on the 2^8 points of an affine 8-bit grid: 0 is one of them, so the ends are off by up to half a step. */
function onBytes(curve: CurveName, lo: number, hi: number): Float64Array {
  const scale = (hi - lo) / 255;
  const zero = Math.round(-lo / scale);
  return Float64Array.from({ length: 256 }, (_, q) => CURVES[curve].f(scale * (q - zero)));
}

/** The greedy by its definition: look at every knot, take one out, start over. */
function slopeRuleByDefinition(values: Float64Array, pieces: number): number[] {
  const knots = [...values.keys()];
  const slope = (a: number, b: number) => (values[b]! - values[a]!) / (b - a);
  while (knots.length - 1 > pieces) {
    let least = Number.POSITIVE_INFINITY;
    let gone = -1;
    for (let i = 1; i + 1 < knots.length; i++) {
      const bend = Math.abs(slope(knots[i]!, knots[i + 1]!) - slope(knots[i - 1]!, knots[i]!));
      if (bend < least) {
        least = bend;
        gone = i;
      }
    }
    knots.splice(gone, 1);
  }
  return knots;
}

/**
 * Max / rms error of the interpolation at 4, 8, 16, 32 and 64 pieces, as published with the method
 * (five digits); 8-bit inputs. The rows of uniform tanh and exp are not published.
 */
const PUBLISHED = [
  ["sigmoid", -8, 8, "slope", ".07758/.04490 .02357/.01333 .02223/.00923 .00768/.00377 .00223/.00103"],
  ["sigmoid", -8, 8, "uniform", ".14198/.07025 .04123/.01631 .01182/.00409 .00301/.00104 .00076/.00026"],
  ["tanh", -4, 4, "slope", ".15515/.08979 .04714/.02666 .04445/.01847 .01536/.00755 .00445/.00206"],
  ["exp", -8, 0, "slope", ".07435/.04579 .07435/.04495 .02445/.01395 .00765/.00401 .00218/.00105"],
] as const;

test.each(PUBLISHED)(
  "%s on [%d, %d], %s: the published errors, digit for digit",
  (curve, lo, hi, method, row) => {
    const values = onBytes(curve, lo, hi);
    const digits = (x: number) => x.toFixed(5).slice(1);
    const got = COUNTS.map((pieces) => {
      const { maxError, rmsError } = interpolationError(values, place(values, pieces, method));
      return `${digits(maxError)}/${digits(rmsError)}`;
    });
    expect(got.join(" ")).toBe(row);
  },
);

describe("slope", () => {
  test("knots crowd where a curve bends: pieces of exp never get longer towards its top", () => {
    for (const pieces of COUNTS) {
      const knots = [...place(onBytes("exp", -8, 0), pieces, "slope")];
      const lengths = knots.slice(1).map((knot, i) => knot - knots[i]!);
      expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
    }
  });

  // Small whole values make many equal differences, real values make none.
  const values = fc.oneof(
    fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 60 }),
    fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 60 }),
  );

  test("is the greedy by its definition, first of equals included", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 60 }), (list, pieces) => {
        const reals = Float64Array.from(list);
        expect([...place(reals, pieces, "slope")]).toEqual(slopeRuleByDefinition(reals, pieces));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test("a broken line is found again", () => {
    const corners = [0, 10, 25, 40, 63];
    const heights = [0, 5, -20, 7, 7];
    const line = Float64Array.from({ length: 64 }, (_, i) => {
      const p = corners.findLastIndex((c) => c <= i && c < 63);
      const run = corners[p + 1]! - corners[p]!;
      return heights[p]! + ((heights[p + 1]! - heights[p]!) * (i - corners[p]!)) / run;
    });
    const knots = place(line, 4, "slope");
    expect([...knots]).toEqual(corners);
    expect(interpolationError(line, knots).maxError).toBeLessThan(1e-12);
  });

  test("takes 16-bit inputs", () => {
    const values = Float64Array.from({ length: 65_536 }, (_, i) => Math.tanh((i - 32_768) / 8192));
    const knots = place(values, 16, "slope");
    expect(knots.length).toBe(17);
    expect(interpolationError(values, knots).maxError).toBeLessThan(0.05);
  });
});

describe("uniform", () => {
  test("knots are the nearest inputs to equal spacing, ties up", () => {
    expect([...place(new Float64Array(256), 4, "uniform")]).toEqual([0, 64, 128, 191, 255]);
    expect([...place(new Float64Array(6), 2, "uniform")]).toEqual([0, 3, 5]);
  });

  test.each(Object.keys(CURVES) as CurveName[])("twice the pieces, less error: %s", (curve) => {
    const [lo, hi] = CURVES[curve].domain;
    const values = Float64Array.from({ length: 1024 }, (_, i) =>
      CURVES[curve].f(lo + ((hi - lo) * i) / 1023),
    );
    const errors = COUNTS.map((pieces) => interpolationError(values, place(values, pieces, "uniform")));
    for (let i = 1; i < errors.length; i++) {
      expect(errors[i]!.maxError).toBeLessThan(errors[i - 1]!.maxError);
      expect(errors[i]!.rmsError).toBeLessThan(errors[i - 1]!.rmsError);
    }
  });
});

describe.each(PWL_METHODS)("%s", (method) => {
  const values = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2, maxLength: 100 });

  test("knots ascend from the first input to the last, one more than pieces", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 120 }), (list, pieces) => {
        const knots = place(Float64Array.from(list), pieces, method);
        expect(knots.length).toBe(Math.min(pieces, list.length - 1) + 1);
        expect(knots[0]).toBe(0);
        expect(knots.at(-1)).toBe(list.length - 1);
        for (let i = 1; i < knots.length; i++) expect(knots[i]).toBeGreaterThan(knots[i - 1]!);
      }),
      { numRuns: 200, seed: 2 },
    );
  });

  test("the interpolation is the value on a knot and between its neighbours elsewhere", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 20 }), (list, pieces) => {
        const reals = Float64Array.from(list);
        const knots = place(reals, pieces, method);
        const line = interpolate(reals, knots);
        for (let p = 0; p + 1 < knots.length; p++) {
          const [a, b] = [reals[knots[p]!]!, reals[knots[p + 1]!]!];
          expect(line[knots[p]!]).toBe(a);
          for (let i = knots[p]! + 1; i < knots[p + 1]!; i++) {
            const slack = 1e-12;
            if (line[i]! < Math.min(a, b) - slack || line[i]! > Math.max(a, b) + slack) {
              expect.fail(`input ${i}: ${line[i]} is not between ${a} and ${b}`);
            }
          }
        }
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  test("a knot on every input leaves no error", () => {
    const reals = onBytes("sigmoid", -8, 8);
    for (const pieces of [255, 256, 1000]) {
      expect(interpolationError(reals, place(reals, pieces, method))).toEqual({ maxError: 0, rmsError: 0 });
    }
  });

  test("refuses less than one piece and less than two inputs", () => {
    for (const pieces of [0, -1, 1.5, Number.NaN]) {
      expect(() => place(new Float64Array(8), pieces, method)).toThrow(RangeError);
    }
    expect(() => place(new Float64Array(1), 1, method)).toThrow("a piece needs two inputs, got 1");
  });
});
