import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { experimentIn } from "../cli/experiments.ts";
import { type Answer, folder, shiftline, without } from "../cli/shiftline.ts";
import { FakeSlurm, putOnPath } from "./fake-slurm.ts";

// Whoever waits for a scheduler waits long.
vi.mock("node:timers/promises", async (load) => {
  const real = await load<typeof import("node:timers/promises")>();
  return {
    ...real,
    setTimeout: (ms: number, ...rest: [unknown, object]) => real.setTimeout(ms / 10, ...rest),
  };
});

const FOUR = "  - axes: { weight_bits: [8, 4], arch: [edge16x16, dot16x16] }\n";
const TWO = "  - { arch: [edge16x16, dot16x16] }\n";
const REFUSED = "  - { set: { activation.bytes: 256 } }\n";
const DERIVED =
  "baselines: { tall: { set: { mac.columns: 32 } } }\nderive: { faster: tall.cycles / cycles }\n";

/** A folder of a test, with an experiment, a fake Slurm and, for the CSV, a name that shells and Slurm might stumble over. */
function lab(points = FOUR) {
  const here = folder();
  const home = join(here, "it's 5 % odd");
  mkdirSync(home);
  const experiment = experimentIn(here, points);
  const out = join(home, "out.csv");
  const base = ["sweep", experiment, "--cache", join(here, "cache"), "--out", out];
  return {
    ...{ here, home, out, slurm: new FakeSlurm(here) },
    sweep: (...words: readonly string[]) => shiftline(...base, "--engine", "slurm", ...words),
    words: [...base, "--engine", "slurm"],
    /** The bytes of the sweep that nobody parts. */
    whole(...words: readonly string[]) {
      return wholeOf(experiment, join(here, "whole.csv"), words);
    },
  };
}

async function wholeOf(experiment: string, out: string, words: readonly string[]) {
  const answer = await shiftline("sweep", experiment, "--no-cache", "--out", out, ...words);
  return { ...answer, csv: readFileSync(out, "utf8") };
}

const last = (here: string, text: string): string => without(here, text).trimEnd().split("\n").at(-1)!;
const summary = (here: string, { status, err }: Answer): string => `${status} ${last(here, err)}`;

