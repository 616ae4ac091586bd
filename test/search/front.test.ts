import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  beats,
  byStanding,
  crowdingOf,
  dominates,
  type Figures,
  frontOf,
  ranksOf,
  standingsOf,
} from "../../src/search/front.ts";
import { figuresOf, vectors } from "./lab.ts";

const populations = fc
  .tuple(vectors(3, 20), fc.infiniteStream(fc.constantFrom(0, 0, 0, 1, 2.5)))
  .map(([all, violations]) => all.map((one) => figuresOf(one, violations.next().value)));

describe("constrained domination", () => {
  test.each([
    [figuresOf([1, 2]), figuresOf([1, 3]), true],
    [figuresOf([1, 2]), figuresOf([1, 2]), false],
    [figuresOf([1, 2]), figuresOf([0, 3]), false],
    [figuresOf([9, 9]), figuresOf([0, 0], 1), true],
    [figuresOf([0, 0], 2), figuresOf([9, 9], 1), false],
    [figuresOf([0, 0], 1), figuresOf([9, 9], 1), true],
  ])("%j beats %j: %s", (a, b, wins) => {
    expect(beats(a, b)).toBe(wins);
  });

  test("is a strict order", () => {
    fc.assert(
      fc.property(populations, (all) => {
        for (const a of all) {
          expect(beats(a, a)).toBe(false);
          for (const b of all) {
            if (!beats(a, b)) continue;
            expect(beats(b, a)).toBe(false);
            for (const c of all) if (beats(b, c)) expect(beats(a, c)).toBe(true);
          }
        }
      }),
    );
  });
});

test("a rank is the length of the longest chain of betters", () => {
  const depthOf = (all: readonly Figures[], one: Figures): number => {
    const betters = all.filter((other) => beats(other, one));
    return betters.length === 0 ? 0 : 1 + Math.max(...betters.map((better) => depthOf(betters, better)));
  };
  fc.assert(
    fc.property(populations, (all) => {
      expect(ranksOf(all)).toEqual(all.map((one) => depthOf(all, one)));
    }),
  );
});

test("a front's members keep all constraints, dominate nobody of it, and whoever keeps them is in it or dominated by it", () => {
  fc.assert(
    fc.property(populations, (all) => {
      const front = frontOf(all);
      const members = front.map((i) => all[i]!);
      for (const { objectives, violation } of members) {
        expect(violation).toBe(0);
        expect(members.some((other) => dominates(other.objectives, objectives))).toBe(false);
      }
      for (const [i, { objectives, violation }] of all.entries()) {
        if (violation > 0 || front.includes(i)) continue;
        expect(members.some((other) => dominates(other.objectives, objectives))).toBe(true);
      }
    }),
  );
});

test("standings do not depend on the order in which members stand", () => {
  const shuffled = populations.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray([...all.keys()], { minLength: all.length })),
  );
  fc.assert(
    fc.property(shuffled, ([all, order]) => {
      const ranks = ranksOf(all);
      expect(ranksOf(order.map((i) => all[i]!))).toEqual(order.map((i) => ranks[i]));
      const sorted = (members: readonly Figures[]) =>
        standingsOf(members).sort((a, b) => a.rank - b.rank || a.crowding - b.crowding);
      const distinct = [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
      const other = order.map((i) => all[i]!).filter((one) => distinct.includes(one));
      // Where two members tie in one objective, which of them stands at an end is decided by their order.
      fc.pre(
        [0, 1, 2].every((o) => new Set(distinct.map((one) => one.objectives[o])).size === distinct.length),
      );
      expect(sorted(other)).toEqual(sorted(distinct));
    }),
    { numRuns: 300 },
  );
});

describe("crowding", () => {
  test("is the sum of the gaps between neighbours, in parts of the span", () => {
    const front = [
      [0, 10],
      [2, 6],
      [3, 5],
      [10, 0],
    ].map((one) => figuresOf(one));
    expect(crowdingOf(front)).toEqual([Infinity, 3 / 10 + 5 / 10, 8 / 10 + 6 / 10, Infinity]);
  });

  test("of equal members the second has no room at all", () => {
    const front = [
      [0, 2],
      [1, 1],
      [1, 1],
      [2, 0],
    ].map((one) => figuresOf(one));
    expect(crowdingOf(front)).toEqual([Infinity, 2, 0, Infinity]);
  });

  test("an objective that is the same everywhere tells nobody apart", () => {
    const front = [
      [0, 4, 7],
      [1, 2, 7],
      [2, 0, 7],
    ].map((one) => figuresOf(one));
    expect(crowdingOf(front)[1]).toBe(2);
  });

  test("decides among equal ranks, the roomier first", () => {
    const at = (rank: number, crowding: number) => ({ rank, crowding });
    const order = [at(1, 9), at(0, 1), at(0, Infinity), at(0, Infinity), at(0, 2)].sort(byStanding);
    expect(order).toEqual([at(0, Infinity), at(0, Infinity), at(0, 2), at(0, 1), at(1, 9)]);
  });
});
