import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { time } from "../../src/machine/timing.ts";
import { toCsv } from "../../src/report/csv.ts";
import { renderTable } from "../../src/report/table.ts";
import { loadExperiment } from "../../src/sweep/experiment.ts";
import { runPoint } from "../../src/sweep/point-report.ts";
import { type Row, runSweep } from "../../src/sweep/run.ts";
import { sampleOf, subjectOf } from "../../src/sweep/subject.ts";
import { temporaryFolder } from "../model/files.ts";
import { COLUMNS, cellOf, experimentOf } from "./lab.ts";

const csvOf = (rows: readonly Row[]): string => toCsv(COLUMNS, rows);
const SMOKE = "experiments/g2p-smoke.yaml";

test("the smoke experiment's results are what they were", async () => {
  const { rows } = await runSweep(loadExperiment(SMOKE), { workers: 0 });
  await expect(csvOf(rows)).toMatchFileSnapshot("../golden/experiments/g2p-smoke.csv");
});

describe("a small sweep", () => {
  const experiment = experimentOf([
    "- axes: { weight_bits: [8, 4], mac.rows: [16, 8] }",
    "- { arch: edge8x8, set: { weight_bits: 4 } }",
  ]);
  const labels: string[] = [];
  const swept = runSweep(experiment, {
    workers: 1,
    onProgress: (done, total, label) => labels.push(`${done}/${total} ${label}`),
  });

  test("gives a row for each point, in order", async () => {
    expect((await swept).rows.map(({ point }) => point.index)).toEqual([1, 2, 3, 4, 5]);
  });

  test("says what was done, out of how much", async () => {
    await swept;
    expect(labels).toMatchInlineSnapshot(`
      [
        "1/3 the real-valued reference",
        "2/3 defaults on edge16x16",
        "3/3 weight_bits=4 on edge16x16",
        "4/5 defaults on edge16x16: cycles",
        "5/5 weight_bits=4 on edge16x16, edge8x8: cycles",
      ]
    `);
  });

  test("equal numerics have equal scores, other silicon other costs", async () => {
    const [a, b] = (await swept).rows;
    expect(a!.accuracy).toEqual(b!.accuracy);
    expect(a!.cost.warm.cycles).not.toBe(b!.cost.warm.cycles);
    expect(a!.cost.modelBytes).toBe(b!.cost.modelBytes);
  });

  test("the cycles of a job are its programs' cycles, times their invocations", async () => {
    const { rows } = await swept;
    for (const [i, point] of experiment.points.entries()) {
      const { row, job, programs } = runPoint(experiment, point);
      expect(row, point.changes).toEqual(rows[i]);
      const cycles = programs.map(({ program, times }) => times * time(program, point.arch).cycles);
      expect(cycles[0]).toBe(row.cost.load.cycles);
      expect(cycles.slice(1).reduce((a, b) => a + b, 0)).toBe(row.cost.warm.cycles);
      expect(programs[0]).toMatchObject({ program: job.load, times: 1 });
      const starts = programs.filter(({ program }) => program.name.startsWith("start"));
      expect(starts.reduce((sum, { times }) => sum + times, 0)).toBe(3);
    }
  });

  test("columns hold together", async () => {
    for (const row of (await swept).rows) {
      const value = (name: string) => Number(cellOf(row, name));
      const warm = value("cycles") - value("load_cycles");
      expect(value("cycles_per_word")).toBeCloseTo(warm / 3, 1);
      expect(value("latency_us_per_word")).toBeCloseTo(warm / 3 / 500, 3);
      expect(value("dram_factor")).toBeGreaterThanOrEqual(1);
      expect(value("mac_utilization_pct")).toBeGreaterThan(0);
      expect(value("mac_utilization_pct")).toBeLessThanOrEqual(100);
      expect(value("model_bytes_fp32")).toBe(4 * 297_386);
      expect(value("resident_weight_bytes")).toBeLessThanOrEqual(value("model_bytes"));
      expect(cellOf(row, "norm")).toBe("layer/rsqrt");
      for (const whole of ["energy_uj_per_word", "cycles_per_word"]) {
        const parts = COLUMNS.filter(({ partOf }) => partOf === whole).map(({ name }) => value(name));
        expect(parts.length).toBeGreaterThan(5);
        expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
        const sum = parts.reduce((a, b) => a + b, 0);
        expect(Math.abs(sum - value(whole)) / value(whole)).toBeLessThan(1e-3);
      }
    }
  });
});

test("a machine that is too small costs its own point and no other", async () => {
  const points = ["- {}", "- set: { weight.bytes: 256 }", "- { arch: dot16x16, set: { weight_bits: 4 } }"];
  const { rows, refused } = await runSweep(experimentOf(points), { workers: 0 });
  expect(rows.map(({ point }) => point.index)).toEqual([1, 3]);
  expect(refused).toMatchObject([
    {
      point: { index: 2 },
      where: "edge16x16",
      problem: "weight.bytes: 256 bytes cannot hold two tiles of 8 rows of decoder.x 2, 1536 bytes each",
    },
  ]);
  const alone = await runSweep(experimentOf([points[0]!, points[2]!]), { workers: 0 });
  expect(rows.map(({ cost }) => cost)).toEqual(alone.rows.map(({ cost }) => cost));
});

