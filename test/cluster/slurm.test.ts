import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folder, shiftline, without } from "../cli/shiftline.ts";
import { SlurmDaemons, until, whyNoSlurm } from "./slurm-daemons.ts";

const reason = whyNoSlurm();

describe.skipIf(reason !== undefined)(`Slurm itself${reason === undefined ? "" : ` (${reason})`}`, () => {
  let slurm: SlurmDaemons;
  beforeAll(async () => {
    slurm = await SlurmDaemons.start();
  });
  afterAll(() => slurm?.stop());

  test("a sweep of which a task is killed gives the bytes of one that nobody disturbed", async () => {
    const here = folder();
    // What Slurm's patterns and a shell might stumble over.
    const home = join(here, "it's 5 %a odd");
    mkdirSync(home);
    const sweep = shiftline(
      ...["sweep", "g2p-smoke", "--engine", "slurm", "--shards", "3", "--set", "pwl_pieces=12"],
      ...["--sbatch", "--cpus-per-task=1 --comment='of a test'"],
      ...["--cache", join(here, "cache"), "--out", join(home, "out.csv")],
    );
    const second = () =>
      slurm
        .answer("squeue", "--noheader", "--array", "--states=R", "--format=%i %k")
        .match(/^\d+_2(?= of a test$)/m);
    await until(() => second() !== null);
    slurm.answer("scancel", second()![0]);
    const { status, out, err } = await sweep;
    expect(without(home, err)).toContain(
      "FOLDER/out.csv.parts/2-of-3.log: no result of part 2/3; submitted again as job ",
    );
    expect({ status, last: without(home, out).trimEnd().split("\n").at(-1) }).toEqual({
      ...{ status: 0, last: "wrote 4 points to FOLDER/out.csv" },
    });
    const whole = join(here, "whole.csv");
    await shiftline("sweep", "g2p-smoke", "--set", "pwl_pieces=12", "--no-cache", "--out", whole);
    expect(readFileSync(join(home, "out.csv"))).toEqual(readFileSync(whole));
    expect(readdirSync(home)).toEqual(["out.csv"]);
  });

  test("what Slurm refuses is one line in its words, and leaves nothing; what it takes, it gets in full", async () => {
    const here = folder();
    const words = ["sweep", "g2p-smoke", "--engine", "slurm", "--no-wait", "--out", join(here, "out.csv")];
    const { status, err } = await shiftline(...words, "--sbatch", "--partition=nowhere");
    expect({ status, last: err.trimEnd().split("\n").at(-1) }).toEqual({
      status: 1,
      last: "shiftline: sbatch: invalid partition specified: nowhere; Batch job submission failed: Invalid partition name specified",
    });
    expect(readdirSync(here)).toEqual([]);
    const held = await shiftline(...words, "--sbatch", "--hold");
    expect(held.status).toBe(0);
    const [, job] = /job (\d+)/.exec(held.out)!;
    expect(
      slurm.answer("squeue", "--noheader", "--array", `--jobs=${job}`, "--format=%K").split("\n").sort(),
    ).toEqual(["", "1", "2", "3", "4"]);
    slurm.answer("scancel", job!);
  });
});
