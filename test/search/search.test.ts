import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frontOf } from "../../src/search/front.ts";
import { frameOf, growthOf } from "../../src/search/hypervolume.ts";
import type { Priced } from "../../src/search/problem.ts";
import { METHODS, type Method, search } from "../../src/search/search.ts";
import type { Candidate, Space } from "../../src/search/space.ts";
import { allOf, figuresOf, latticeOf, nominal, ordinal, problemOf } from "./lab.ts";

const NAMES = Object.keys(METHODS) as Method[];

/** Test problems of Zitzler, Deb and Thiele, and of Deb, Thiele, Laumanns and Zitzler, on lattices of [0, 1]. */
const LATTICES: Readonly<
  Record<string, { readonly space: Space; readonly f: (x: readonly number[]) => number[] }>
> = {
  ZDT1: {
    space: latticeOf([ordinal(24), ordinal(6), ordinal(6), ordinal(6)]),
    f: ([x, ...rest]) => {
      const g = 1 + (9 * rest.reduce((a, b) => a + b, 0)) / rest.length;
      return [x!, g * (1 - Math.sqrt(x! / g))];
    },
  },
  "ZDT2, its front not convex": {
    space: latticeOf([ordinal(24), ordinal(6), ordinal(6), ordinal(6)]),
    f: ([x, ...rest]) => {
      const g = 1 + (9 * rest.reduce((a, b) => a + b, 0)) / rest.length;
      return [x!, g * (1 - (x! / g) ** 2)];
    },
  },
  "DTLZ2, three objectives": {
    space: latticeOf([ordinal(9), ordinal(9), ordinal(5), ordinal(5), ordinal(5)]),
    f: ([x, y, ...rest]) => {
      const g = 1 + rest.reduce((sum, z) => sum + (z - 0.5) ** 2, 0);
      const [a, b] = [(x! * Math.PI) / 2, (y! * Math.PI) / 2];
      return [g * Math.cos(a) * Math.cos(b), g * Math.cos(a) * Math.sin(b), g * Math.sin(a)];
    },
  },
};
const realOf = ({ dimensions }: Space, candidate: Candidate): number[] =>
  candidate.map((value, d) => value / (dimensions[d]!.values - 1));
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[(values.length - 1) / 2]!;

describe.each(Object.entries(LATTICES))("%s", (_, { space, f }) => {
  const figures = (candidate: Candidate) => figuresOf(f(realOf(space, candidate)));
  /** The first objective is what a clock tells; others are costly. */
  const price = (candidate: Candidate): Priced => ({
    objectives: f(realOf(space, candidate)).map((value, o) => (o === 0 ? value : undefined)),
    violation: 0,
  });
  const all = allOf(space).map(figures);
  const front = frontOf(all).map((i) => all[i]!.objectives);
  const frame = frameOf(front);
  const whole = growthOf(front, frame).at(-1)!;

  test("breeding finds more of the front than drawing, screening more than not", async () => {
    const found = async (method: Method) => {
      const shares: number[] = [];
      for (let seed = 1; seed <= 15; seed++) {
        const evaluated = await search(problemOf(space, figures, price), { method, budget: 100, seed });
        shares.push(
          growthOf(
            evaluated.map(({ objectives }) => objectives),
            frame,
          ).at(-1)! / whole,
        );
      }
      return median(shares);
    };
    const [screened, bred, drawn] = [
      await found("nsga2"),
      await found("nsga2-unscreened"),
      await found("random"),
    ];
    expect(bred).toBeGreaterThan(drawn);
    expect(screened).toBeGreaterThan(bred);
  });
});

/** Small spaces with holes, candidates of the same point, refusals, and constraints on either kind of figure. */
const problems = fc
  .record({
    values: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    holes: fc.integer({ min: 1, max: 6 }),
    refused: fc.integer({ min: 2, max: 9 }),
    most: fc.integer({ min: 2, max: 12 }),
    salt: fc.nat(1000),
  })
  .map(({ values, holes, refused, most, salt }) => {
    const dimensions = values.map((count, d) => (d % 2 === 0 ? ordinal(count, d > 0) : nominal(count)));
    const hash = (candidate: Candidate, k: number) =>
      candidate.reduce((sum, value, d) => (sum * 31 + value * 7 + d + k) % 1009, salt);
    const lattice = latticeOf(dimensions, (candidate) => holes === 1 || hash(candidate, 1) % holes !== 0);
    // The last dimension's last two values mean the same.
    const identify = (candidate: Candidate) =>
      lattice.identify(candidate) &&
      candidate.map((v, d) => (d === values.length - 1 ? Math.min(v, 2) : v)).join();
    const space: Space = { ...lattice, identify };
    const pointOf = (candidate: Candidate) => identify(candidate)!.split(",").map(Number);
    const figures = (candidate: Candidate) => {
      const point = pointOf(candidate);
      const cheap = hash(point, 2) % 7;
      const costly = hash(point, 3) % 5;
      if (hash(point, 4) % refused === 0) return undefined;
      return figuresOf([cheap, costly], Math.max(0, cheap + costly - most));
    };
    const price = (candidate: Candidate): Priced | undefined => {
      const known = figures(candidate);
      if (known === undefined) return undefined;
      const cheap = known.objectives[0]!;
      return { objectives: [cheap, undefined], violation: Math.max(0, cheap - most) };
    };
    return { space, figures, price };
  });