describe("a sweep by Slurm", () => {
  test("says and writes what one by this process does, options and refused points included", async () => {
    const { here, home, out, slurm, sweep, whole } = lab(FOUR + REFUSED + DERIVED);
    const options = ["--set", "mac.rows=8", "--set", "pwl_pieces=12"];
    const answer = await sweep(
      ...options,
      "--shards",
      "3",
      "--workers",
      "1",
      "--sbatch",
      "-p main --comment='a b'",
    );
    const local = await whole(...options);
    expect(readFileSync(out, "utf8")).toBe(local.csv);
    const printed = (text: string) => text.replace(/wrote .*\n/, "");
    expect(printed(answer.out)).toBe(printed(local.out));
    expect(without(home, answer.out)).toMatch(/\nwrote 4 points to FOLDER\/out\.csv\n$/);
    expect(summary(here, answer)).toBe(summary(here, local));
    expect(summary(here, answer)).toMatch(/^1 shiftline: FOLDER\/small\.yaml: point 5, edge16x16, /);
    expect(readdirSync(home)).toEqual(["out.csv"]);
    expect(readdirSync(join(here, "cache"))).toContain("numerics");
    expect(slurm.calls).toEqual([
      expect.stringMatching(/^--parsable --cpus-per-task=1 -p main --comment=a b --/),
    ]);
    expect(slurm.calls[0]).toMatch(/ --array=1-3 /);
  });

  test("--json is the document of one by this process", async () => {
    const { sweep, whole } = lab(`  - {}\n${REFUSED}`);
    const { status, out } = await sweep("--json");
    const local = await whole("--json");
    expect({ status, document: JSON.parse(out) }).toEqual({ status: 1, document: JSON.parse(local.out) });
  });

  test("whatever says what is swept reaches the tasks, from any folder", async () => {
    const { here, out, slurm, sweep } = lab();
    for (const task of [1, 2, 3, 4]) slurm.fate(task, 1, "hold");
    const cwd = process.cwd();
    const options = [
      "--model",
      "g2p-ln",
      "--mapper",
      "search",
      "--set",
      "mac.rows=8",
      "--set",
      "cell_bits=12",
    ];
    await sweep("--no-wait", "--workers", "4", ...options);
    const script = readFileSync(`${out}.parts/job.sh`, "utf8").replace(process.execPath, "NODE");
    expect(without(here, script.replaceAll(cwd, "CWD"))).toMatchInlineSnapshot(`
      "#!/bin/sh
      task=\${SLURM_ARRAY_TASK_ID:-$1}
      cd CWD || exit 1
      exec NODE CWD/dist/cli/bin.js sweep FOLDER/small.yaml --model=g2p-ln --mapper=search --set=mac.rows=8 --set=cell_bits=12 --cache=FOLDER/cache --workers="\${SLURM_CPUS_PER_TASK:-4}" --shard="$task/4" --out='FOLDER/it'\\''s 5 % odd/out.csv.parts/'"$task-of-4.csv"
      "
    `);
    expect(slurm.calls[0]).toContain("--cpus-per-task=4 ");
    expect(slurm.calls[0]).toContain("--array=1-4 ");
  });

  test("left alone: says how to collect, submits nothing twice, and is collected by the same command", async () => {
    const { here, out, slurm, sweep, whole } = lab(TWO);
    slurm.fate(2, 1, "hold");
    const [left, again] = [await sweep("--no-wait"), await sweep("--no-wait", "--json")];
    expect(left.status).toBe(0);
    expect(without(here, left.out).replace(/^\d/, "N")).toMatchInlineSnapshot(`
      "N of 2 parts are in FOLDER/it's 5 % odd/out.csv.parts, job 1 will bring the rest; the same command collects them, \`scancel 1\` ends it
      "
    `);
    const { done, ...document } = JSON.parse(again.out);
    expect(done).toBeLessThan(2);
    expect(document).toEqual({ folder: `${out}.parts`, of: 2, jobs: ["1"] });
    expect(slurm.calls).toHaveLength(1);
    slurm.end(1, 2);
    const answer = await sweep();
    expect(answer.status).toBe(0);
    expect(slurm.calls.map((call) => /--array=(\S+)/.exec(call)![1])).toEqual(["1-2", "2"]);
    expect(readFileSync(out, "utf8")).toBe((await whole()).csv);
    expect(existsSync(`${out}.parts`)).toBe(false);
  });

  test("Ctrl-C ends the waiting and no task: it says which go on, and how they are collected and ended", async () => {
    const { here, out, slurm, words, sweep } = lab(TWO);
    slurm.fate(2, 1, "hold");
    const { main } = await import("../../src/cli/main.ts");
    let err = "";
    const io = {
      out() {},
      err(text: string) {
        err += text;
        if (text.startsWith("1/2")) process.emit("SIGINT");
      },
    };
    expect(await main(words, io)).toBe(130);
    expect(last(here, err)).toMatchInlineSnapshot(
      `"interrupted: 1 of 2 parts are in FOLDER/it's 5 % odd/out.csv.parts, job 1 will bring the rest; the same command collects them, \`scancel 1\` ends it"`,
    );
    expect(existsSync(out)).toBe(false);
    expect(slurm.cancelled).toEqual([]);
    slurm.end(1, 2);
    expect((await sweep()).status).toBe(0);
    expect(slurm.calls.map((call) => /--array=(\S+)/.exec(call)![1])).toEqual(["1-2", "2"]);
  });

  test("a task that fails time and again is one line with its log; the same command runs that one alone", async () => {
    const { here, out, slurm, sweep, whole } = lab(TWO);
    for (const attempt of [1, 2, 3]) slurm.fate(2, attempt, "fail");
    slurm.fate(1, 1, "lose");
    const answer = await sweep();
    expect(answer.err.split("\n").filter((line) => line.includes("submitted"))).toHaveLength(3);
    expect(summary(here, answer)).toMatchInlineSnapshot(
      `"1 shiftline: FOLDER/it's 5 % odd/out.csv.parts/2-of-2.log: part 2/2 failed 3 times: no room on the node (1 parts are there, the same command goes on)"`,
    );
    expect(existsSync(out)).toBe(false);
    const log = readFileSync(`${out}.parts/2-of-2.log`, "utf8");
    expect(log).toBe("no room on the node\n".repeat(3));
    expect((await sweep()).status).toBe(0);
    expect(slurm.calls.map((call) => /--array=(\S+)/.exec(call)![1])).toEqual(["1-2", "1-2", "2", "2"]);
    expect(readFileSync(out, "utf8")).toBe((await whole()).csv);
  });
});

