import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dominates } from "../../src/search/front.ts";
import { frameOf, gainOf, growthOf, hypervolume, inFrame } from "../../src/search/hypervolume.ts";
import { vectors } from "./lab.ts";

/** Points of whole numbers below 8 dominate whole unit cells: these can be counted. */
function cellsOf(points: readonly (readonly number[])[], reference: readonly number[]): number {
  const count = (cell: readonly number[]): number => {
    const d = cell.length;
    if (d === reference.length) return points.some((p) => p.every((x, i) => x <= cell[i]!)) ? 1 : 0;
    let sum = 0;
    for (let x = 0; x < reference[d]!; x++) sum += count([...cell, x]);
    return sum;
  };
  return count([]);
}

describe.each([1, 2, 3, 4, 5])("of %i objectives", (objectives) => {
  const most = objectives > 4 ? 5 : 7;
  const reference = Array.from({ length: objectives }, () => most);

  test("it is the number of cells that some point dominates, up to the reference", () => {
    fc.assert(
      fc.property(vectors(objectives), (points) => {
        expect(hypervolume(points, reference)).toBe(cellsOf(points, reference));
      }),
      { numRuns: objectives > 3 ? 30 : 100 },
    );
  });

  test("order, duplicates and dominated points change nothing", () => {
    fc.assert(
      fc.property(vectors(objectives), fc.nat(), (points, k) => {
        const volume = hypervolume(points, reference);
        const worse = points[k % points.length]!.map((x) => x + 1);
        expect(hypervolume([worse, ...points.toReversed(), ...points], reference)).toBe(volume);
        const front = points.filter((one) => !points.some((other) => dominates(other, one)));
        expect(hypervolume(front, reference)).toBe(volume);
      }),
    );
  });

  test("a gain is the difference that a point makes", () => {
    fc.assert(
      fc.property(vectors(objectives), ([point, ...others]) => {
        const without = hypervolume(others, reference);
        expect(gainOf(point!, others, reference)).toBe(hypervolume([point!, ...others], reference) - without);
      }),
    );
  });
});

describe("closed forms", () => {
  test("a staircase of n steps on the diagonal of a square", () => {
    for (const n of [1, 2, 5, 40]) {
      const steps = Array.from({ length: n }, (_, i) => [i / n, (n - 1 - i) / n]);
      expect(hypervolume(steps, [1, 1])).toBeCloseTo((n + 1) / (2 * n), 12);
    }
  });

  test("DTLZ1's plane x + y + z = n - 1 in whole steps: a tetrahedral number of cells is left out", () => {
    for (const n of [2, 3, 6, 10]) {
      const plane: number[][] = [];
      for (let x = 0; x < n; x++) for (let y = 0; x + y < n; y++) plane.push([x, y, n - 1 - x - y]);
      const below = ((n - 1) * n * (n + 1)) / 6;
      expect(hypervolume(plane, [n, n, n])).toBe(n ** 3 - below);
    }
  });

  test("nothing, and what lies beyond the reference, has no volume", () => {
    expect(hypervolume([], [1, 1])).toBe(0);
    expect(
      hypervolume(
        [
          [0, 1],
          [2, -5],
        ],
        [1, 1],
      ),
    ).toBe(0);
  });
});

test("a frame is 0 at the best of a front and 1 at its worst; of what is the same all over it, units are its own", () => {
  const frame = frameOf([
    [1, 30, 5],
    [3, 10, 5],
  ]);
  expect(frame).toEqual({ ideal: [1, 10, 5], nadir: [3, 30, 5] });
  expect(inFrame(frame, [2, 10, 6])).toEqual([0.5, 0, 0.2]);
  expect(inFrame(frameOf([[0]]), [3])).toEqual([3]);
});

test("growth never falls, and ends at the volume of all", () => {
  fc.assert(
    fc.property(vectors(3, 20), (points) => {
      const frame = frameOf(points);
      const growth = growthOf(points, frame);
      for (const [i, volume] of growth.entries()) expect(volume).toBeGreaterThanOrEqual(growth[i - 1] ?? 0);
      const all = points.map((point) => inFrame(frame, point));
      expect(growth.at(-1)).toBeCloseTo(hypervolume(all, [1.1, 1.1, 1.1]), 10);
    }),
  );
});
