import { describe, expect, test } from "vitest";
import { loadDesign, loadExperiment } from "../../src/sweep/experiment.ts";
import { Lattice } from "../../src/sweep/lattice.ts";
import { identityOf } from "../../src/sweep/space.ts";
import { write } from "./lab.ts";

const fileOf = (points: readonly string[], head: readonly string[] = []): string =>
  write(
    [
      "question: Does it work?",
      "words: { split: test, count: 3 }",
      "calibration: { words: 5 }",
      "arch: edge16x16",
      ...head,
      "points:",
      ...points.map((line) => `  ${line}`),
      "",
    ].join("\n"),
  );
const latticeOf = (points: readonly string[], head?: readonly string[]) =>
  new Lattice(loadDesign(fileOf(points, head)));
const refusalOf = (points: readonly string[], head?: readonly string[]): string => {
  const path = fileOf(points, head);
  try {
    new Lattice(loadDesign(path));
  } catch (error) {
    return (error as Error).message.replaceAll(path, "x.yaml");
  }
  return "nothing";
};

describe.each([
  ["one grid", ["- axes: { weight_bits: [8, 4], mac.rows: { from: 8, to: 64, times: 2 } }"]],
  [
    "groups of other axes, with points in common",
    [
      "- axes: { weight_bits: [4, 8], mac.rows: [16, 8] }",
      "- axes: { weight_bits: [8, 6], arch: [edge16x16, dot16x16] }",
      "- {}",
      "- { arch: narrow-acc, recipe: [irnn, pulp], set: { pwl_pieces: 8 } }",
    ],
  ],
  [
    "parameters that change together, under a constraint",
    [
      "- zip: { mac.rows: [8, 16, 32], mac.columns: [32, 16, 8] }",
      "  axes: { weight_bits: [8, 4], pwl_method: [slope, uniform] }",
      "  where: weight_bits == 8 or mac.rows < 32",
    ],
  ],
])("%s", (_, points) => {
  const path = fileOf(points);
  const experiment = loadExperiment(path);
  const lattice = new Lattice(loadDesign(path));
  const candidates = Array.from({ length: lattice.size }, (_, i) => lattice.at(i));

  test("has the experiment's points, by its numbers", () => {
    expect(lattice.points).toBe(experiment.points.length);
    const found = new Map(
      candidates.flatMap((candidate) => {
        const point = lattice.pointAt(candidate);
        return point === undefined ? [] : [[point.index, point] as const];
      }),
    );
    expect([...found.values()].sort((a, b) => a.index - b.index)).toEqual(experiment.points);
  });

  test("has a value for each dimension, and an identity for each point", () => {
    for (const candidate of candidates) {
      expect(candidate).toHaveLength(lattice.dimensions.length);
      for (const [d, { values }] of lattice.dimensions.entries()) expect(candidate[d]).toBeLessThan(values);
      const point = lattice.pointAt(candidate);
      expect(lattice.identify(candidate)).toBe(point && identityOf(point));
    }
  });
});

test("numbers have an order, names and machines have none; numerics depend on recipes, and on machines that round", () => {
  const { dimensions } = latticeOf([
    "- axes: { weight_bits: [8, 4], pwl_method: [slope, uniform], mac.rows: [8, 16], requant.kind: [shift, multiplier], mapper: [fixed, search], seed: [1, 2] }",
    "- { arch: [edge16x16, dot16x16] }",
  ]);
  expect(dimensions).toEqual([
    { values: 2, kind: "nominal", isCostly: true }, // which group
    { values: 2, kind: "nominal", isCostly: false }, // arch: two that compute the same bits
    { values: 1, kind: "nominal", isCostly: true }, // recipe
    { values: 2, kind: "ordinal", isCostly: true },
    { values: 2, kind: "nominal", isCostly: true },
    { values: 2, kind: "ordinal", isCostly: false },
    { values: 2, kind: "nominal", isCostly: true },
    { values: 2, kind: "nominal", isCostly: false },
    { values: 2, kind: "ordinal", isCostly: true },
  ]);
  const narrow = latticeOf(["- axes: { arch: [edge16x16, narrow-acc] }"]);
  expect(narrow.dimensions[0]).toEqual({ values: 2, kind: "nominal", isCostly: true });
});

test("the values of an axis ascend, wherever groups have them from", () => {
  const lattice = latticeOf(["- axes: { weight_bits: [4, 8] }", "- axes: { weight_bits: [6, 5] }"]);
  const bits = Array.from({ length: 4 }, (_, value) => {
    const candidate = [0, 1].map((group) => [group, 0, 0, value]).find((one) => lattice.identify(one));
    return lattice.pointAt(candidate!)!.recipe.weight_bits;
  });
  expect(bits).toEqual([4, 5, 6, 8]);
});

test("what no machine can be built for is no point", () => {
  const lattice = latticeOf(["- axes: { acc.bits: [32, 40], requant.multiplierBits: [16, 28] }"]);
  expect([lattice.size, lattice.points]).toEqual([4, 3]);
});

test("a space that nobody counts is searched all the same: its points have the numbers of their combinations", () => {
  const range = (to: number) => `{ from: 1, to: ${to} }`;
  const axes = `weight_bits: [8, 4], pwl_pieces: ${range(64)}, mac.rows: ${range(256)}, mac.columns: ${range(256)}`;
  const lattice = latticeOf([`- axes: { ${axes} }`, "- set: { weight_bits: 3 }"]);
  expect(lattice.points).toBe(2 * 64 * 256 * 256 + 1);
  for (const index of [0, 1, 255, 256, 5_000_000, lattice.size - 1]) {
    const point = lattice.pointAt(lattice.at(index))!;
    expect(point.index).toBe(index + 1);
  }
  expect(lattice.pointAt(lattice.at(256))!.changes).toBe(
    "weight_bits=8 pwl_pieces=1 mac.rows=2 mac.columns=1".replace("weight_bits=8 ", ""),
  );
});

test.each([
  ["one point", ["- {}", "- set: { weight_bits: 8 }"], "x.yaml: has one point: nothing is to be searched"],
  [
    "a constraint that leaves nothing",
    ["- { axes: { weight_bits: [8, 4] }, where: weight_bits > 8 }"],
    "x.yaml: where: leaves none of 2 combinations",
  ],
  [
    "a constraint that makes no sense",
    ["- { axes: { weight_bits: [8, 4] }, where: weight_bits + 1 }"],
    "x.yaml: line 6, column 38: points.0.where: weight_bits + 1 is 9, not true or false",
  ],
  [
    "nothing that can be built",
    ["- { axes: { weight_bits: [8, 4] }, set: { acc.bits: 40, requant.multiplierBits: 28 } }"],
    "x.yaml: no point of it can be built: edge16x16: requant.multiplierBits: 28 bits times an accumulator of 40",
  ],
  [
    "models with other metrics",
    ["- axes: { model: [g2p, lm-ln] }"],
    "x.yaml: lm-ln has other metrics than g2p, and a sweep's rows the same",
  ],
])("%s is refused in a line", (_, points, sentence) => {
  expect(refusalOf(points).startsWith(sentence), refusalOf(points)).toBe(true);
  expect(refusalOf(points)).not.toContain("\n");
});
