import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCsv } from "../../src/report/csv.ts";
import { dominates } from "../../src/search/front.ts";
import { experimentIn } from "./experiments.ts";
import { folder, shiftline, without } from "./shiftline.ts";

const GRID = "  - axes: { weight_bits: [8, 4, 3], mac.rows: [8, 16], mac.columns: [8, 16] }\n";
/** So many points that a search of some of them comes to choose by price. */
const WIDE =
  "  - axes: { weight_bits: [8, 6, 4, 3], activation_bits: [8, 6, 5], pwl_pieces: [16, 4], mac.rows: [8, 16] }\n";
const GOALS = ["--objectives", "per_pct,cycles,energy_uj"];
const read = (path: string): string => readFileSync(path, "utf8");

/** Rows of a CSV, by columns. */
function rowsOf(path: string): Record<string, string>[] {
  const { header, rows } = parseCsv(read(path), path);
  return rows.map((row) => Object.fromEntries(header.map((name, c) => [name, row[c]!])));
}

/** Searches a grid with a cache in a folder. */
const searchIn = (here: string, out: string, ...options: readonly string[]) =>
  searchOf(GRID, here, out, ...options);
const searchOf = async (grid: string, here: string, out: string, ...options: readonly string[]) =>
  shiftline(
    ...["search", experimentIn(here, grid), ...GOALS, "--out", join(here, out), "--workers", "1"],
    ...["--cache", join(here, "cache"), ...options],
  );

describe("a search", () => {
  test("of all points finds the front of the sweep, in rows that are the sweep's", async () => {
    const here = folder();
    const { status, out } = await searchIn(here, "found.csv", "--budget", "12");
    expect(status).toBe(0);
    await shiftline(
      "sweep",
      experimentIn(here, GRID),
      "--out",
      join(here, "all.csv"),
      "--cache",
      join(here, "cache"),
    );
    const found = rowsOf(join(here, "found.csv"));
    const all = rowsOf(join(here, "all.csv"));
    const byPoint = found.toSorted((a, b) => Number(a["point"]) - Number(b["point"]));
    expect(byPoint.map(({ front, ...row }) => row)).toEqual(all);
    const figures = (row: Record<string, string>) =>
      ["per_pct", "cycles", "energy_uj"].map((name) => Number(row[name]));
    for (const row of found) {
      const isBeaten = found.some((other) => dominates(figures(other), figures(row)));
      expect(row["front"]).toBe(isBeaten ? "no" : "yes");
    }
    expect(out).toMatch(/^nsga2 +12 +3 /m);
    expect(without(here, out)).toMatch(/wrote 12 points, \d of them the front, to FOLDER\/found\.csv\n$/);
  });

  test("compares methods, in a table, a CSV of their progress and a chart", async () => {
    const here = folder();
    const [progress, svg] = [join(here, "progress.csv"), join(here, "chart.svg")];
    const options = ["--budget", "9", "--versus", "random", "--progress-csv", progress, "--svg", svg];
    const { out, err } = await searchIn(here, "found.csv", ...options);
    expect(without(here, err).split("\n").slice(0, 2)).toEqual([
      "small: Does a person get an answer?",
      "9 of 12 points",
    ]);
    expect(out).toMatch(/^method +evaluated +executions +priced +front +hypervolume +95 % of it after$/m);
    expect(out).toMatch(/^random +9 +3 +- /m);
    const steps = rowsOf(progress);
    expect(steps.map(({ method, evaluation }) => `${method} ${evaluation}`)).toEqual(
      ["nsga2", "random"].flatMap((method) => Array.from({ length: 9 }, (_, i) => `${method} ${i + 1}`)),
    );
    const volumes = steps.map(({ hypervolume }) => Number(hypervolume));
    expect(Math.max(...volumes)).toBeLessThanOrEqual(1);
    for (const [i, volume] of volumes.entries())
      if (i % 9 > 0) expect(volume).toBeGreaterThanOrEqual(volumes[i - 1]!);
    expect(read(svg)).toContain("small: hypervolume found");
    expect(read(svg).match(/<polyline/g)).toHaveLength(2);
  });

  test("keeps what a constraint says out of the front, and out of the evaluations where cycles tell", async () => {
    const here = folder();
    const constraint = ["--constraint", "rows * columns <= 128", "--constraint", "wer_pct <= 100"];
    const { status } = await searchIn(here, "found.csv", "--budget", "9", ...constraint);
    expect(status).toBe(0);
    const rows = rowsOf(join(here, "found.csv"));
    const isKept = (row: Record<string, string>) => Number(row["rows"]) * Number(row["columns"]) <= 128;
    // The first point is evaluated before anything has a price.
    expect(rows.slice(1).every(isKept)).toBe(true);
    expect(rows.some(({ front }) => front === "yes")).toBe(true);
    for (const row of rows) if (row["front"] === "yes") expect(isKept(row)).toBe(true);
  });

  test("takes columns that an experiment derives, against its baselines, for objectives", async () => {
    const here = folder();
    const derived = `${GRID}baselines: { wide: { set: { mac.columns: 32 } } }\nderive: { slower: cycles / wide.cycles }\n`;
    const out = join(here, "x.csv");
    const words = ["--objectives", "per_pct,min:slower", "--budget", "6", "--out", out];
    const { status } = await shiftline("search", experimentIn(here, derived), ...words);
    expect(status).toBe(0);
    for (const { slower } of rowsOf(out)) expect(Number(slower)).toBeGreaterThan(1);
    expect(new Set(rowsOf(out).map(({ slower }) => slower)).size).toBeGreaterThan(1);
  });

  test("--columns tells what may be an objective", async () => {
    const { out } = await searchIn(folder(), "x.csv", "--budget", "1", "--columns");
    expect(out).toMatch(/^per_pct +% +lower +phone error rate$/m);
    expect(out).not.toMatch(/^saturations/m);
  });

  test("--json is one document", async () => {
    const { out, err } = await searchIn(folder(), "found.csv", "--budget", "3", "--json");
    const { experiment, methods, rows } = JSON.parse(out);
    expect(experiment).toBe("small");
    expect(methods).toMatchObject([{ method: "nsga2", evaluations: 3, hypervolume: 1 }]);
    expect(rows).toHaveLength(3);
    expect(typeof rows[0].per_pct).toBe("number");
    expect(err).toContain("wrote 3 points");
  });
});

