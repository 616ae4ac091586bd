import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { meansOf } from "../../src/report/means.ts";

const header = ["experiment", "model", "arch", "recipe", "mapper", "changes", "per_pct"];
const ABOUT = ["experiment", "model", "arch", "recipe", "mapper", "changes", "seed"];
const row = (changes: string, per: number | string, arch = "a") => [
  "e",
  "m",
  arch,
  "r",
  "fixed",
  changes,
  String(per),
];

test("rows that differ in the seed alone are one, in the order of the first of each", () => {
  const rows = [
    row("pwl_pieces=4 tuning_seed=1", 8),
    row("pwl_pieces=8 tuning_seed=1", 5),
    row("pwl_pieces=4 tuning_seed=2", 10),
    row("pwl_pieces=4", 9, "b"),
  ];
  expect(meansOf({ header, rows }, "x.csv", ABOUT, ["tuning_seed"], ["per_pct"])).toEqual([
    { name: "a pwl_pieces=4", count: 2, figures: new Map([["per_pct", { mean: 9, deviation: Math.SQRT2 }]]) },
    { name: "a pwl_pieces=8", count: 1, figures: new Map([["per_pct", { mean: 5 }]]) },
    { name: "b pwl_pieces=4", count: 1, figures: new Map([["per_pct", { mean: 9 }]]) },
  ]);
});

test("rows of other samples or models are no repetitions, unless they are what is averaged over", () => {
  const rows = [1, 2].flatMap((seed) =>
    ["m", "n"].map((model) => ["e", model, "a", "r", "fixed", "", String(seed), String(seed)]),
  );
  const table = { header: [...header.slice(0, -1), "seed", "per_pct"], rows };
  const named = (over: readonly string[]) =>
    meansOf(table, "x.csv", ABOUT, over, ["per_pct"]).map(({ name, count }) => `${name}: ${count}`);
  expect(named(["tuning_seed"])).toEqual([
    "m a seed=1: 1",
    "n a seed=1: 1",
    "m a seed=2: 1",
    "n a seed=2: 1",
  ]);
  expect(named(["seed"])).toEqual(["m a: 2", "n a: 2"]);
});

test("the deviation moves with the scale and not with the place", () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 9 });
  fc.assert(
    fc.property(
      values,
      fc.integer({ min: -50, max: 50 }),
      fc.integer({ min: 1, max: 9 }),
      (all, shift, factor) => {
        const spread = (of: readonly number[]) => {
          const rows = of.map((x, i) => row(`tuning_seed=${i + 1}`, x));
          const [only] = meansOf({ header, rows }, "x.csv", ABOUT, ["tuning_seed"], ["per_pct"]);
          return only!.figures.get("per_pct")!;
        };
        const [own, moved] = [spread(all), spread(all.map((x) => factor * x + shift))];
        expect(moved.mean).toBeCloseTo(factor * own.mean + shift, 8);
        expect(moved.deviation).toBeCloseTo(factor * own.deviation!, 8);
      },
    ),
  );
});

test.each([
  [["cycles"], "x.csv: no column cycles"],
  [["arch"], "x.csv: arch: a is no number"],
])("%j is refused", (figures, message) => {
  const run = () => meansOf({ header, rows: [row("", 1)] }, "x.csv", ABOUT, ["tuning_seed"], figures);
  expect(run).toThrow(InputError);
  expect(run).toThrow(message);
});
