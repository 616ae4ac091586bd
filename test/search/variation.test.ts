import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { childOf, tournament } from "../../src/search/variation.ts";
import { nominal, ordinal } from "./lab.ts";

const DIMENSIONS = [ordinal(9), nominal(4), ordinal(2), nominal(1), ordinal(1)];
const candidates = fc.tuple(...DIMENSIONS.map(({ values }) => fc.nat(values - 1)));

test("a child is a candidate, whoever its parents are", () => {
  fc.assert(
    fc.property(candidates, candidates, fc.string(), (mother, father, seed) => {
      const child = childOf(DIMENSIONS, mother, father, seedrandom(seed));
      expect(child).toHaveLength(DIMENSIONS.length);
      for (const [d, { values }] of DIMENSIONS.entries()) {
        expect(Number.isInteger(child[d])).toBe(true);
        expect(child[d]).toBeGreaterThanOrEqual(0);
        expect(child[d]).toBeLessThan(values);
      }
    }),
  );
});

describe("many children", () => {
  const random = seedrandom("children");
  const children = (mother: readonly number[], father: readonly number[]) =>
    Array.from({ length: 4000 }, () => childOf(DIMENSIONS, mother, father, random));

  test("of one candidate with itself reach every value of every axis, near ones oftener where there is an order", () => {
    const self = [4, 1, 0, 0, 0];
    const all = children(self, self);
    for (const [d, { values }] of DIMENSIONS.entries())
      expect(new Set(all.map((child) => child[d])).size).toBe(values);
    const count = (value: number) => all.filter(([x]) => x === value).length;
    expect(count(5)).toBeGreaterThan(count(6));
    expect(count(6)).toBeGreaterThan(count(8));
    expect(count(3)).toBeGreaterThan(count(2));
  });

  test("have one dimension changed on average, of those that can", () => {
    const self = [4, 1, 0, 0, 0];
    const changed = children(self, self).map((child) => child.filter((value, d) => value !== self[d]).length);
    const mean = changed.reduce((a, b) => a + b, 0) / changed.length;
    expect(mean).toBeGreaterThan(0.9);
    expect(mean).toBeLessThan(1.1);
  });

  test("of two stand between them where there is an order, and nowhere else where there is none", () => {
    const unmutated = children([2, 0, 0, 0, 0], [6, 3, 0, 0, 0]).filter(
      (child) => child[2] === 0 && [0, 3].includes(child[1]!),
    );
    const between = unmutated.filter(([x]) => x! > 2 && x! < 6);
    expect(between.length).toBeGreaterThan(unmutated.length / 8);
    for (const end of [2, 6])
      expect(unmutated.filter(([x]) => x === end).length).toBeGreaterThan(unmutated.length / 5);
  });
});

test("in a tournament the lower rank wins, then the roomier", () => {
  const members = [
    { standing: { rank: 1, crowding: Number.POSITIVE_INFINITY } },
    { standing: { rank: 0, crowding: 1 } },
    { standing: { rank: 0, crowding: 2 } },
  ];
  const random = seedrandom("tournament");
  const wins = [0, 0, 0];
  for (let i = 0; i < 9000; i++) wins[members.indexOf(tournament(members, random))]!++;
  // Of nine pairs, the best wins five, the next three, and the last only against itself.
  for (const [i, share] of [1, 3, 5].entries()) expect(Math.abs(wins[i]! - 1000 * share)).toBeLessThan(200);
});