describe("whatever is known already", () => {
  test("the same is asked for: with a cache that is empty, full, or another's", async () => {
    const [one, two] = [folder(), folder()];
    const search = (here: string, out: string) => searchOf(WIDE, here, out, "--budget", "20");
    const { out } = await search(one, "a.csv");
    const [, evaluated, , priced] = /^nsga2 +(\d+) +(\d+) +(\d+)/m.exec(out) ?? [];
    expect(Number(priced)).toBeGreaterThan(Number(evaluated));
    await search(one, "b.csv");
    const all = join(two, "x.csv");
    await shiftline("sweep", experimentIn(two, WIDE), "--out", all, "--cache", join(two, "cache"));
    await search(two, "c.csv");
    expect(read(join(one, "b.csv"))).toBe(read(join(one, "a.csv")));
    expect(read(join(two, "c.csv"))).toBe(read(join(one, "a.csv")));
  });

  test("after an interruption the same command goes on, to the same bytes", async () => {
    const [here, there] = [folder(), folder()];
    await searchIn(there, "found.csv", "--budget", "9");
    const { main } = await import("../../src/cli/main.ts");
    let told = 0;
    let err = "";
    const io = {
      out() {},
      err(text: string) {
        err += text;
        if (/^\d+\/9 /.test(text) && ++told === 4) process.emit("SIGTERM");
      },
    };
    const options = ["--budget", "9", "--out", join(here, "found.csv"), "--cache", join(here, "cache")];
    const status = await main(["search", experimentIn(here, GRID), ...GOALS, ...options], io);
    expect(status).toBe(130);
    expect(without(here, err)).toMatch(
      /\ninterrupted after \d of 9 points: what is done is in FOLDER\/cache; the same command goes on from there\n$/,
    );
    expect(existsSync(join(here, "found.csv"))).toBe(false);
    await searchIn(here, "found.csv", "--budget", "9");
    expect(read(join(here, "found.csv"))).toBe(read(join(there, "found.csv")));
  });

  test.runIf(existsSync("dist/sweep/worker.js"))(
    "killed, and on two workers, it comes to the same bytes",
    async () => {
      const [here, there] = [folder(), folder()];
      await searchOf(WIDE, there, "found.csv", "--budget", "12");
      const asked = ["search", experimentIn(here, WIDE), ...GOALS, "--budget", "12"];
      const places = ["--out", join(here, "found.csv"), "--cache", join(here, "cache")];
      const run = (lines: number) =>
        new Promise<NodeJS.Signals | null>((done) => {
          const child = spawn(process.execPath, ["dist/cli/bin.js", ...asked, ...places]);
          let told = 0;
          child.stderr.on("data", (text: Buffer) => {
            told += text.toString().split("\n").length - 1;
            if (told >= lines) child.kill("SIGKILL");
          });
          child.on("exit", (_, signal) => done(signal));
        });
      expect(await run(20)).toBe("SIGKILL");
      expect(readdirSync(here).sort()).toEqual(["cache", "small.yaml"]);
      expect(await run(Number.POSITIVE_INFINITY)).toBe(null);
      expect(read(join(here, "found.csv"))).toBe(read(join(there, "found.csv")));
    },
  );
});

