import { describe, expect, test } from "vitest";
import { type Plan, runSweep } from "../../src/sweep/run.ts";
import { cellOf, experimentOf, refusalOfPoints } from "./lab.ts";

test("what is run may be an axis: model, seed, calibration and mapper", () => {
  const { points } = experimentOf([
    "- axes: { model: [g2p, g2p-mad], seed: [1, 2], calibration: [5, 9], mapper: [fixed, search] }",
  ]);
  expect(points).toHaveLength(16);
  const { subject, mapper } = points.at(-1)!;
  expect({ ...subject, folder: "", mapper }).toEqual({
    ...{ model: "g2p-mad", split: "test", samples: 3, seed: 2, calibration: 9 },
    ...{ folder: "", mapper: "search" },
  });
  expect(points.every(({ changes }) => changes === "")).toBe(true);
});

test("the command line says over it", () => {
  const points = ["- axes: { seed: [1, 2], mapper: [fixed, search] }"];
  expect(experimentOf(points, { sets: { seed: 7 }, mapper: "fixed" }).points).toMatchObject([
    { subject: { seed: 7 }, mapper: "fixed" },
  ]);
  expect(experimentOf(points, { model: "g2p-ln" }).points[0]).toMatchObject({ subject: { model: "g2p-ln" } });
});

test("each point is what it would be in a sweep of its own", async () => {
  const rowsOf = async (points: readonly string[]) => {
    const { rows } = await runSweep(experimentOf(points), { workers: 0 });
    const names = [
      "model",
      "seed",
      "calibration_words",
      "mapper",
      "phones_differ_pct",
      "cycles",
      "data_hash",
    ];
    return rows.map((row) =>
      names.filter((name) => name !== "phones_differ_pct").map((name) => cellOf(row, name)),
    );
  };
  const together = await rowsOf(["- axes: { seed: [1, 2], model: [g2p, g2p-ln] }"]);
  const alone = [];
  for (const seed of [1, 2])
    for (const model of ["g2p", "g2p-ln"])
      alone.push(...(await rowsOf([`- set: { seed: ${seed}, model: ${model} }`])));
  expect(together).toEqual(alone);
  expect(new Set(together.map(String)).size).toBe(4);
});

test("the real-valued model runs once, whatever calibrates the integers", async () => {
  const labels: string[] = [];
  const onProgress = (_done: number, _total: number, label: string) => labels.push(label);
  await runSweep(experimentOf(["- axes: { seed: [21, 22], calibration: [5, 6] }"]), {
    workers: 0,
    onProgress,
  });
  expect(labels.filter((label) => label === "the real-valued reference")).toHaveLength(1);
});

test("one execution serves both mappers, whose programs give the same results", async () => {
  let plan: Plan | undefined;
  const labels: string[] = [];
  const { rows } = await runSweep(experimentOf(["- axes: { seed: [11], mapper: [fixed, search] }"]), {
    workers: 0,
    onPlan: (told) => {
      plan = told;
    },
    onProgress: (_done, _total, label) => labels.push(label),
  });
  expect(plan).toMatchObject({ points: 2, numerics: { distinct: 1 }, timings: { distinct: 2 } });
  expect(labels).toEqual([
    "the real-valued reference",
    "defaults on edge16x16",
    "defaults on edge16x16: cycles",
  ]);
  expect(cellOf(rows[0]!, "per_pct")).toBe(cellOf(rows[1]!, "per_pct"));
  expect(cellOf(rows[0]!, "mapper")).toBe("fixed");
  expect(Number(cellOf(rows[1]!, "cycles"))).toBeLessThanOrEqual(Number(cellOf(rows[0]!, "cycles")));
});

describe("refused", () => {
  test.each([
    ["axes: { model: [g2p, g3p] }", '"g3p" is not one of g2p'],
    [
      "axes: { model: [g2p, lm-ln] }",
      "points: lm-ln has other metrics than g2p, and a sweep's rows the same",
    ],
    ["axes: { calibration: [5, 7000] }", "g2p: calibration: 7000 is not an integer in 1 … 6083 words"],
    ["axes: { mapper: [best] }", '"best" is not one of fixed, search'],
  ])("%s", (group, message) => {
    expect(refusalOfPoints([`- ${group}`])).toContain(message);
  });
});
