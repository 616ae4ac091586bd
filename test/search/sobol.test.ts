import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { evenly, MOST_DIMENSIONS, ONE, sobol } from "../../src/search/sobol.ts";
import { ordinal } from "./lab.ts";

const firstOf = <T>(count: number, sequence: Generator<T>): T[] =>
  Array.from({ length: count }, () => sequence.next().value as T);
const unshifted = (dimensions: number) => Array.from({ length: dimensions }, () => 0);

test("the first points in three dimensions are those that Joe and Kuo publish", () => {
  const points = firstOf(10, sobol(unshifted(3))).map((point) => point.map((x) => x / ONE));
  expect(points).toEqual([
    [0, 0, 0],
    [0.5, 0.5, 0.5],
    [0.75, 0.25, 0.25],
    [0.25, 0.75, 0.75],
    [0.375, 0.375, 0.625],
    [0.875, 0.875, 0.125],
    [0.625, 0.125, 0.875],
    [0.125, 0.625, 0.375],
    [0.1875, 0.3125, 0.9375],
    [0.6875, 0.8125, 0.4375],
  ]);
});

test("point 1,000 in 40 dimensions is SciPy's", () => {
  // scipy.stats.qmc.Sobol(40, scramble=False, bits=30), times 1,024: the first thousand points have ten digits.
  const point = firstOf(1001, sobol(unshifted(40))).at(-1)!;
  expect(point.map((x) => (x / ONE) * 1024)).toEqual(SCIPY);
});

describe("whatever the shift", () => {
  const shifts = fc.array(fc.integer({ min: 0, max: ONE - 1 }), {
    minLength: MOST_DIMENSIONS,
    maxLength: MOST_DIMENSIONS,
  });

  test("the first 2^k points have one in each of 2^k equal parts of every axis", () => {
    fc.assert(
      fc.property(shifts, fc.integer({ min: 0, max: 8 }), (shift, k) => {
        const points = firstOf(2 ** k, sobol(shift));
        for (const d of shift.keys()) {
          const parts = new Set(points.map((point) => Math.floor((point[d]! * 2 ** k) / ONE)));
          if (parts.size !== points.length)
            expect.fail(`dimension ${d} has ${parts.size} of ${2 ** k} parts`);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("the first 2^(j + k) points of the first two have one in each box of 2^-j by 2^-k", () => {
    fc.assert(
      fc.property(shifts, fc.nat(5), fc.nat(5), (shift, j, k) => {
        const points = firstOf(2 ** (j + k), sobol(shift.slice(0, 2)));
        const boxes = points.map(([x, y]) =>
          [Math.floor((x! * 2 ** j) / ONE), Math.floor((y! * 2 ** k) / ONE)].join(),
        );
        expect(new Set(boxes).size).toBe(points.length);
      }),
    );
  });
});

test("beyond the table of direction numbers there is nothing", () => {
  expect(() => sobol(unshifted(MOST_DIMENSIONS + 1)).next()).toThrow(RangeError);
});

test("of a lattice with more dimensions than there are direction numbers the others are drawn", () => {
  const dimensions = Array.from({ length: MOST_DIMENSIONS + 5 }, () => ordinal(8));
  const all = firstOf(512, evenly(dimensions, seedrandom("many")));
  const counts = dimensions.map((_, d) => all.filter((candidate) => candidate[d] === 3).length);
  expect(new Set(counts.slice(0, MOST_DIMENSIONS))).toEqual(new Set([64]));
  for (const count of counts.slice(MOST_DIMENSIONS)) {
    expect(count).toBeGreaterThan(32);
    expect(count).toBeLessThan(96);
  }
});

test("a lattice is filled evenly, by every seed in another order, by one seed in the same", () => {
  const dimensions = [ordinal(4), ordinal(3), ordinal(1)];
  const of = (seed: string) => firstOf(64, evenly(dimensions, seedrandom(seed)));
  expect(of("a")).toEqual(of("a"));
  expect(of("a")).not.toEqual(of("b"));
  for (const value of [0, 1, 2, 3]) expect(of("a").filter(([x]) => x === value)).toHaveLength(16);
  const pairs = new Set(of("a").map((candidate) => candidate.join(" ")));
  expect(pairs.size).toBe(12);
});

const SCIPY = [
  225, 99, 531, 693, 287, 929, 47, 921, 513, 71, 87, 261, 165, 393, 147, 379, 737, 353, 1015, 743, 535, 563,
  973, 553, 597, 929, 41, 1003, 61, 349, 151, 149, 303, 607, 821, 789, 869, 851, 315, 491,
];
