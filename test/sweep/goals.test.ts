import { describe, expect, test } from "vitest";
import { figuresOf, pricedOf, readGoals, UNEXECUTED } from "../../src/sweep/goals.ts";
import { runPoint } from "../../src/sweep/point-report.ts";
import { COLUMNS, cellOf, experimentOf } from "./lab.ts";

const experiment = experimentOf(["- {}"]);
const { row } = runPoint(experiment, experiment.points[0]!);
const value = (name: string) => Number(cellOf(row, name));
const goals = (objectives: string, ...constraints: string[]) => readGoals(COLUMNS, objectives, constraints);

describe("objectives", () => {
  test("are columns, turned so that lower is better", () => {
    expect(figuresOf(goals("per_pct, agreement_pct,cycles"), row).objectives).toEqual([
      value("per_pct"),
      -value("agreement_pct"),
      value("cycles"),
    ]);
    expect(figuresOf(goals("max:per_pct,min:agreement_pct,min:saturations"), row).objectives).toEqual([
      -value("per_pct"),
      value("agreement_pct"),
      value("saturations"),
    ]);
  });

  test("that ask for an accuracy are open before it is there", () => {
    const priced = pricedOf(goals("per_pct,cycles,max:saturations,energy_uj"), {
      ...row,
      accuracy: UNEXECUTED,
    });
    expect(priced).toEqual({
      objectives: [undefined, value("cycles"), undefined, value("energy_uj")],
      violation: 0,
    });
  });
});

describe("constraints", () => {
  const violation = (...constraints: string[]) => figuresOf(goals("cycles", ...constraints), row).violation;

  test("that are kept are broken by nothing", () => {
    expect(violation("cycles > 0 and rows == 16", "arch == 'edge16x16'", "mac.columns <= 16")).toBe(0);
  });

  test("that compare are broken by as much as the sides are apart, in parts of the right one", () => {
    expect(violation("mac.rows <= 8")).toBe(1);
    expect(violation("mac.rows >= 64")).toBe(0.75);
    expect(violation("mac.rows - 16 > 2", "mac.rows < 8")).toBe(2);
    expect(violation("mac.rows < 16")).toBeGreaterThan(0);
    expect(violation("mac.rows <= 0")).toBe(16);
  });

  test("of any other form are broken by 1", () => {
    expect(violation("mac.rows == 8")).toBe(1);
    expect(violation("mac.rows <= 8 or mac.rows >= 999")).toBe(1);
  });

  test("that ask for an accuracy are left open before it is there, others are not", () => {
    const constraints = ["per_pct < 0", "mac.rows <= 8", "cycles < 1 or per_pct < 0"];
    const priced = pricedOf(goals("cycles", ...constraints), { ...row, accuracy: UNEXECUTED });
    expect(priced.violation).toBe(1);
  });
});

test.each([
  ["per_pc", [], "--objectives: no such column as per_pc; did you mean per_pct?"],
  ["cycles,min:cycles", [], "--objectives: cycles is given twice"],
  ["least:cycles", [], "--objectives: least is no direction, only min and max"],
  ["saturations", [], "--objectives: saturations has no better side: say min:saturations or max:saturations"],
  ["", [], "--objectives: no such column as "],
  ["min:dataflow", [], '--objectives: dataflow is "weight-stationary", which is no number'],
  ["cycles", ["cycle < 3"], "--constraint: no such name as cycle; did you mean cycles?"],
  [
    "cycles",
    ["cycles <"],
    '--constraint: "cycles <" is no expression: Expected expression after < at character 8',
  ],
  ["cycles", ["cycles + 1"], `--constraint: cycles + 1: is ${value("cycles") + 1}, not true or false`],
  ["cycles", ["arch < 3"], '--constraint: arch < 3: < takes numbers, not "edge16x16"'],
])("of %s under %j: %s", (objectives, constraints, sentence) => {
  expect(() => figuresOf(goals(objectives, ...constraints), row)).toThrow(sentence);
});
