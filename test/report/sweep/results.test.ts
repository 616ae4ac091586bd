import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCsv } from "../../../src/report/csv.ts";
import { filterRows } from "../../../src/report/sweep/filter.ts";
import { pack, packTexts, unpack, unpackTexts } from "../../../src/report/sweep/pack.ts";
import { paretoFront } from "../../../src/report/sweep/pareto.ts";
import {
  axesOf,
  cyclesOf,
  figuresOf,
  floatOf,
  meritOf,
  wholesOf,
} from "../../../src/report/sweep/results.ts";
import { slicesOf } from "../../../src/report/sweep/slices.ts";
import { resultsIn, smoke, tableOf, tenThousandPoints } from "./lab.ts";

describe("the Pareto front", () => {
  const better = fc.constantFrom("lower" as const, "higher" as const, undefined);
  // Few values, so that many are equal.
  const points = fc.array(fc.tuple(fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 })), {
    minLength: 1,
    maxLength: 40,
  });

  test("has no point that another dominates, and every other point is dominated by one of it", () => {
    fc.assert(
      fc.property(points, better, better, (pairs, betterX, betterY) => {
        const objective = (c: 0 | 1, better: "lower" | "higher" | undefined) => ({
          numbers: pairs.map((pair) => pair[c]),
          ...(better && { better }),
        });
        const [x, y] = [objective(0, betterX), objective(1, betterY)];
        const gain = (better: string | undefined, a: number, b: number) =>
          better === "higher" ? a - b : b - a;
        const dominates = (a: number, b: number) => {
          const gains = [
            gain(betterX, x.numbers[a]!, x.numbers[b]!),
            gain(betterY, y.numbers[a]!, y.numbers[b]!),
          ];
          return gains.every((one) => one >= 0) && gains.some((one) => one > 0);
        };
        const rows = [...pairs.keys()];
        const front = paretoFront(x, y, rows);
        expect(front.length).toBeGreaterThan(0);
        expect(new Set(front).size).toBe(front.length);
        for (const row of rows) {
          if (front.includes(row)) expect(rows.some((other) => dominates(other, row))).toBe(false);
          else expect(front.some((other) => dominates(other, row))).toBe(true);
        }
        for (let i = 1; i < front.length; i++)
          expect(gain(betterX, x.numbers[front[i - 1]!]!, x.numbers[front[i]!]!)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("is chosen among the rows that are asked about", () => {
    const [x, y] = [{ numbers: [1, 2, 3] }, { numbers: [1, 2, 1] }];
    expect(paretoFront(x, y, [0, 1, 2])).toEqual([0]);
    expect(paretoFront(x, y, [1, 2])).toEqual([1, 2]);
    expect(paretoFront(x, y, [])).toEqual([]);
  });
});

describe("results", () => {
  test("know the figures that people ask for first, and the float model's", () => {
    const results = resultsIn(smoke());
    expect(meritOf(results)?.name).toBe("per_pct");
    expect(cyclesOf(results)?.name).toBe("cycles_per_word");
    expect(floatOf(results, meritOf(results)!)).toBe(11.4286);
    expect(axesOf(results).map(({ name }) => name)).toContain("arch");
    expect(figuresOf(results).map(({ name }) => name)).not.toContain("words");
    expect(wholesOf(results).map(({ whole }) => whole.name)).toEqual([
      "cycles_per_word",
      "energy_uj_per_word",
    ]);
  });

  test("show parameters that only the changes tell of", () => {
    const changes = ["", "pwl.symmetry=point cell_bits=8"];
    const results = resultsIn(tableOf(changes.map((text) => ({ changes: text, cell_bits: 16 }))));
    const added = results.fields.slice(smoke().header.length);
    expect(added.map(({ name, texts }) => [name, texts])).toEqual([["pwl.symmetry", ["", "point"]]]);
    expect(results.names).toEqual(["as its files", "pwl.symmetry=point cell_bits=8"]);
  });

  test("take columns that nothing is known of: numbers as figures, words as words", () => {
    const { header, rows } = smoke();
    const more = { header: [...header, "mine", "note"], rows: rows.map((row, i) => [...row, `${i}.5`, "x"]) };
    const results = resultsIn(more);
    expect(figuresOf(results).map(({ name }) => name)).toContain("mine");
    expect(results.fields.at(-1)!.numbers).toBeUndefined();
  });

  test.each([
    ["point,cycles\n1,2\n", "x.csv: not a CSV that sweep wrote: no column experiment, model, arch, changes"],
    [`${smoke().header.join(",")}\n`, "x.csv: a header, and no points"],
    ["", "x.csv: an empty file, without a header"],
  ])("%# of a CSV that is not a sweep's is refused", (text, problem) => {
    expect(() => resultsIn(parseCsv(text, "x.csv"))).toThrow(problem);
  });

  test("a number beyond all bounds is no number to draw", () => {
    const results = resultsIn(tableOf([{ cycles: "9".repeat(400) }, { cycles: 1 }]));
    expect(results.fields.find(({ name }) => name === "cycles")?.numbers).toBeUndefined();
  });
});

describe("packing", () => {
  test("gives back every text", () => {
    const word = fc.oneof(
      fc.constantFrom("0", "-0", "1", "1.0", "1.50", "007", "1e3", "", "a", "-0.0"),
      fc.string(),
      fc.double().map(String),
      fc.integer().map((value) => (value / 1000).toFixed(3)),
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 60 }), (texts) => {
        expect(unpackTexts(packTexts(texts), texts.length)).toEqual(texts);
      }),
    );
  });

  test("gives back results, from JSON", () => {
    for (const table of [smoke(), tenThousandPoints()]) {
      const results = resultsIn(table);
      expect(unpack(JSON.parse(JSON.stringify(pack(results))))).toEqual(results);
    }
  });
});

describe("a filter", () => {
  const results = resultsIn(
    tableOf([
      { arch: "edge8x8", changes: "weight_bits=4", weight_bits: 4, per_pct: "12.0000" },
      { arch: "edge8x8", changes: "", weight_bits: 8, per_pct: "10.0000" },
      { arch: "dot16x16", changes: "mac.rows=9", rows: 9, per_pct: "9.0000" },
    ]),
  );

  test.each([
    ["", [0, 1, 2]],
    ["per_pct<10", [2]],
    ["per_pct<=10.0", [1, 2]],
    ["per_pct!=10", [0, 2]],
    ["weight_bits=4", [0]],
    ["arch=EDGE8X8 per_pct>11", [0]],
    ["arch!=edge8x8", [2]],
    ["DOT16", [2]],
    ["mac.rows=9", [2]],
    ["nothing", []],
  ])("%j passes %j", (question, rows) => {
    expect(filterRows(results, question)).toEqual({ rows });
  });

  test.each([
    ["per_pc<1", "no column per_pc; did you mean per_pct?"],
    ["per_pct<", "per_pct takes a number after <"],
    ["per_pct<x", "per_pct takes a number after <"],
  ])("%j is told what is wrong with it", (question, problem) => {
    expect(filterRows(results, question)).toEqual({ problem });
  });
});

test("a slice holds all else still: one setting differs between its points, and nothing else that was chosen", () => {
  const settings = fc.record({
    weight_bits: fc.constantFrom(4, 6, 8),
    pwl_pieces: fc.constantFrom(4, 8),
    cell_bits: fc.constantFrom(8, 16),
  });
  fc.assert(
    fc.property(fc.array(settings, { minLength: 2, maxLength: 20 }), (chosen) => {
      const changes = (one: object) =>
        Object.entries(one)
          .map((pair) => pair.join("="))
          .join(" ");
      const results = resultsIn(
        tableOf(chosen.map((one, i) => ({ ...one, changes: changes(one), per_pct: i }))),
      );
      const [x] = axesOf(results);
      if (x === undefined) return;
      const others = axesOf(results).filter((field) => field !== x);
      const rows = [...chosen.keys()];
      for (const slice of slicesOf(results, { x, y: meritOf(results)!, rows })) {
        expect(slice.length).toBeGreaterThan(1);
        expect(new Set(slice.map((row) => x.texts[row])).size).toBe(slice.length);
        for (const { texts } of others) expect(new Set(slice.map((row) => texts[row])).size).toBe(1);
      }
    }),
  );
});
