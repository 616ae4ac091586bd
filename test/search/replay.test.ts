import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { svgFile } from "../../src/report/drawing.ts";
import { drawGrowth } from "../../src/report/growth.ts";
import type { Method } from "../../src/search/search.ts";
import { loadExperiment } from "../../src/sweep/experiment.ts";
import { runPoint } from "../../src/sweep/point-report.ts";
import { cellOf } from "../sweep/lab.ts";
import { Grid, type Run } from "./replay.ts";

const SEEDS = 25;
/** So many that the median search has 99 % of the front. */
const BUDGETS: Readonly<Record<Method, number>> = {
  nsga2: 100,
  "random-screened": 100,
  "nsga2-unscreened": 600,
  random: 600,
};
const METHODS = Object.keys(BUDGETS) as Method[];
const PARTS = [0.9, 0.95, 0.99];

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[(values.length - 1) / 2]!;
const firstAt = ({ growth }: Run, part: number): number => {
  const i = growth.findIndex((value) => value >= part);
  return i < 0 ? Number.POSITIVE_INFINITY : i + 1;
};

/** Every method with every seed, and medians of them. */
async function runsOn(grid: Grid) {
  const runs = new Map<Method, Run[]>();
  for (const method of METHODS) {
    const own: Run[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) own.push(await grid.replay(method, BUDGETS[method], seed));
    runs.set(method, own);
  }
  const medianOf = (method: Method, of: (run: Run) => number) => median(runs.get(method)!.map(of));
  const evaluations = (method: Method, part: number) => medianOf(method, (run) => firstAt(run, part));
  const executions = (method: Method, part: number) =>
    medianOf(method, (run) => run.executions[firstAt(run, part) - 1] ?? Number.POSITIVE_INFINITY);
  const lineOf = (method: Method) =>
    PARTS.map((part) => `${evaluations(method, part)} (${executions(method, part)})`).join(" | ");
  return { runs, medianOf, evaluations, lineOf };
}

const EXPERIMENT = "experiments/search-g2p.yaml";
const OTHER = "test/golden/search/g2p-ln-grid.yaml";

describe.each([
  [EXPERIMENT, "test/golden/search/g2p-grid.csv", 2471],
  [OTHER, "test/golden/search/g2p-ln-grid.csv", 777],
])("the recorded grid of %s", (path, csv, index) => {
  test("has a line for each point, and one that is looked at has what it measures today", () => {
    const grid = new Grid(path, csv);
    expect(grid.points).toBe(grid.lattice.points);
    const experiment = loadExperiment(path, { point: index });
    const { row } = runPoint(experiment, experiment.points.find((point) => point.index === index)!);
    const measured = ["per_pct", "cycles", "energy_uj"].map((name) => Number(cellOf(row, name)));
    expect(grid.figuresOf(index)).toEqual(measured);
  });
});

describe("a grid of 2,880 points whose front is known", async () => {
  const grid = new Grid(EXPERIMENT, "test/golden/search/g2p-grid.csv");
  const { runs, medianOf, evaluations, lineOf } = await runsOn(grid);

  test("has a front of few", () => {
    expect([grid.points, grid.front.length]).toEqual([2880, 51]);
  });

  test("is searched without asking for a point twice", () => {
    for (const [method, own] of runs) {
      for (const { evaluated } of own) {
        expect(evaluated.length, method).toBe(BUDGETS[method]);
        const asked = evaluated.map(({ candidate }) => grid.lattice.identify(candidate));
        expect(new Set(asked).size, method).toBe(asked.length);
      }
    }
  });

  test("takes as many evaluations, and executions, as the README says", () => {
    const lines = METHODS.map((method) => `${method} | ${lineOf(method)} |`);
    expect(lines).toMatchInlineSnapshot(`
      [
        "nsga2 | 16 (14) | 18 (16) | 38 (23) |",
        "random-screened | 17 (13) | 26 (20) | 56 (28) |",
        "nsga2-unscreened | 38 (23) | 65 (33) | 150 (44) |",
        "random | 58 (36) | 113 (51) | 382 (60) |",
      ]
    `);
    // Its rows, without what they say of the methods.
    const readme = readFileSync("README.md", "utf8").replace(/^\| `([\w-]+)`[^|]*\|/gm, "$1 |");
    for (const line of lines) expect(readme).toContain(`\n${line}\n`);
  });

  test("breeding with screening takes a quarter of what drawing at random does, or less", () => {
    for (const part of [0.95, 0.99])
      expect(4 * evaluations("nsga2", part), String(part)).toBeLessThanOrEqual(evaluations("random", part));
  });

  test("either half of it, breeding or screening, is better than neither", () => {
    for (const method of ["nsga2-unscreened", "random-screened"] as const)
      for (const part of PARTS)
        expect(evaluations(method, part), method).toBeLessThan(evaluations("random", part));
  });

  test("is drawn for the documentation as it is measured", async () => {
    const growths = METHODS.map((method) => ({
      name: method,
      values: Array.from({ length: BUDGETS[method] }, (_, i) => medianOf(method, ({ growth }) => growth[i]!)),
    }));
    const what = `% of the front's, median of ${SEEDS} seeds`;
    const chart = drawGrowth("search-g2p: hypervolume found", "points evaluated, of 2,880", what, growths);
    await expect(svgFile(chart.title, [chart])).toMatchFileSnapshot("../../docs/search.svg");
  });
});

describe("a grid that had no part in choosing how a search goes about", async () => {
  const grid = new Grid(OTHER, "test/golden/search/g2p-ln-grid.csv");
  const { evaluations, lineOf } = await runsOn(grid);

  test("is searched as well", () => {
    for (const part of [0.95, 0.99])
      expect(4 * evaluations("nsga2", part), String(part)).toBeLessThanOrEqual(evaluations("random", part));
    expect([
      `${grid.points} points, a front of ${grid.front.length}`,
      ...METHODS.map((method) => `${method} | ${lineOf(method)}`),
    ]).toMatchInlineSnapshot(`
      [
        "1024 points, a front of 25",
        "nsga2 | 21 (18) | 32 (21) | 68 (32)",
        "random-screened | 25 (19) | 41 (25) | 71 (35)",
        "nsga2-unscreened | 64 (34) | 90 (41) | 174 (53)",
        "random | 94 (51) | 211 (63) | 494 (64)",
      ]
    `);
  });
});
