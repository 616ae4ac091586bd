import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CURVES, type CurveName } from "../../src/pwl/curves.ts";
import {
  interpolate,
  interpolationError,
  PWL_METHODS,
  type PwlMethod,
  place,
} from "../../src/pwl/placement.ts";

const COUNTS = [4, 8, 16, 32, 64] as const;

/** The curve on the 2^8 points of an affine 8-bit grid: 0 is one of them, so the ends are off by up to half a step. */
function onBytes(curve: CurveName, lo: number, hi: number): Float64Array {
  const scale = (hi - lo) / 255;
  const zero = Math.round(-lo / scale);
  return Float64Array.from({ length: 256 }, (_, q) => CURVES[curve].f(scale * (q - zero)));
}

const knotsOf = (
  values: Float64Array,
  pieces: number,
  method: PwlMethod,
  weights?: Float64Array,
): number[] => [...place(values, pieces, method, weights).knots];

/** Methods whose line goes through the curve on its knots. */
const THROUGH_CURVE = PWL_METHODS.filter((method) => method !== "minimax");

/** What the greedies take out: by change of slope, and by the error that this makes at the knot. */
const LOSSES = {
  slope: (bend: number) => bend,
  gap: (bend: number, before: number, after: number) => (bend * before * after) / (before + after),
} as const;

/** The greedy by its definition: look at every knot, take one out, start over. */
function greedyByDefinition(values: Float64Array, pieces: number, rule: keyof typeof LOSSES): number[] {
  const knots = [...values.keys()];
  const slope = (a: number, b: number) => (values[b]! - values[a]!) / (b - a);
  while (knots.length - 1 > pieces) {
    let least = Number.POSITIVE_INFINITY;
    let gone = -1;
    for (let i = 1; i + 1 < knots.length; i++) {
      const bend = Math.abs(slope(knots[i]!, knots[i + 1]!) - slope(knots[i - 1]!, knots[i]!));
      const loss = LOSSES[rule](bend, knots[i]! - knots[i - 1]!, knots[i + 1]! - knots[i]!);
      if (loss < least) {
        least = loss;
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
  ["sigmoid", -8, 8, "gap", ".11290/.05231 .02223/.01047 .00722/.00303 .00135/.00052 .00035/.00013"],
  ["tanh", -4, 4, "slope", ".15515/.08979 .04714/.02666 .04445/.01847 .01536/.00755 .00445/.00206"],
  ["tanh", -4, 4, "gap", ".22580/.10462 .04445/.02095 .01445/.00606 .00269/.00104 .00071/.00026"],
  ["exp", -8, 0, "slope", ".07435/.04579 .07435/.04495 .02445/.01395 .00765/.00401 .00218/.00105"],
  ["exp", -8, 0, "gap", ".07435/.04579 .01539/.00604 .00398/.00178 .00096/.00040 .00026/.00010"],
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

test.each([
  ["optimal-max", "maxError", ".05095 .01164 .00299 .00076 .00021"],
  ["optimal-rms", "rmsError", ".02773 .00631 .00161 .00042 .00011"],
] as const)("sigmoid on [-8, 8], %s: the published optimum of %s, digit for digit", (method, error, row) => {
  const values = onBytes("sigmoid", -8, 8);
  const got = COUNTS.map((pieces) =>
    interpolationError(values, place(values, pieces, method))
      [error].toFixed(5)
      .slice(1),
  );
  expect(got.join(" ")).toBe(row);
});

describe("slope and gap", () => {
  test("knots crowd where a curve bends: pieces of exp never get longer towards its top", () => {
    for (const pieces of COUNTS) {
      const knots = knotsOf(onBytes("exp", -8, 0), pieces, "slope");
      const lengths = knots.slice(1).map((knot, i) => knot - knots[i]!);
      expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
    }
  });

  // Small whole values make many equal differences, real values make none.
  const values = fc.oneof(
    fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 60 }),
    fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 60 }),
  );

  test.each(["slope", "gap"] as const)(
    "%s is the greedy by its definition, first of equals included",
    (rule) => {
      fc.assert(
        fc.property(values, fc.integer({ min: 1, max: 60 }), (list, pieces) => {
          const reals = Float64Array.from(list);
          expect(knotsOf(reals, pieces, rule)).toEqual(greedyByDefinition(reals, pieces, rule));
        }),
        { numRuns: 300, seed: 1 },
      );
    },
  );

  test("a broken line is found again", () => {
    const corners = [0, 10, 25, 40, 63];
    const heights = [0, 5, -20, 7, 7];
    const line = Float64Array.from({ length: 64 }, (_, i) => {
      const p = corners.findLastIndex((c) => c <= i && c < 63);
      const run = corners[p + 1]! - corners[p]!;
      return heights[p]! + ((heights[p + 1]! - heights[p]!) * (i - corners[p]!)) / run;
    });
    const found = place(line, 4, "slope");
    expect([...found.knots]).toEqual(corners);
    expect(interpolationError(line, found).maxError).toBeLessThan(1e-12);
  });

  test("takes 16-bit inputs", () => {
    const values = Float64Array.from({ length: 65_536 }, (_, i) => Math.tanh((i - 32_768) / 8192));
    const line = place(values, 16, "slope");
    expect(line.knots.length).toBe(17);
    expect(interpolationError(values, line).maxError).toBeLessThan(0.05);
  });
});

