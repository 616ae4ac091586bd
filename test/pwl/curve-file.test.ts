import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { parseCurve } from "../../src/pwl/curve-file.ts";

test("goes through its points, straight between them and flat beyond", () => {
  const { f, domain } = parseCurve("x,y\r\n-1,2\r\n0.5,-1\n2,4e0\n\n", "bend.csv");
  expect(domain).toEqual([-1, 2]);
  expect([-9, -1, -0.25, 0.5, 1.25, 2, 7].map(f)).toEqual([2, 2, 0.5, -1, 1.5, 4, 4]);
});

test("any points: every one is met, and the curve stays between neighbours", () => {
  const numbers = fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 30 });
  fc.assert(
    fc.property(numbers, fc.array(fc.integer(), { minLength: 30, maxLength: 30 }), (places, heights) => {
      const xs = places.toSorted((a, b) => a - b);
      const { f } = parseCurve(["x,y", ...xs.map((x, i) => `${x},${heights[i]}`)].join("\n"), "any.csv");
      expect(xs.map(f)).toEqual(heights.slice(0, xs.length));
      for (const [i, x] of xs.slice(1).entries()) {
        const middle = f((x + xs[i]!) / 2);
        expect(middle).toBeGreaterThanOrEqual(Math.min(heights[i]!, heights[i + 1]!));
        expect(middle).toBeLessThanOrEqual(Math.max(heights[i]!, heights[i + 1]!));
      }
    }),
    { numRuns: 100, seed: 1 },
  );
});

describe("refusals", () => {
  test.each([
    ["0,1\n1,2", 'line 1: "0,1" is not the header x,y'],
    ["", 'line 1: "" is not the header x,y'],
    ["x,y\n0,1\n1,2,3", 'line 3: "1,2,3" is not a point of two numbers, x,y'],
    ["x,y\n0,1\n\n1,2", 'line 3: "" is not a point of two numbers, x,y'],
    ["x,y\n0,one", 'line 2: y: "one" is not a finite number'],
    ["x,y\n,1", 'line 2: x: "" is not a finite number'],
    ["x,y\n0,1\n1,Infinity", 'line 3: y: "Infinity" is not a finite number'],
    ["x,y\n0,1\n0,2", "line 3: x: 0 is not above the 0 before it; x ascends"],
    ["x,y\n0,1", "line 2: a curve has two points or more, not 1"],
    ["x,y", "line 1: a curve has two points or more, not 0"],
  ])("%j", (text, problem) => {
    expect(() => parseCurve(text, "c.csv")).toThrow(
      expect.objectContaining({ constructor: InputError, message: `c.csv: ${problem}` }),
    );
  });
});
