import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CURVES, type CurveName } from "../../src/pwl/curves.ts";
import { placeForLeastSquares } from "../../src/pwl/place/optimal-rms.ts";
import { interpolate, interpolationError, PWL_METHODS, place } from "../../src/pwl/placement.ts";

/** All ways to choose `pieces + 1` ascending knots among `count` inputs, both ends included. */
function* knotVectors(count: number, pieces: number, from = 0): Generator<number[]> {
  if (pieces === 1) yield [from, count - 1];
  else {
    for (let next = from + 1; next < count - pieces + 1; next++) {
      for (const rest of knotVectors(count, pieces - 1, next)) yield [from, ...rest];
    }
  }
}

function errorsOf(values: Float64Array, knots: readonly number[], weights?: Float64Array) {
  const ordinates = Float64Array.from(knots, (k) => values[k]!);
  const errors = interpolate({ knots: Int32Array.from(knots), ordinates }).map((y, i) => y - values[i]!);
  return {
    most: errors.reduce((most, e) => Math.max(most, Math.abs(e)), 0),
    squares: errors.reduce((sum, e, i) => sum + (weights?.[i] ?? 1) * e * e, 0),
  };
}

const cases = fc
  .record({
    list: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 12 }),
    pieces: fc.integer({ min: 1, max: 4 }),
    counts: fc.array(fc.nat(9), { minLength: 12, maxLength: 12 }),
  })
  .filter(({ list, pieces }) => pieces < list.length - 1);

describe("against every choice of knots", () => {
  test("optimal-max and optimal-rms are the optimum, and no method beats it", () => {
    fc.assert(
      fc.property(cases, ({ list, pieces, counts }) => {
        const values = Float64Array.from(list);
        const weights = Float64Array.from(list, (_, i) => 1 + counts[i]!);
        const all = [...knotVectors(list.length, pieces)].map((knots) => errorsOf(values, knots, weights));
        const least = (of: (e: (typeof all)[number]) => number) => Math.min(...all.map(of));
        const max = errorsOf(values, [...place(values, pieces, "optimal-max").knots]).most;
        expect(max).toBeLessThanOrEqual(least((e) => e.most) * (1 + 2e-6) + 1e-12);
        const squares = errorsOf(
          values,
          [...place(values, pieces, "optimal-rms", weights).knots],
          weights,
        ).squares;
        expect(squares).toBeLessThanOrEqual(least((e) => e.squares) * (1 + 1e-9) + 1e-12);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test("minimax errs at most as much as any line through the curve, and never less than half", () => {
    fc.assert(
      fc.property(cases, ({ list, pieces }) => {
        const values = Float64Array.from(list);
        const all = [...knotVectors(list.length, pieces)].map((knots) => errorsOf(values, knots).most);
        const { maxError } = interpolationError(values, place(values, pieces, "minimax"));
        expect(maxError).toBeLessThanOrEqual(Math.min(...all) + 1e-9);
        // One piece misses both ends by d at most, so the chord misses every input by 2 d at most.
        if (pieces === 1) expect(maxError).toBeGreaterThanOrEqual(all[0]! / 2 - 1e-9);
      }),
      { numRuns: 60, seed: 2 },
    );
  });
});

describe("one optimum bounds the others", () => {
  test.each(Object.keys(CURVES) as CurveName[])("%s", (curve) => {
    const { f, domain } = CURVES[curve];
    const values = Float64Array.from({ length: 256 }, (_, i) =>
      f(domain[0] + ((domain[1] - domain[0]) * i) / 255),
    );
    for (const pieces of [8]) {
      const errors = PWL_METHODS.map((method) => interpolationError(values, place(values, pieces, method)));
      const of = (method: (typeof PWL_METHODS)[number]) => errors[PWL_METHODS.indexOf(method)]!;
      for (const [i, { maxError, rmsError }] of errors.entries()) {
        const slack = 1 + 1e-5;
        expect(of("minimax").maxError).toBeLessThanOrEqual(maxError * slack + 1e-12);
        if (PWL_METHODS[i] === "minimax") continue;
        expect(of("optimal-max").maxError).toBeLessThanOrEqual(maxError * slack + 1e-12);
        expect(of("optimal-rms").rmsError).toBeLessThanOrEqual(rmsError * slack + 1e-12);
      }
    }
  });
});

test("blocks lose nothing: many inputs, against plain dynamic programming over all of them", () => {
  // Bends both ways, and weights that leave a third of the inputs unseen.
  const values = Float64Array.from({ length: 1500 }, (_, i) => Math.sin(i / 150) + (i / 900) ** 2);
  const weights = Float64Array.from(values, (_, i) => (i % 1500 < 500 ? 0 : 1 + (i % 7)));
  for (const given of [undefined, weights]) {
    const knots = placeForLeastSquares(values, 7, given);
    const { squares } = errorsOf(values, [...knots], given);
    expect(squares).toBeLessThanOrEqual(leastSquares(values, 7, given) * (1 + 1e-6));
  }
});

/** The least sum of squares by its recurrence; the errors of a chord are added up one by one. */
function leastSquares(values: Float64Array, pieces: number, weights?: Float64Array): number {
  const count = values.length;
  let costs = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  costs[0] = 0;
  const chords = Array.from({ length: count }, (_, from) => {
    let [n, xx, xy, yy] = [0, 0, 0, 0];
    return Float64Array.from({ length: count - from - 1 }, (_, j) => {
      const [run, rise] = [j + 1, values[from + j + 1]! - values[from]!];
      const slope = rise / run;
      const cost = yy - 2 * slope * xy + slope * slope * xx;
      const w = weights?.[from + j + 1] ?? 1;
      [n, xx, xy, yy] = [n + w, xx + w * run * run, xy + w * run * rise, yy + w * rise * rise];
      return Math.max(0, cost);
    });
  });
  for (let k = 0; k < pieces; k++) {
    const next = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    for (let a = 0; a < count; a++) {
      if (costs[a] === Number.POSITIVE_INFINITY) continue;
      for (let b = a + 1; b < count; b++) next[b] = Math.min(next[b]!, costs[a]! + chords[a]![b - a - 1]!);
    }
    costs = next;
  }
  return costs[count - 1]!;
}

/** Function, domain, pieces and the least error of a continuous line with knots anywhere: see README.md beside it. */
const CONTINUOUS = readFileSync("test/golden/pwl/continuous.csv", "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((row) => row.split(","))
  .map(
    ([name, lo, hi, pieces, error]) =>
      [name!, Number(lo), Number(hi), Number(pieces), Number(error)] as const,
  );

/** Steps of the domain: the knots of 4 and 8 pieces lie as near as matters on 2,048 of them. */
const STEPS = 2048;

test.each(CONTINUOUS.filter(([, , , pieces]) => pieces <= 8))(
  "minimax: %s on [%d, %d], %d pieces, within 2 %% of the best known continuous line",
  (name, lo, hi, pieces, error) => {
    const f = name === "exp2" ? (x: number) => 2 ** x : CURVES[name as CurveName].f;
    const values = Float64Array.from({ length: STEPS }, (_, i) => f(lo + ((hi - lo) * i) / (STEPS - 1)));
    const { maxError } = interpolationError(values, place(values, pieces, "minimax"));
    expect(Math.abs(maxError / error - 1)).toBeLessThan(0.02);
  },
);
