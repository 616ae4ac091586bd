import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MODELS } from "../../src/model/table.ts";
import { compareCsv, parseTolerance } from "../../src/report/compare.ts";
import { columnsOf, FACTS } from "../../src/sweep/columns.ts";

const HEADER = "point,arch,recipe,changes,per_pct,cycles";
const csv = (...rows: readonly string[]): string => `${[HEADER, ...rows].join("\n")}\n`;
const compare = (a: string, b: string, tolerances: Readonly<Record<string, string>> = {}, keys?: string[]) =>
  compareCsv(a, b, "a.csv", "b.csv", {
    facts: FACTS,
    tolerances: new Map(Object.entries(tolerances).map(([name, text]) => [name, parseTolerance(text)!])),
    keys,
  });

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
      verdict: "worse",
      moves: [
        { column: "per_pct", from: "11.5000", to: "11.2500", by: "-0.2500", verdict: "better" },
        { column: "cycles", from: "400", to: "1400", by: "+1000", verdict: "worse" },
      ],
    },
  ]);
  expect(comparison.text).toMatchInlineSnapshot(`
    "1 row equal, 1 moved: 1 worse

    point 2: edge weight_bits=4
      per_pct  11.5000 -> 11.2500  -0.2500    -2.2%  better
      cycles       400 -> 1400       +1000  +250.0%  worse
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
  expect(row?.moves).toEqual([{ column: "dataflow", from: "dot", to: "systolic", verdict: "moved" }]);
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

describe("better and worse", () => {
  const rows = (per: string, cycles: string) => csv(`1,edge,r1,,${per},${cycles}`);

  test("go by what the column says", () => {
    const verdictsOf = (per: string, cycles: string) => {
      const { worse, moved } = compare(rows("10.0", "500"), rows(per, cycles));
      return [worse, moved[0]?.verdict];
    };
    expect(verdictsOf("9.0", "500")).toEqual([false, "better"]);
    expect(verdictsOf("11.0", "500")).toEqual([true, "worse"]);
    expect(verdictsOf("9.0", "501")).toEqual([true, "worse"]);
    expect(verdictsOf("10.0", "500")).toEqual([false, undefined]);
    const speedups = (value: string) => `arch,speedup_fp32\nedge,${value}\n`;
    expect(compare(speedups("2.0"), speedups("1.9")).worse).toBe(true);
    expect(compare(speedups("2.0"), speedups("2.1")).worse).toBe(false);
  });

  test("what has no direction is neither, unless it leaves a tolerance that it was given", () => {
    const before = "arch,saturations\nedge,100\n";
    for (const to of ["80", "120"]) {
      const after = before.replace("100", to);
      expect(compare(before, after)).toMatchObject({ worse: false, moved: [{ verdict: "moved" }] });
      expect(compare(before, after, { saturations: "20" })).toMatchObject({
        worse: false,
        within: 1,
        moved: [],
      });
      expect(compare(before, after, { saturations: "19%" })).toMatchObject({ worse: true });
    }
  });

  test("a result that is no number any more is worse", () => {
    expect(compare(rows("10", "500"), rows("", "500"))).toMatchObject({ worse: true });
    expect(compare(rows("", "500"), rows("10", "500"))).toMatchObject({ worse: false, equal: false });
  });

  test("a row or a result that is gone is worse, one that is new is not", () => {
    expect(compare(csv(BASE, FOUR), csv(BASE))).toMatchObject({ worse: true, equal: false });
    expect(compare(csv(BASE), csv(BASE, FOUR))).toMatchObject({ worse: false, equal: false });
    const [less, more] = ["arch,cycles\nedge,1\n", "arch,cycles,energy_uj\nedge,1,2\n"];
    expect(compare(more, less)).toMatchObject({ worse: true, columnsOnlyInA: ["energy_uj"] });
    expect(compare(less, more)).toMatchObject({ worse: false, columnsOnlyInB: ["energy_uj"] });
  });

  test("what lies on the border of a tolerance is within it, in exact decimals", () => {
    const digits = fc.integer({ min: -1_000_000, max: 1_000_000 });
    const decimal = (value: number) => {
      const text = String(Math.abs(value)).padStart(4, "0");
      return `${value < 0 ? "-" : ""}${text.slice(0, -3)}.${text.slice(-3)}`;
    };
    fc.assert(
      fc.property(digits, fc.nat(1_000_000), (from, distance) => {
        const before = `arch,cycles\nedge,${decimal(from)}\n`;
        const after = `arch,cycles\nedge,${decimal(from + distance)}\n`;
        const within = (cycles: string) => !compare(before, after, { cycles }).worse;
        expect(within(decimal(distance))).toBe(true);
        if (distance > 0) expect(within(decimal(distance - 1))).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat(300), (hundreds, percent) => {
        const [from, to] = [100 * hundreds, (100 + percent) * hundreds];
        const within = (cycles: string) =>
          !compare(`arch,cycles\ne,${from}\n`, `arch,cycles\ne,${to}\n`, { cycles }).worse;
        expect(within(`${percent}%`)).toBe(true);
        if (percent > 0) expect(within(`${percent - 1}.99%`)).toBe(false);
      }),
    );
  });

  test("no relative tolerance leaves room around 0", () => {
    const before = "arch,cycles\nedge,0\n";
    expect(compare(before, "arch,cycles\nedge,1\n", { cycles: "50%" }).worse).toBe(true);
    expect(compare(before, "arch,cycles\nedge,0.0\n", { cycles: "50%" })).toMatchObject({ within: 1 });
  });

  test("several rows are summed up by column, with the worst move of each", () => {
    const before = csv(BASE, FOUR, "3,edge,r3,cell_bits=8,12.0,300");
    const after = csv(
      "1,edge,r1,,10.5000,480",
      FOUR.replace(",400", ",402"),
      "3,edge,r3,cell_bits=8,14.0,290",
    );
    const comparison = compare(before, after, { cycles: "1%" });
    expect(comparison).toMatchObject({ same: 0, within: 1 });
    expect(comparison.text).toMatchInlineSnapshot(`
      "0 rows equal, 1 within tolerance, 2 moved: 2 worse

      column   tolerance  worse  moved  better  within  worst
      -------  ---------  -----  -----  ------  ------  ------------------------------
      per_pct  0              2      0       0       0  +2.0 point 3: edge cell_bits=8
      cycles   1%             0      0       2       1  -

      point 1: edge
        per_pct  10.0000 -> 10.5000  +0.5000  +5.0%  worse
        cycles       500 -> 480          -20  -4.0%  better

      point 3: edge cell_bits=8
        per_pct  12.0 -> 14.0  +2.0  +16.7%  worse
        cycles    300 -> 290    -10   -3.3%  better
      "
    `);
  });
});

test("rows of another kind are matched by the columns that are named", () => {
  const before = "curve,pieces,max_error\ntanh,4,1\ntanh,8,2\n";
  const after = "curve,pieces,max_error\ntanh,8,2\ntanh,4,3\n";
  expect(compare(before, after, {}, ["curve", "pieces"])).toMatchObject({
    same: 1,
    moved: [{ moves: [{ column: "max_error", by: "+2" }] }],
  });
});

test("a column that is asked for and not there is refused, with the file that lacks it", () => {
  const [a, b] = [csv(BASE), "arch,changes\nedge,\n"];
  expect(() => compare(a, a, { cycle: "1" })).toThrow("a.csv: no column cycle; did you mean cycles?");
  expect(() => compare(a, b, { cycles: "1" })).toThrow("b.csv: no column cycles");
  expect(() => compare(a, a, {}, ["curve"])).toThrow("a.csv: no column curve");
});

test.each(["", "x", "-1", "1e3", "%", "-0.5%", "1 %"])("%j is no tolerance", (text) => {
  expect(parseTolerance(text)).toBeUndefined();
});

test("columns of one name say the same of it in every model", () => {
  for (const model of Object.values(MODELS)) {
    for (const { name, better, role } of columnsOf(model)) {
      const facts = FACTS.get(name);
      expect([name, facts?.better, facts?.role]).toEqual([name, better, role]);
    }
  }
});