describe("what a person can get wrong is one line, and leaves nothing behind", () => {
  test("no Slurm, or one that refuses", async () => {
    const { here, home, slurm, sweep } = lab();
    slurm.refuse(
      "sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed: Invalid partition name specified\n",
    );
    const refused = await sweep("--sbatch", "--partition=x");
    putOnPath(home);
    const absent = await sweep();
    expect([refused, absent].map((answer) => summary(here, answer)).join("\n")).toMatchInlineSnapshot(`
      "1 shiftline: sbatch: invalid partition specified: x; Batch job submission failed: Invalid partition name specified
      1 shiftline: squeue: no such program: --engine slurm needs Slurm's commands on the PATH"
    `);
    expect(readdirSync(home)).toEqual([]);
  });

  test("shards, options and engines", async () => {
    const { here, home, slurm, sweep } = lab();
    const answers = [
      await sweep("--shards", "5"),
      await sweep("--shards", "0"),
      await sweep("--shard", "1/4"),
      await sweep("--sbatch", "--comment='of"),
      await sweep("--sbatch", "--mem=1G --array=1-9"),
      await sweep("--sbatch", "-Jmine"),
      await sweep("--sbatch"),
      await shiftline("sweep", "g2p-smoke", "--no-wait"),
      await shiftline("sweep", "g2p-smoke", "--shards", "2"),
      await shiftline("sweep", "g2p-smoke", "--engine", "lsf"),
    ];
    expect(answers.map((answer) => summary(here, answer)).join("\n")).toMatchInlineSnapshot(`
      "1 shiftline: --shards: 5 shards of 4 points would leave some without any
      2 shiftline: --shards takes a whole number from 1 on, not "0" (see shiftline --help)
      2 shiftline: --shard is one part, --engine slurm runs them all (see shiftline --help)
      2 shiftline: --sbatch has a quote that is not closed: --comment='of (see shiftline --help)
      2 shiftline: --sbatch: --array=1-9 is for the sweep to say (see shiftline --help)
      2 shiftline: --sbatch: -Jmine is for the sweep to say (see shiftline --help)
      2 shiftline: Not enough arguments following: sbatch (see shiftline --help)
      2 shiftline: --no-wait goes with --engine slurm (see shiftline --help)
      2 shiftline: --shards goes with --engine slurm (see shiftline --help)
      2 shiftline: Invalid values: Argument: engine, Given: "lsf", Choices: "local", "slurm" (see shiftline --help)"
    `);
    expect(slurm.calls).toEqual([]);
    expect(readdirSync(home)).toEqual([]);
  });

  test("a folder of parts that are not this sweep's", async () => {
    const { here, out, slurm, sweep } = lab();
    for (const task of [1, 2, 3, 4]) slurm.fate(task, 1, "hold");
    await sweep("--no-wait");
    const answers = [await sweep("--shards", "2"), await sweep("--set", "mac.rows=8")];
    const part = join(`${out}.parts`, "2-of-4.csv");
    await shiftline("sweep", join(here, "small.yaml"), "--shard", "1/4", "--out", part);
    answers.push(await sweep());
    writeFileSync(join(`${out}.parts`, "job.json"), "{");
    answers.push(await sweep());
    expect(answers.map((answer) => summary(here, answer)).join("\n")).toMatchInlineSnapshot(`
      "1 shiftline: FOLDER/it's 5 % odd/out.csv.parts: holds the sweep in 4 shards, not 2; remove it, or give another --out
      1 shiftline: FOLDER/it's 5 % odd/out.csv.parts: holds parts of another sweep, or of another version; remove it, or give another --out
      1 shiftline: FOLDER/it's 5 % odd/out.csv.parts/2-of-4.csv: not part 2/4 of this sweep (has the experiment changed since?); remove it, or give another --out
      1 shiftline: FOLDER/it's 5 % odd/out.csv.parts: the parts are to go there, and it is there already, without a job.json of ours"
    `);
    expect(slurm.calls).toHaveLength(1);
    expect(existsSync(part)).toBe(true);
  });
});