describe("uniform", () => {
  test("knots are the nearest inputs to equal spacing, ties up", () => {
    expect(knotsOf(new Float64Array(256), 4, "uniform")).toEqual([0, 64, 128, 191, 255]);
    expect(knotsOf(new Float64Array(6), 2, "uniform")).toEqual([0, 3, 5]);
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
        const knots = place(Float64Array.from(list), pieces, method).knots;
        expect(knots.length).toBe(Math.min(pieces, list.length - 1) + 1);
        expect(knots[0]).toBe(0);
        expect(knots.at(-1)).toBe(list.length - 1);
        for (let i = 1; i < knots.length; i++) expect(knots[i]).toBeGreaterThan(knots[i - 1]!);
      }),
      { numRuns: 12, seed: 2 },
    );
  });

  test("the line is straight between its ordinates, and the same whenever it is asked for", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 20 }), (list, pieces) => {
        const reals = Float64Array.from(list);
        const found = place(reals, pieces, method);
        expect(place(reals, pieces, method)).toEqual(found);
        const { knots, ordinates } = found;
        const line = interpolate(found);
        expect(line.length).toBe(reals.length);
        for (let p = 0; p + 1 < knots.length; p++) {
          const [a, b] = [ordinates[p]!, ordinates[p + 1]!];
          expect([line[knots[p]!], line[knots[p + 1]!]]).toEqual([a, b]);
          const step = (b - a) / (knots[p + 1]! - knots[p]!);
          for (let i = knots[p]! + 1; i < knots[p + 1]!; i++) {
            if (!(Math.abs(line[i]! - line[i - 1]! - step) <= 1e-12))
              expect.fail(`input ${i} is off the line`);
          }
        }
      }),
      { numRuns: 12, seed: 3 },
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

test.each(THROUGH_CURVE)("%s: the ordinates are the curve's", (method) => {
  const values = onBytes("sigmoid", -8, 8);
  const { knots, ordinates } = place(values, 9, method);
  expect([...ordinates]).toEqual([...knots].map((knot) => values[knot]));
});

test("weights are one for each input, finite, not negative, not all 0", () => {
  const values = Float64Array.of(0, 1, 0, 1);
  const of = (...weights: number[]) => place(values, 2, "optimal-rms", Float64Array.from(weights));
  expect(() => of(1, 1, 1)).toThrow(new RangeError("3 weights for 4 inputs"));
  expect(() => of(1, -1, 1, 1)).toThrow(new RangeError("a weight is finite and not negative, got -1"));
  expect(() => of(1, Number.NaN, 1, 1)).toThrow(RangeError);
  expect(() => of(0, 0, 0, 0)).toThrow(new RangeError("all weights are 0"));
});
