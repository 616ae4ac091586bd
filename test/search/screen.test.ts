import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { covers, frontOf } from "../../src/search/front.ts";
import { choose, nearestOf, predict } from "../../src/search/screen.ts";
import { figuresOf, nominal, ordinal, vectors } from "./lab.ts";

const DIMENSIONS = [ordinal(5), nominal(3), ordinal(100, false)];
const at = (candidate: readonly number[], objectives: readonly number[] = [0, 0], violation = 0) => ({
  candidate,
  ...figuresOf(objectives, violation),
});

describe("the nearest", () => {
  test.each([
    { to: [0, 0, 0], nearest: [[0, 0, 99]], why: "what no costly objective depends on does not count" },
    {
      to: [2, 0, 0],
      nearest: [
        [0, 0, 99],
        [4, 0, 5],
      ],
      why: "both of two that are as near",
    },
    {
      to: [4, 1, 0],
      nearest: [
        [4, 0, 5],
        [4, 2, 7],
      ],
      why: "a name is as far from every other",
    },
    {
      to: [3, 2, 0],
      nearest: [[4, 2, 7]],
      why: "a step of an axis that has an order is less than another name",
    },
  ])("to $to are $nearest: $why", ({ to, nearest }) => {
    const evaluated = [
      [0, 0, 99],
      [4, 0, 5],
      [4, 2, 7],
    ].map((candidate) => ({ candidate }));
    expect(nearestOf(DIMENSIONS, to, evaluated).map(({ candidate }) => candidate)).toEqual(nearest);
  });
});

describe("a prediction", () => {
  const evaluated = [at([0, 0, 0], [9, 3]), at([0, 0, 1], [9, 5], 2), at([4, 0, 0], [1, 8])];
  const open = (violation = 0) => ({ objectives: [7, undefined], violation });

  test("keeps what is priced, and takes the best of the nearest for the rest", () => {
    expect(predict(DIMENSIONS, [1, 0, 5], open(), evaluated)).toEqual(figuresOf([7, 3]));
    expect(predict(DIMENSIONS, [3, 0, 5], open(), evaluated)).toEqual(figuresOf([7, 8]));
    expect(predict(DIMENSIONS, [1, 0, 5], open(4), evaluated)).toEqual(figuresOf([7, 3], 4));
  });

  test("expects a constraint to be broken where all of the nearest break it", () => {
    expect(predict(DIMENSIONS, [0, 0, 5], open(), evaluated.slice(1))).toEqual(figuresOf([7, 5], 2));
  });

  test("of nothing is the best there could be", () => {
    expect(predict(DIMENSIONS, [0, 0, 0], open(), [])).toEqual(figuresOf([7, 0]));
  });
});

describe("a choice", () => {
  test("has nobody whom an evaluated point covers, and nobody twice", () => {
    fc.assert(
      fc.property(vectors(3, 20), vectors(3), fc.integer({ min: 1, max: 8 }), (pool, evaluated, count) => {
        const held = evaluated.map((one) => figuresOf(one));
        const chosen = choose(
          pool.map((one) => figuresOf(one)),
          held,
          count,
        );
        expect(chosen.length).toBeLessThanOrEqual(count);
        const points = chosen.map(({ objectives }) => objectives);
        for (const point of points) expect(evaluated.some((one) => covers(one, point))).toBe(false);
        expect(new Set(points.map(String)).size).toBe(points.length);
        const promising = pool.filter((one) => !evaluated.some((other) => covers(other, one)));
        expect(chosen.length > 0).toBe(promising.length > 0);
      }),
    );
  });

  test("with room for all of it takes the whole front of the pool", () => {
    fc.assert(
      fc.property(vectors(2, 20), (pool) => {
        const all = pool.map((one) => figuresOf(one));
        const chosen = choose(all, [figuresOf([8, 8])], pool.length).map(({ objectives }) =>
          String(objectives),
        );
        for (const i of frontOf(all)) expect(chosen).toContain(String(pool[i]));
      }),
    );
  });

  test("takes the greatest gain first, and then what gains beside that", () => {
    const pool = [
      [5, 5],
      [4, 6],
      [1, 9],
      [9, 1],
    ].map((one) => figuresOf(one));
    const chosen = choose(pool, [figuresOf([10, 10])], 3).map(({ objectives }) => objectives);
    expect(chosen[0]).toEqual([5, 5]);
    expect(chosen.slice(1)).not.toContainEqual([4, 6]);
  });

  test("leaves out who is expected to break a constraint, unless nothing keeps them yet", () => {
    const pool = [figuresOf([1, 1], 3), figuresOf([2, 2], 1), figuresOf([3, 3], 2)];
    expect(choose(pool, [figuresOf([9, 9])], 2)).toEqual([]);
    expect(choose(pool, [figuresOf([9, 9], 5)], 2)).toEqual([pool[1], pool[2]]);
  });
});
