import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { time } from "../../src/machine/timing.ts";
import { parseCsv } from "../../src/report/csv.ts";
import { pngOf } from "../../src/report/png.ts";
import { type Packed, unpack } from "../../src/report/sweep/pack.ts";
import type { Results } from "../../src/report/sweep/results.ts";
import type { Timeline } from "../../src/report/sweep/timeline.ts";
import { loadExperiment } from "../../src/sweep/experiment.ts";
import { jobOf } from "../../src/sweep/measure.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
import { experimentIn } from "./experiments.ts";
import { folder, shiftline, without } from "./shiftline.ts";

const SMOKE = "test/golden/experiments/g2p-smoke.csv";

/** The results that a page holds. */
function resultsIn(page: string): Results {
  const [, json] = /id="data">(.*)<\/script>/.exec(readFileSync(page, "utf8"))!;
  return unpack((JSON.parse(json!) as { results: Packed }).results);
}

test("a page beside the CSV, with its points, its question, and the commands that give them again", async () => {
  const here = folder();
  const csv = join(here, "x.csv");
  writeFileSync(csv, readFileSync(SMOKE));
  const { status, out, err } = await shiftline("report", csv);
  expect({ status, err, out: without(here, out) }).toEqual({
    status: 0,
    err: "",
    out: "wrote FOLDER/x.html\n",
  });
  const { count, commands, fields } = resultsIn(join(here, "x.html"));
  expect(count).toBe(4);
  expect(commands[1]).toBe("shiftline run g2p-smoke --point 2");
  const { header, rows } = parseCsv(readFileSync(csv, "utf8"), csv);
  expect(fields.slice(0, header.length).map(({ name, texts }) => [name, ...texts])).toEqual(
    header.map((name, c) => [name, ...rows.map((row) => row[c])]),
  );
  const page = readFileSync(join(here, "x.html"), "utf8");
  expect(page).toContain("Did a result move?");
  expect(page).toContain("shiftline 0.1.0: shiftline report x.csv");
  expect(page.match(/<\/?script/g)).toHaveLength(4);
  expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
});

test("the same charts as pixels, twice the drawing's size, with text in them on a machine of any fonts", async () => {
  const here = folder();
  const { out } = await shiftline("report", SMOKE, "--svg", here, "--png", here);
  expect(out.match(/\.png$/gm)).toHaveLength(out.match(/\.svg$/gm)!.length);
  expect(existsSync(join(here, "x.html"))).toBe(false);
  const drawing = readFileSync(join(here, "front.svg"), "utf8");
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(drawing)!.map(Number);
  const png = readFileSync(join(here, "front.png"));
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2 * width!, 2 * height!]);
  const mute = await pngOf(drawing.replaceAll(/<text[\s\S]*?<\/text>/g, ""));
  expect(png.length).toBeGreaterThan(1.5 * mute.length);
  expect(await pngOf(drawing)).toEqual(new Uint8Array(png));
});

test("programs of points, cycle by cycle: units work as long as the clock says", async () => {
  const here = folder();
  const page = join(here, "x.html");
  const { status, err } = await shiftline("report", SMOKE, "--timeline", "2,1", "--out", page, "--svg", here);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  const [, json] = /id="data">(.*)<\/script>/.exec(readFileSync(page, "utf8"))!;
  const { timelines } = JSON.parse(json!) as { timelines: readonly Timeline[] };
  expect(timelines.map(({ point, program }) => `${point} ${program}`)).toEqual([
    ...["2 start of size 5", "2 step of size 5", "2 load"],
    ...["1 start of size 5", "1 step of size 5", "1 load"],
  ]);
  expect(readdirSync(here)).toContain("timeline-2-step.svg");
  const { points } = loadExperiment("experiments/g2p-smoke.yaml");
  const step = timelines[1]!;
  const { job } = jobOf(subjectOf(points[1]!.subject), points[1]!, "fixed");
  const runs = [...job.stages.values()].map((stages) => time(stages[1]!.program, points[1]!.arch));
  const { cycles, units } = runs.find((timing) => timing.cycles === step.cycles)!;
  expect(step).toMatchObject({ cycles, left: 0 });
  for (const { name, stretches } of step.units) {
    const busy = stretches.filter(([, , , cause]) => cause === undefined);
    expect(busy.reduce((sum, [from, to]) => sum + to - from, 0)).toBe(units[name as "mac"].busyCycles);
  }
});