describe.each(NAMES)("%s", (method) => {
  test("asks for no point twice nor for one that is none, and ends with its budget or the space", async () => {
    await fc.assert(
      fc.asyncProperty(problems, fc.integer({ min: 1, max: 60 }), fc.nat(20), async (given, budget, seed) => {
        const { space, figures, price } = given;
        const problem = problemOf(space, figures, price);
        const evaluated = await search(problem, { method, budget, seed });
        const asked = problem.asked.map((candidate) => space.identify(candidate));
        expect(asked).not.toContain(undefined);
        expect(new Set(asked).size).toBe(asked.length);
        expect(evaluated.map(({ candidate, ...rest }) => rest)).toEqual(
          evaluated.map(({ candidate }) => figures(candidate)),
        );
        const points = new Map(allOf(space).map((candidate) => [space.identify(candidate)!, candidate]));
        // Who breaks a constraint by the price alone is left out where prices are asked for.
        const possible = [...points.values()].filter((candidate) =>
          METHODS[method].screens ? price(candidate)?.violation === 0 : figures(candidate) !== undefined,
        );
        expect(evaluated.length).toBe(Math.min(budget, possible.length));
      }),
    );
  });

  test("is a function of its seed, and what it asks for first does not depend on the budget", async () => {
    await fc.assert(
      fc.asyncProperty(problems, fc.integer({ min: 1, max: 40 }), fc.nat(20), async (given, budget, seed) => {
        const run = async (most: number) => {
          const problem = problemOf(given.space, given.figures, given.price);
          return search(problem, { method, budget: most, seed });
        };
        const evaluated = await run(budget);
        expect(await run(budget)).toEqual(evaluated);
        expect((await run(budget + 13)).slice(0, evaluated.length)).toEqual(evaluated);
      }),
      { numRuns: 40 },
    );
  });

  test("of another seed is another one", async () => {
    const space = latticeOf([ordinal(20), ordinal(20)]);
    const run = (seed: number) =>
      search(
        problemOf(space, ([x, y]) => figuresOf([x!, -y!])),
        { method, budget: 10, seed },
      );
    expect(await run(1)).not.toEqual(await run(2));
  });
});

describe("draws", () => {
  test("take every point of a space, each as likely to be the first", async () => {
    const space = latticeOf([nominal(3), ordinal(2)], ([x, y]) => x !== 2 || y === 0);
    const first = new Map<string, number>();
    for (let seed = 0; seed < 2000; seed++) {
      const [one] = await search(
        problemOf(space, () => figuresOf([0])),
        { method: "random", budget: 1, seed },
      );
      const key = one!.candidate.join();
      first.set(key, (first.get(key) ?? 0) + 1);
    }
    expect(first.size).toBe(5);
    // Four standard deviations of a count of 2,000 fair draws among five.
    for (const [key, count] of first) expect(Math.abs(count - 400), key).toBeLessThan(4 * Math.sqrt(320));
  });

  test("find the last point of a space that is all but used up", async () => {
    const space = latticeOf([ordinal(40), ordinal(50)]);
    const all = await search(
      problemOf(space, () => figuresOf([0])),
      { method: "random", budget: 2000, seed: 1 },
    );
    expect(new Set(all.map(({ candidate }) => candidate.join())).size).toBe(2000);
  });
});

test("where a constraint keeps out almost all by its price, those that break it least lead to those that keep it", async () => {
  const space = latticeOf([ordinal(40), ordinal(40), ordinal(40)]);
  const sum = (candidate: Candidate) => candidate.reduce((a, b) => a + b, 0);
  const figures = (candidate: Candidate) =>
    figuresOf([candidate[0]!, candidate[1]!], Math.max(0, sum(candidate) - 4));
  const price = (candidate: Candidate): Priced => figures(candidate);
  const evaluated = await search(problemOf(space, figures, price), { method: "nsga2", budget: 10, seed: 1 });
  // 35 of 64,000 points keep it.
  expect(evaluated.map(({ violation }) => violation)).toEqual(Array.from({ length: 10 }, () => 0));
});

test("without a cheap objective a screen lets pass what is bred", async () => {
  const space = latticeOf([ordinal(30), ordinal(30)]);
  const figures = ([x, y]: Candidate) => figuresOf([(x! - 20) ** 2, (y! - 5) ** 2]);
  const blind = (): Priced => ({ objectives: [undefined, undefined], violation: 0 });
  const evaluated = await search(problemOf(space, figures, blind), { method: "nsga2", budget: 120, seed: 3 });
  expect(Math.min(...evaluated.map(({ objectives: [x, y] }) => x! + y!))).toBe(0);
});
