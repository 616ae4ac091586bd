import { describe, expect, test } from "vitest";
import type { Experiment, Overrides } from "../../src/sweep/experiment.ts";
import { experimentOf, refusalOfPoints } from "./lab.ts";

/** Machine and changes of each point. */
const summary = ({ points }: Experiment): string[] =>
  points.map(({ index, arch, changes }) => `${index} ${arch.name} ${changes}`.trimEnd());

test("an empty group is the base", () => {
  expect(summary(experimentOf(["- {}"]))).toEqual(["1 edge16x16"]);
});

test("a grid in the order of its axes, the last one fastest; groups one after another", () => {
  const experiment = experimentOf([
    "- axes: { weight_bits: [8, 4], mac.rows: [16, 32] }",
    "- axes: { cell_bits: [8] }",
  ]);
  expect(summary(experiment)).toEqual([
    "1 edge16x16",
    "2 edge16x16 mac.rows=32",
    "3 edge16x16 weight_bits=4",
    "4 edge16x16 weight_bits=4 mac.rows=32",
    "5 edge16x16 cell_bits=8",
  ]);
});

test("of equal points the first is kept, and numbers have no gaps", () => {
  const experiment = experimentOf([
    "- axes: { weight_bits: [8, 4] }",
    "- {}",
    "- axes: { weight_bits: [4, 4, 3] }",
    "- { set: { mac.rows: 16 } }",
  ]);
  expect(summary(experiment)).toEqual([
    "1 edge16x16",
    "2 edge16x16 weight_bits=4",
    "3 edge16x16 weight_bits=3",
  ]);
});

test("machines: one, a list, an axis; they vary slowest", () => {
  const experiment = experimentOf([
    "- arch: dot16x16",
    "- { arch: [edge8x8, pure-shift], axes: { weight_bits: [5, 4] } }",
    "- axes: { weight_bits: [3], arch: [dot16x16, edge8x8] }",
  ]);
  expect(summary(experiment)).toEqual([
    "1 dot16x16",
    "2 edge8x8 weight_bits=5",
    "3 edge8x8 weight_bits=4",
    "4 pure-shift weight_bits=5",
    "5 pure-shift weight_bits=4",
    "6 dot16x16 weight_bits=3",
    "7 edge8x8 weight_bits=3",
  ]);
});

test("equal machines of two names stay two points: the reader asked for both", () => {
  const experiment = experimentOf(["- { arch: [edge16x16, pure-shift], set: { requant.kind: shift } }"]);
  expect(experiment.points).toHaveLength(2);
});

test("a set is said over the recipe, and what a group says twice is refused", () => {
  expect(summary(experimentOf(["- { set: { cell_bits: 8 }, axes: { weight_bits: [4] } }"]))).toEqual([
    "1 edge16x16 weight_bits=4 cell_bits=8",
  ]);
  expect(refusalOfPoints(["- { set: { weight_bits: 5 }, axes: { weight_bits: [4] } }"])).toContain(
    "points.0.set.weight_bits: weight_bits is an axis of the group too",
  );
  expect(refusalOfPoints(["- { arch: edge8x8, axes: { arch: [edge16x16] } }"])).toContain(
    "points.0.arch: arch is an axis of the group too",
  );
});

describe("what the command line says", () => {
  test("holds for every point, over any axis, and so leaves no duplicates", () => {
    const points = ["- axes: { weight_bits: [8, 4], mac.rows: [8, 16] }"];
    expect(summary(experimentOf(points, { sets: { weight_bits: 6 } }))).toEqual([
      "1 edge16x16 weight_bits=6 mac.rows=8",
      "2 edge16x16 weight_bits=6",
    ]);
    expect(summary(experimentOf(points, { sets: { "mac.rows": 4 } }))).toEqual([
      "1 edge16x16 mac.rows=4",
      "3 edge16x16 weight_bits=4 mac.rows=4",
    ]);
  });

  test("one machine in place of all", () => {
    const points = ["- {}", "- arch: [edge8x8, dot16x16]", "- set: { weight_bits: 4 }"];
    const expected = ["1 pure-shift", "4 pure-shift weight_bits=4"];
    expect(summary(experimentOf(points, { arch: "pure-shift" }))).toEqual(expected);
    expect(summary(experimentOf(points, { arch: "arch/pure-shift.yaml" }))).toEqual(expected);
  });

  test("moves no number, and where one is asked for hides no point behind an equal one", () => {
    const points = [
      "- axes: { arch: [edge16x16, dot16x16], recipe: [irnn, pulp], weight_bits: [8, 4] }",
      "- axes: { requant.multiplierBits: [16, 31], acc.bits: [48, 40] }",
    ];
    const numbersUnder = (overrides: Overrides) =>
      Array.from({ length: 12 }, (_, i) => i + 1).filter((point) =>
        experimentOf(points, { ...overrides, point }).points.some(({ index }) => index === point),
      );
    const broken = [11, 12];
    for (const overrides of [{ arch: "edge8x8" }, { recipe: "irnn" }, { sets: { weight_bits: 6 } }, {}]) {
      const all = numbersUnder({ ...overrides, sets: { ...overrides.sets, "requant.multiplierBits": 8 } });
      expect(all, JSON.stringify(overrides)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
      for (const point of broken)
        expect(refusalOfPoints(points, { ...overrides, point })).toMatch(/exceed the 64-bit product/);
      expect(refusalOfPoints(points, { ...overrides, point: 10 })).toBe("nothing");
    }
    expect(summary(experimentOf(points, { sets: { weight_bits: 4 }, point: 2 }))[1]).toBe(
      "2 edge16x16 weight_bits=4",
    );
    const sevenOver = experimentOf(points, { sets: { "mac.rows": 4 }, point: 7 }).points;
    expect(sevenOver.find(({ index }) => index === 7)).toMatchObject({
      arch: { name: "dot16x16" },
      recipeName: "pulp",
      changes: "mac.rows=4",
    });
  });

  test("how many words", () => {
    expect(experimentOf(["- {}"], { words: 7 }).points[0]!.subject.samples).toBe(7);
    expect(experimentOf(["- {}"]).points[0]!.subject.samples).toBe(3);
  });
});

test("changes name every parameter that departs from the defaults and from the machine's file", () => {
  const [point] = experimentOf([
    "- { arch: pure-shift, set: { requant.kind: multiplier, pwl_method: uniform, dma.channels: 4 } }",
  ]).points;
  expect(point?.changes).toBe("pwl_method=uniform requant.kind=multiplier dma.channels=4");
});
