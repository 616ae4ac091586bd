import fc from "fast-check";
import { expect, test } from "vitest";
import { rangesOf } from "../../src/cluster/slurm.ts";

/** What Slurm makes of it. */
const numbersIn = (ranges: string): number[] =>
  ranges.split(",").flatMap((range) => {
    const [from, to = from] = range.split("-").map(Number) as [number, number?];
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });

test("the numbers of an array are those of its tasks, in as few ranges as there are", () => {
  const tasks = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
  fc.assert(
    fc.property(tasks, (some) => {
      const sorted = some.toSorted((a, b) => a - b);
      const ranges = rangesOf(sorted);
      expect(numbersIn(ranges)).toEqual(sorted);
      expect(ranges.split(",")).toHaveLength(sorted.filter((task) => !sorted.includes(task - 1)).length);
    }),
  );
  expect(rangesOf([1, 2, 3, 7, 9, 10])).toBe("1-3,7,9-10");
});