test("an axis of mac.zeroSkip shows in a column of its own, and in no cycle", async () => {
  const array = "{ mac.dataflow: output-stationary, mac.multiplier: serial }";
  const points = [`- { set: ${array}, axes: { mac.zeroSkip: [none, activations, both] } }`];
  const { rows } = await runSweep(experimentOf(points), { workers: 0 });
  const [none, activations, both] = rows.map((row) => Number(cellOf(row, "zero_skip_cycles_saved")));
  expect(none).toBe(0);
  expect(activations).toBeGreaterThan(0);
  expect(both).toBeGreaterThanOrEqual(activations!);
  expect(new Set(rows.map((row) => cellOf(row, "cycles"))).size).toBe(1);
  expect(renderTable(COLUMNS, rows)).toContain("zero_skip_cycles_saved");
});

test("all test words are the 6,157 of the model card, which also counts the parameters", () => {
  const { samples, facts } = subjectOf(loadExperiment("experiments/g2p-full.yaml").points[0]!.subject);
  expect(samples).toHaveLength(6157);
  expect(facts.count).toBe(6157);
  expect(facts.parameters).toBe(297_386);
});

test("a sample is evenly spaced, in order, without repetition; all of them are all of them", () => {
  const items = Array.from({ length: 10 }, (_, i) => i);
  expect(sampleOf(items, 4)).toEqual([0, 2, 5, 7]);
  expect(sampleOf(items, 10)).toEqual(items);
  for (let n = 1; n <= 10; n++) expect(new Set(sampleOf(items, n)).size).toBe(n);
});

test("the seed chooses among the evenly spaced samples: none is drawn twice, and as many seeds as fit share none", () => {
  const items = Array.from({ length: 23 }, (_, i) => i);
  for (let n = 1; n <= items.length; n++) {
    const seeds = Array.from({ length: Math.floor(items.length / n) }, (_, i) => i + 1);
    const drawn = seeds.map((seed) => sampleOf(items, n, seed));
    expect(drawn[0]).toEqual(sampleOf(items, n));
    expect(new Set(drawn.flat()).size).toBe(n * seeds.length);
    expect(sampleOf(items, n, seeds.length + 1)).toEqual(drawn[0]);
    expect(sampleOf(items, n, 0)).toEqual(drawn.at(-1));
  }
});

test("the seed decides the words of calibration and no others", () => {
  const subjectWith = (seed: number) => subjectOf({ ...experimentOf(["- {}"]).points[0]!.subject, seed });
  const [one, two] = [subjectWith(1), subjectWith(2)];
  expect(two.samples).toEqual(one.samples);
  expect(two.facts.modelHash).toBe(one.facts.modelHash);
  expect(two.facts.dataHash).not.toBe(one.facts.dataHash);
  expect(two.facts.hash).not.toBe(one.facts.hash);
  expect(two.ranges.of("keys")).not.toEqual(one.ranges.of("keys"));
});

const folder = temporaryFolder();

test("weights have an identity of their own, that of their file, whatever they are run on", () => {
  const { subject } = experimentOf(["- {}"]).points[0]!;
  const one = subjectOf(subject);
  const sum = createHash("sha256").update(readFileSync(one.path)).digest("hex");
  expect(sum.startsWith(one.facts.modelHash)).toBe(true);
  const weights = join(folder, "other.safetensors");
  const bytes = readFileSync(one.path);
  bytes[bytes.length - 4]! ^= 1;
  writeFileSync(weights, bytes);
  const other = subjectOf({ ...subject, weights });
  expect(other.facts.modelHash).not.toBe(one.facts.modelHash);
  expect(other.facts.dataHash).toBe(one.facts.dataHash);
  expect(other.facts.hash).not.toBe(one.facts.hash);
});

describe("columns", () => {
  test("have names of their own, in lower case, and say what they mean", () => {
    const names = COLUMNS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, doc } of COLUMNS) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(doc, name).not.toBe("");
    }
  });

  test("have their unit in their name, where it is not a noun of it", () => {
    const UNITS = {
      "%": /_pct$/,
      us: /_us(_|$)/,
      uJ: /_uj(_|$)/,
      byte: /_bytes(_|$)/,
      bit: /_bits$/,
      cycle: /cycles/,
    };
    for (const { name, unit } of COLUMNS) {
      const pattern = UNITS[unit as keyof typeof UNITS];
      if (pattern !== undefined) expect(name).toMatch(pattern);
    }
  });
});

/** The built sweep: sources have no worker to start. */
const BUILT = "dist/sweep/run.js";

test.runIf(existsSync("dist/sweep/worker.js"))("two workers give the bytes of one process", async () => {
  const load = (file: string) => import(pathToFileURL(file).href);
  const { runSweep: run }: typeof import("../../src/sweep/run.ts") = await load(BUILT);
  const experiment = experimentOf(["- axes: { arch: [edge16x16, dot16x16], weight_bits: [4, 3] }"]);
  const one = await run(experiment, { workers: 1 });
  expect(csvOf((await run(experiment, { workers: 2 })).rows)).toBe(csvOf(one.rows));
  const faulty = experimentOf(["- set: { weight.bytes: 256 }", "- { arch: dot16x16 }"]);
  const two = await run(faulty, { workers: 2 });
  expect(two.refused).toMatchObject([
    { point: { index: 1 }, problem: expect.stringMatching(/^weight\.bytes: 256 bytes/) },
  ]);
  expect(two.rows).toHaveLength(1);
});