describe("is refused in a line", () => {
  const refusal = async (points: string, ...options: readonly string[]) => {
    const here = folder();
    const { status, err } = await shiftline(
      "search",
      experimentIn(here, points),
      ...options,
      "--out",
      join(here, "x.csv"),
    );
    expect(existsSync(join(here, "x.csv"))).toBe(false);
    return { status, last: without(here, err).trimEnd().split("\n").at(-1) };
  };

  test.each([
    ["a budget of nothing", GRID, ["--budget", "0"], 2, '--budget takes a whole number from 1 on, not "0"'],
    [
      "a budget above the space",
      GRID,
      ["--budget", "13"],
      1,
      "--budget: 13 is more than the 12 points of FOLDER/small.yaml",
    ],
    [
      "one point",
      "  - {}\n",
      ["--budget", "1"],
      1,
      "FOLDER/small.yaml: has one point: nothing is to be searched",
    ],
    [
      "a space of which no point fits its machine",
      "  - axes: { weight.bytes: [256, 300] }\n",
      ["--budget", "2"],
      1,
      "FOLDER/small.yaml: there is no point to evaluate",
    ],
  ])("%s", async (_, points, options, status, sentence) => {
    const answer = await refusal(points, ...GOALS, ...options);
    expect(answer.status).toBe(status);
    expect(answer.last).toContain(`shiftline: ${sentence}`);
  });

  test("an unknown objective", async () => {
    const { status, last } = await refusal(GRID, "--objectives", "per_pct,cycle", "--budget", "3");
    expect([status, last]).toEqual([
      1,
      "shiftline: --objectives: no such column as cycle; did you mean cycles?",
    ]);
  });

  test("a constraint that nothing keeps, of which what was evaluated is told all the same", async () => {
    const here = folder();
    const { status, err } = await searchIn(here, "x.csv", "--budget", "4", "--constraint", "per_pct < 0");
    expect(status).toBe(1);
    expect(without(here, err).trimEnd().split("\n").at(-1)).toBe(
      "shiftline: FOLDER/small.yaml: none of 4 points evaluated keeps per_pct < 0",
    );
    expect(rowsOf(join(here, "x.csv")).map(({ front }) => front)).toEqual(["no", "no", "no", "no"]);
  });
});
