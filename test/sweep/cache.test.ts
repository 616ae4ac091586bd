import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { toCsv } from "../../src/report/csv.ts";
import { Cache, entriesOf, pack, unpack } from "../../src/sweep/cache.ts";
import { execute } from "../../src/sweep/execute.ts";
import { priceOnAll } from "../../src/sweep/halves.ts";
import { type Plan, runSweep } from "../../src/sweep/run.ts";
import { folder } from "../cli/shiftline.ts";
import { COLUMNS, experimentOf } from "./lab.ts";

// Everything is done for real; only counted on the way.
vi.mock("../../src/sweep/execute.ts", { spy: true });
vi.mock("../../src/sweep/halves.ts", { spy: true });
/** The folder that no room is left in. */
const disk = vi.hoisted(() => ({ full: "nowhere" }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const writeFileSync = (...args: Parameters<typeof fs.writeFileSync>) => {
    if (String(args[0]).startsWith(disk.full))
      throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
    fs.writeFileSync(...args);
  };
  return { ...fs, writeFileSync };
});

beforeEach(() => {
  vi.clearAllMocks();
  disk.full = "nowhere";
});

const POINTS = ["- axes: { weight_bits: [8, 4], dram.latency: [20, 30] }", "- set: { weight.bytes: 256 }"];

/** Sweeps the points with a cache in a folder; what was written, told and done. */
async function sweepIn(here: string, points: readonly string[] = POINTS) {
  const warnings: string[] = [];
  const cache = new Cache(here, (problem) => warnings.push(problem.replaceAll(here, "CACHE")));
  let plan: Plan | undefined;
  const onPlan = (told: Plan) => {
    plan = told;
  };
  const { rows, refused } = await runSweep(
    { ...experimentOf(points), name: "x" },
    { workers: 0, cache, onPlan },
  );
  const executed = vi.mocked(execute).mock.calls.length;
  vi.clearAllMocks();
  const problems = refused.map(({ point, problem }) => `${point.index} ${problem}`);
  return { csv: toCsv(COLUMNS, rows), problems, warnings, plan: plan!, executed };
}

const filesIn = (here: string, kind: string): string[] =>
  readdirSync(join(here, kind), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

test("what is kept comes back as it was", () => {
  const values = fc.record({ json: fc.jsonValue(), real: fc.double(), text: fc.string() });
  fc.assert(
    fc.property(values, (value) => {
      expect(unpack(pack(value))).toEqual(value);
    }),
  );
  expect(unpack(pack([-0, Number.NaN, Number.NEGATIVE_INFINITY]))).toEqual([
    -0,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
  ]);
});

describe("a second sweep", () => {
  test("computes nothing, writes the same bytes and says the same refusals", async () => {
    const here = folder();
    const first = await sweepIn(here);
    expect(first.plan).toEqual({
      points: 5,
      numerics: { distinct: 2, cached: 0 },
      timings: { distinct: 5, cached: 0, isMost: true },
    });
    expect(first.problems).toHaveLength(1);
    const second = await sweepIn(here);
    expect(second).toMatchObject({ ...first, executed: 0, plan: expect.anything() });
    expect(second.plan).toEqual({
      points: 5,
      numerics: { distinct: 2, cached: 2 },
      timings: { distinct: 5, cached: 5, isMost: false },
    });
    expect(priceOnAll).not.toHaveBeenCalled();
  });

  test("on other machines executes nothing, where these compute the same bits", async () => {
    const here = folder();
    await sweepIn(here);
    const { executed, plan } = await sweepIn(here, ["- axes: { weight_bits: [8, 4], dram.latency: [40] }"]);
    expect(executed).toBe(0);
    expect(plan).toMatchObject({
      numerics: { cached: 0 },
      timings: { distinct: 2, cached: 0, isMost: false },
    });
  });
});

describe("heals", () => {
  const damages: readonly (readonly [string, (path: string) => void, RegExp | undefined])[] = [
    ["a truncated entry", (path) => truncateSync(path, 150), /damaged entry/],
    ["an empty entry", (path) => truncateSync(path, 0), /damaged entry/],
    [
      "a flipped bit",
      (path) => {
        const bytes = readFileSync(path);
        bytes[bytes.length - 3]! ^= 1;
        writeFileSync(path, bytes);
      },
      /damaged entry/,
    ],
    [
      "an entry of another version's cache",
      (path) =>
        writeFileSync(
          path,
          readFileSync(path, "latin1").replace("shiftline-cache 1", "shiftline-cache 2"),
          "latin1",
        ),
      /another version's cache, format 2/,
    ],
    ["an entry that is gone", (path) => rmSync(path), undefined],
  ];

  test.each(damages)("%s: computed again and replaced, with one warning", async (_, damage, warning) => {
    const here = folder();
    const { csv } = await sweepIn(here);
    for (const kind of ["reference", "layouts", "numerics", "costs"])
      for (const path of filesIn(here, kind)) damage(path);
    const healed = await sweepIn(here);
    expect(healed.csv).toBe(csv);
    expect(healed.warnings).toEqual(warning === undefined ? [] : [expect.stringMatching(warning)]);
    expect(await sweepIn(here)).toMatchObject({ csv, executed: 0, warnings: [] });
  });
});

test("a disk that fills up loses no result: that is told once, and the rest of the sweep goes on", async () => {
  const here = folder();
  const { csv } = await sweepIn(folder());
  const cache = new Cache(here, () => {});
  expect(entriesOf(cache.folder)).toEqual([]);
  disk.full = here;
  const full = await sweepIn(here);
  expect(full.csv).toBe(csv);
  expect(full.warnings).toEqual([
    expect.stringMatching(/^CACHE\/\S+: cannot be written \(ENOSPC\); results from here on are not kept$/),
  ]);
  expect(entriesOf(here)).toEqual([]);
});
