import { expect, test } from "vitest";
import { MODELS } from "../../src/model/table.ts";
import { compareCsv, IDENTITY } from "../../src/report/compare.ts";
import { columnsOf } from "../../src/sweep/columns.ts";

const HEADER = "point,arch,recipe,changes,per_pct,cycles";
const csv = (...rows: readonly string[]): string => `${[HEADER, ...rows].join("\n")}\n`;
const compare = (a: string, b: string) => compareCsv(a, b, "a.csv", "b.csv");

const BASE = "1,edge,r1,,10.0000,500";
const FOUR = "2,edge,r2,weight_bits=4,11.5000,400";

test("equal files are equal, and say so", () => {
  const comparison = compare(csv(BASE, FOUR), csv(BASE, FOUR));
  expect(comparison).toMatchObject({ equal: true, same: 2, moved: [], onlyInA: [], onlyInB: [] });
  expect(comparison.text).toBe("2 rows equal, 0 moved\n");
});

test("a row that moved says by how much, with the decimals of the column", () => {
  const comparison = compare(csv(BASE, FOUR), csv(BASE, "2,edge,r2,weight_bits=4,11.2500,1400"));
  expect(comparison.equal).toBe(false);
  expect(comparison.moved).toEqual([
    {
      row: "point 2: edge weight_bits=4",
      moves: [
        { column: "per_pct", from: "11.5000", to: "11.2500", by: "-0.2500" },
        { column: "cycles", from: "400", to: "1400", by: "+1000" },
      ],
    },
  ]);
  expect(comparison.text).toMatchInlineSnapshot(`
    "1 row equal, 1 moved

    point 2: edge weight_bits=4
      per_pct  11.5000 -> 11.2500  -0.2500
      cycles       400 -> 1400     +1000
    "
  `);
});

test("the order of rows and the numbers of points play no part", () => {
  expect(compare(csv(BASE, FOUR), csv(FOUR.replace("2,", "1,"), BASE.replace("1,", "2,"))).equal).toBe(true);
});

test("rows on one side alone are listed for each side", () => {
  const comparison = compare(csv(BASE, FOUR), csv(BASE, "2,edge,r9,cell_bits=8,1,1"));
  expect(comparison).toMatchObject({
    equal: false,
    same: 1,
    onlyInA: ["point 2: edge weight_bits=4"],
    onlyInB: ["point 2: edge cell_bits=8"],
  });
  expect(comparison.text).toMatchInlineSnapshot(`
    "1 row equal, 0 moved

    1 row only in a.csv
      point 2: edge weight_bits=4

    1 row only in b.csv
      point 2: edge cell_bits=8
    "
  `);
});

test("columns on one side alone make a difference, those that both have are compared", () => {
  const comparison = compare("arch,cycles,old\nedge,1,2\n", "arch,cycles,new\nedge,1,2\n");
  expect(comparison).toMatchObject({
    equal: false,
    same: 1,
    columnsOnlyInA: ["old"],
    columnsOnlyInB: ["new"],
  });
});

test("words that differ have no difference", () => {
  const [row] = compare("arch,dataflow\nedge,dot\n", "arch,dataflow\nedge,systolic\n").moved;
  expect(row?.moves).toEqual([{ column: "dataflow", from: "dot", to: "systolic" }]);
});

test("of rows with one identity the first is the first, the second the second", () => {
  const comparison = compare("arch,cycles\ne,1\ne,2\n", "arch,cycles\ne,1\ne,3\ne,4\n");
  expect(comparison).toMatchObject({ same: 1, onlyInA: [] });
  expect(comparison.moved.map(({ moves }) => moves[0]?.by)).toEqual(["+1"]);
  expect(comparison.onlyInB).toHaveLength(1);
});

test("a file that is no CSV is named", () => {
  expect(() => compare(csv(BASE), "")).toThrow("b.csv: an empty file, without a header");
});

test("every column of the identity is a column of a sweep", () => {
  expect(columnsOf(MODELS.g2p).map(({ name }) => name)).toEqual(expect.arrayContaining([...IDENTITY]));
});
