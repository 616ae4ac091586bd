import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { experimentOf, refusalOfPoints } from "./lab.ts";

const changesOf = (points: readonly string[]): string[] =>
  experimentOf(points).points.map(({ arch, changes }) => `${arch.name} ${changes}`.trimEnd());

describe("ranges", () => {
  test.each([
    ["cell_bits: { from: 8, to: 14, step: 3 }", [8, 11, 14]],
    ["cell_bits: { from: 8, to: 13, step: 3 }", [8, 11]],
    ["weight_bits: { from: 4, to: 2 }", [4, 3, 2]],
    ["pwl_pieces: { from: 4, to: 32, times: 2 }", [4, 8, 16, 32]],
    ["pwl_pieces: { from: 32, to: 5, times: 2 }", [32, 16, 8]],
    ["weight_bits: { from: 5, to: 5 }", [5]],
    ["tuning_distill: { from: 0, to: 1, step: 0.1 }", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]],
  ])("%s", (axis, values) => {
    const name = axis.split(":")[0]!;
    const { points } = experimentOf([`- axes: { ${axis} }`]);
    expect(points.map(({ recipe }) => recipe[name as "cell_bits"])).toEqual(values);
  });

  test("both ends count, every step is the same, and there is no value beyond", () => {
    const bits = fc.integer({ min: 2, max: 16 });
    fc.assert(
      fc.property(bits, bits, fc.integer({ min: 1, max: 5 }), (from, to, step) => {
        const { points } = experimentOf([
          `- axes: { cell_bits: { from: ${from}, to: ${to}, step: ${step} } }`,
        ]);
        const values = points.map(({ recipe }) => recipe.cell_bits);
        expect(values[0]).toBe(from);
        expect(values.slice(1).map((value, i) => Math.abs(value - values[i]!))).toEqual(
          values.slice(1).map(() => step),
        );
        const left = Math.abs(to - values.at(-1)!);
        expect(left).toBeLessThan(step);
        expect(left).toBe(Math.abs(to - from) % step);
      }),
      { numRuns: 30 },
    );
  });

  test.each([
    ["cell_bits: { from: 8 }", "cell_bits: a range says from and to; there is no to"],
    ["cell_bits: { from: 8, to: 40 }", "cell_bits.to: 40 is not an integer in 2 … 16 bit"],
    ["cell_bits: { from: 8, to: 12, step: 0 }", "cell_bits.step: 0 is not a number above 0"],
    ["cell_bits: { from: 8, to: 12, step: 1.5 }", "cell_bits: 9.5 is not an integer in 2 … 16 bit"],
    ["cell_bits: { from: 8, to: 12, times: 1 }", "cell_bits.times: 1 is not a number above 1"],
    [
      "cell_bits: { from: 8, to: 12, step: 1, times: 2 }",
      "cell_bits: a range has a step or a factor (times), not both",
    ],
    ["cell_bits: { from: 8, till: 12 }", "cell_bits.till: no such key"],
    ["tuning_rate: { from: 0, to: 1, times: 2 }", "no factor leads from or to what is not above 0"],
    ["tuning_rate: { from: 0, to: 1, step: 0.00001 }", "a range of more than 10000 values"],
    ["pwl_method: { from: 1, to: 2 }", "a range is of numbers; this parameter takes words"],
  ])("refused: %s", (axis, message) => {
    expect(refusalOfPoints([`- axes: { ${axis} }`])).toContain(message);
  });
});