test("charts as files, a page only where one is asked for too", async () => {
  const here = folder();
  const { out } = await shiftline(
    "report",
    SMOKE,
    "--svg",
    join(here, "charts"),
    "--x",
    "model_bytes",
    "--json",
  );
  const { points, written } = JSON.parse(out) as { points: number; written: string[] };
  expect(points).toBe(4);
  expect(written.map((path) => without(here, path))).toContain("FOLDER/charts/front.svg");
  expect(readdirSync(join(here, "charts"))).toHaveLength(written.length);
  expect(readFileSync(join(here, "charts", "front.svg"), "utf8")).toContain("per pct against model bytes");
  const both = await shiftline(
    "report",
    SMOKE,
    "--svg",
    join(here, "both"),
    "--out",
    join(here, "page.html"),
  );
  expect(both.out).toContain("page.html");
  expect(existsSync(join(here, "page.html"))).toBe(true);
});

describe("a command gives its row again", () => {
  const POINTS = "  - {}\n  - { arch: dot16x16, set: { weight_bits: 4, norm_inverse: division } }\n";

  test.each([
    ["of a plain sweep", []],
    ["of a sweep with parameters over it", ["--set", "mac.rows=8", "--set", "cell_bits=12"]],
    ["of a sweep that takes back what a point changes", ["--set", "weight_bits=8"]],
    ["of a sweep with other samples", ["--set", "seed=2", "--set", "calibration=3"]],
    ["of a sweep of another model", ["--model", "lm-ln", "--set", "weight_bits=6"]],
  ])("%s", async (_, options) => {
    const here = folder();
    const experiment = experimentIn(here, POINTS);
    const csv = join(here, "x.csv");
    const page = join(here, "x.html");
    const swept = await shiftline("sweep", experiment, ...options, "--out", csv, "--workers", "0");
    expect(swept.err).not.toContain("shiftline:");
    await shiftline("report", csv, "--out", page, "--experiment", experiment);
    const { commands, fields } = resultsIn(page);
    const textsOf = (name: string) => fields.find((field) => field.name === name)!.texts;
    for (const [row, command] of commands.entries()) {
      const { status, out, err } = await shiftline(...command.split(" ").slice(1), "--json");
      expect({ status, err }).toEqual({ status: 0, err: "" });
      const { columns } = JSON.parse(out) as { columns: Record<string, unknown> };
      for (const name of ["arch_hash", "recipe_hash", "model_hash", "data_hash", "mapper", "model", "cycles"])
        expect(String(columns[name]), `${command}: ${name}`).toBe(textsOf(name)[row]);
    }
  });
});

test("an experiment that is not there leaves its commands with all that the row says", async () => {
  const here = folder();
  const csv = join(here, "x.csv");
  writeFileSync(csv, readFileSync(SMOKE, "utf8").replaceAll("g2p-smoke,", "gone,"));
  await shiftline("report", csv);
  const { commands } = resultsIn(join(here, "x.html"));
  expect(commands[2]).toBe(
    "shiftline run gone --point 3 --model g2p --mapper fixed --arch edge8x8 --recipe irnn --set seed=1 --set calibration=20 --set weight_bits=4 --set pwl_pieces=8",
  );
});

test.each([
  [["FOLDER/empty.csv"], 1, "FOLDER/empty.csv: an empty file, without a header"],
  [["FOLDER/none.csv"], 1, "FOLDER/none.csv: no such file"],
  [
    ["experiments/pwl.csv"],
    1,
    "experiments/pwl.csv: not a CSV that sweep wrote: no column experiment, point, model, arch, changes",
  ],
  [[SMOKE, "--x", "cycle"], 1, `${SMOKE}: no column cycle; did you mean cycles?`],
  [[SMOKE, "--y", "arch"], 1, `${SMOKE}: column arch holds words, not numbers`],
  [[SMOKE, "--experiment", "nothing"], 1, "nothing: no such file"],
  [[SMOKE, "--timeline", "9"], 1, `${SMOKE}: has no point 9, which --timeline asks for`],
  [
    [SMOKE, "--timeline", "1,x"],
    2,
    '--timeline takes a whole number from 1 on, not "x" (see shiftline --help)',
  ],
  [
    [SMOKE, "--timeline", "2", "--experiment", "g2p"],
    1,
    `${SMOKE}: point 2 of g2p-smoke: experiment is g2p-smoke in the row, and g2p in experiments/g2p.yaml; it was changed since, or swept with other options`,
  ],
  [[SMOKE, "--out", "FOLDER/empty.csv/x.html"], 1, "FOLDER/empty.csv/x.html: cannot be written (EEXIST)"],
  [[SMOKE, "--out", SMOKE], 2, "--out is the CSV itself (see shiftline --help)"],
])("report %j is refused in one line", async (words, expected, problem) => {
  const here = folder();
  writeFileSync(join(here, "empty.csv"), "");
  const given = words.map((word) => word.replace("FOLDER", here));
  const { status, out, err } = await shiftline("report", ...given);
  expect({ status, out, err: without(here, err) }).toEqual({
    status: expected,
    out: "",
    err: `shiftline: ${problem}\n`,
  });
  expect(readdirSync(here)).toEqual(["empty.csv"]);
});