describe("parameters that change together", () => {
  test("are one axis, slower than the others", () => {
    expect(
      changesOf(["- { zip: { mac.rows: [8, 32], mac.columns: [32, 8] }, axes: { weight_bits: [8, 4] } }"]),
    ).toEqual([
      "edge16x16 mac.rows=8 mac.columns=32",
      "edge16x16 weight_bits=4 mac.rows=8 mac.columns=32",
      "edge16x16 mac.rows=32 mac.columns=8",
      "edge16x16 weight_bits=4 mac.rows=32 mac.columns=8",
    ]);
  });

  test("machines and recipes may be among them, and ranges", () => {
    const { points } = experimentOf([
      "- zip: { arch: [edge8x8, dot16x16], recipe: [irnn, pulp], weight_bits: { from: 8, to: 7 } }",
    ]);
    expect(points.map((point) => [point.arch.name, point.recipeName, point.recipe.weight_bits])).toEqual([
      ["edge8x8", "irnn", 8],
      ["dot16x16", "pulp", 7],
    ]);
  });

  test("several of them", () => {
    const zips = "[{ weight_bits: [8, 4], cell_bits: [16, 8] }, { mac.rows: [8, 32], mac.columns: [8, 32] }]";
    expect(experimentOf([`- zip: ${zips}`]).points).toHaveLength(4);
  });

  test.each([
    [
      "zip: { weight_bits: [8, 4], cell_bits: [8] }",
      "zip: cell_bits has 1 values and weight_bits 2: they change together",
    ],
    ["{ zip: { weight_bits: [8, 4] }, axes: { weight_bits: [3] } }", "points.0: weight_bits is on two axes"],
    ["zip: { weight_bit: [8, 4] }", "zip.weight_bit: no such parameter; did you mean weight_bits?"],
    ["zip: {}", "zip: names no parameter"],
  ])("refused: %s", (group, message) => {
    expect(refusalOfPoints([`- ${group}`])).toContain(message);
  });
});

describe("constraints", () => {
  const GRID = "axes: { mac.rows: [8, 16, 32], mac.columns: [8, 16, 32] }";

  test("leave the combinations that they hold of, numbered without gaps", () => {
    const { points } = experimentOf([`- { ${GRID}, where: mac.rows * mac.columns == 256 }`]);
    expect(points.map(({ index, changes }) => [index, changes])).toEqual([
      [1, "mac.rows=8 mac.columns=32"],
      [2, ""],
      [3, "mac.rows=32 mac.columns=8"],
    ]);
  });

  test("see files, defaults and what is run", () => {
    const some = (where: string) =>
      experimentOf([
        `- { arch: [edge8x8, edge16x16], axes: { weight_bits: [8, 4], mapper: [fixed, search] }, where: ${where} }`,
      ]).points.length;
    expect(some("arch == 'edge8x8'")).toBe(4);
    expect(some("mac.rows == 8 and weight_bits == 4")).toBe(2);
    expect(some("mapper == 'search' and recipe == 'irnn'")).toBe(4);
    expect(some("[weight_bits < pwl_pieces, \"model in ['g2p']\", cell_bits == 16]")).toBe(8);
  });

  test("keep what no machine can be built for from being built", () => {
    const axes = "axes: { acc.bits: [32, 48], requant.multiplierBits: [8, 20] }";
    expect(refusalOfPoints([`- ${axes}`])).toContain("exceed the 64-bit product");
    expect(
      experimentOf([`- { ${axes}, where: acc.bits + requant.multiplierBits < 64 }`]).points,
    ).toHaveLength(3);
  });

  test.each([
    ["mac.rows > 64", "points.0: where: leaves none of 9 combinations"],
    ["mac.rows", "points.0.where: mac.rows is 16, not true or false"],
    ["mac.rows and true", "points.0.where: and takes true or false, not 16"],
    ["mac.row > 3", "points.0.where: no such name as mac.row; did you mean mac.rows?"],
    ["mac.rows >", 'points.0.where: "mac.rows >" is no expression'],
    ["[]", "points.0.where: an empty list has no constraints"],
  ])("refused: %s", (where, message) => {
    expect(refusalOfPoints([`- { ${GRID}, where: ${where} }`])).toContain(message);
  });
});

test("a grid that nobody could run is refused before it is made", () => {
  const many = "{ from: 1, to: 1000 }";
  const axes = `axes: { calibration: ${many}, seed: ${many}, tuning_seed: ${many} }`;
  expect(refusalOfPoints([`- ${axes}`])).toContain(
    "points.0: axes: 1000000000 combinations; a sweep takes 1000000 at most",
  );
});
