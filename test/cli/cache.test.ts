import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { experimentIn } from "./experiments.ts";
import { folder, shiftline, without } from "./shiftline.ts";

const FOUR = "  - axes: { weight_bits: [8, 4], arch: [edge16x16, dot16x16] }\n";

/** Sweeps into a CSV of a folder, with the folder's cache. */
const sweepIn = (here: string, csv: string, ...words: readonly string[]) =>
  shiftline(
    "sweep",
    join(here, "small.yaml"),
    "--cache",
    join(here, "cache"),
    "--out",
    join(here, csv),
    ...words,
  );

const last = (here: string, err: string): string => without(here, err).trimEnd().split("\n").at(-1)!;

describe("the cache of sweeps", () => {
  test("a sweep says what it has to do and what of it is there already", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    const first = await sweepIn(here, "a.csv");
    expect(first.err).toContain(
      "4 points, 2 distinct numerics (0 in the cache), at most 4 distinct timings (0 in the cache)\n",
    );
    const second = await sweepIn(here, "b.csv", "--resume");
    expect(second.err).toContain(
      "4 points, 2 distinct numerics (2 in the cache), 4 distinct timings (4 in the cache)\n",
    );
    expect(readFileSync(join(here, "b.csv"))).toEqual(readFileSync(join(here, "a.csv")));
    const none = await shiftline(
      "sweep",
      join(here, "small.yaml"),
      "--no-cache",
      "--out",
      join(here, "c.csv"),
    );
    expect(none.err).toContain("4 points, 2 distinct numerics, at most 4 distinct timings\n");
    expect(readFileSync(join(here, "c.csv"))).toEqual(readFileSync(join(here, "a.csv")));
  });

  test("is listed by kind, and pruned by age, by size, or whole", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    await sweepIn(here, "a.csv");
    const inCache = (...words: readonly string[]) =>
      shiftline("cache", ...words, "--cache", join(here, "cache"));
    const list = await inCache();
    const cells = without(here, list.out)
      .split("\n")
      .map((line) => line.split(/ {2,}/).slice(0, 2).join(" "));
    expect(cells).toEqual([
      ...["FOLDER/cache", "kind entries", "reference 1", "layouts 2", "numerics 2", "costs 4", "total 9", ""],
    ]);
    const [old] = readdirSync(join(here, "cache", "costs"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    utimesSync(old!, 0, 0);
    expect((await inCache("prune", "--older-than", "365")).out).toMatch(
      /^removed 1 entry of [\d,]+ bytes; 8 entries /,
    );
    expect(existsSync(old!)).toBe(false);
    const { total } = JSON.parse((await inCache("--json")).out);
    const pruned = JSON.parse((await inCache("prune", "--max-bytes", String(total.bytes - 1), "--json")).out);
    expect(pruned.removed.entries).toBe(1);
    expect(pruned.left.bytes).toBeLessThan(total.bytes);
    expect((await inCache("prune", "--all")).out).toMatch(/; 0 entries of 0 bytes left in /);
    expect(without(here, (await inCache()).out)).toBe("FOLDER/cache: empty\n");
  });

  test("faulty words are usage, faulty folders one line and nothing written", async () => {
    const here = folder();
    experimentIn(here);
    writeFileSync(join(here, "file"), "");
    const lines = [
      ["cache", "--all"],
      ["cache", "prune"],
      ["cache", "prune", "--all", "--older-than", "3"],
      ["cache", "--cache", here],
      [
        "sweep",
        join(here, "small.yaml"),
        "--cache",
        join(here, "file", "cache"),
        "--out",
        join(here, "x.csv"),
      ],
      ["sweep", join(here, "small.yaml"), "--no-cache", "--resume", "--out", join(here, "x.csv")],
    ];
    const answers: string[] = [];
    for (const line of lines) {
      const { status, out, err } = await shiftline(
        ...line,
        ...(line.includes("--cache") || line[0] === "sweep" ? [] : ["--cache", join(here, "cache")]),
      );
      expect(out).toBe("");
      answers.push(`${status} ${last(here, err)}`);
    }
    expect(readdirSync(here).sort()).toEqual(["file", "small.yaml"]);
    expect(answers.join("\n")).toMatchInlineSnapshot(`
      "2 shiftline: that is what prune removes, as in: cache prune --all (see shiftline --help)
      2 shiftline: prune takes one of --older-than DAYS, --max-bytes N and --all (see shiftline --help)
      2 shiftline: prune takes one of --older-than DAYS, --max-bytes N and --all (see shiftline --help)
      1 shiftline: FOLDER: no cache of results: there is no CACHEDIR.TAG in it
      1 shiftline: FOLDER/file/cache/CACHEDIR.TAG: cannot be written (ENOTDIR)
      2 shiftline: --resume goes on from what the cache holds, and there is none (see shiftline --help)"
    `);
  });
});

describe("shards", () => {
  test("merge into the bytes of one sweep, whatever the order, refused points included", async () => {
    const here = folder();
    experimentIn(here, `${FOUR}  - { set: { activation.bytes: 256 } }\n`);
    await sweepIn(here, "whole.csv");
    const parts = ["3/3", "1/3", "2/3"];
    for (const part of parts) await sweepIn(here, `${part[0]}.csv`, "--shard", part);
    const files = parts.map((part) => join(here, `${part[0]}.csv`));
    const { status, out, err } = await shiftline("merge", ...files, "--out", join(here, "merged.csv"));
    expect({ status, out: without(here, out), err }).toEqual({
      ...{ status: 0, out: "wrote 4 points to FOLDER/merged.csv\n" },
      err: "refused: point 5, edge16x16, activation.bytes=256: activation.bytes: 256 bytes, 0 of them taken, cannot hold memory, 960 bytes: 960 codes of 8 bits\n",
    });
    expect(readFileSync(join(here, "merged.csv"))).toEqual(readFileSync(join(here, "whole.csv")));
    const again = await shiftline("merge", ...files, "--out", join(here, "merged.csv"), "--json");
    const whole = await sweepIn(here, "whole.csv", "--json");
    expect(JSON.parse(again.out)).toEqual({
      ...{ out: join(here, "merged.csv"), rows: 4, refused: JSON.parse(whole.out).refused },
    });
  });

  test("that are not all there, not of one sweep, or not whole, are refused by name", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    for (const part of ["1/2", "2/2"]) await sweepIn(here, `${part[0]}.csv`, "--shard", part);
    await sweepIn(here, "whole.csv");
    await sweepIn(here, "other.csv", "--shard", "2/2", "--set", "mac.rows=8");
    const short = readFileSync(join(here, "2.csv"), "utf8").trimEnd().split("\n").slice(0, -1);
    writeFileSync(join(here, "short.csv"), `${short.join("\n")}\n`);
    writeFileSync(join(here, "cut.csv"), readFileSync(join(here, "2.csv"), "utf8").slice(0, -2));
    const answers: string[] = [];
    for (const files of [
      ["1"],
      ["1", "1"],
      ["1", "other"],
      ["1", "whole"],
      ["1", "short"],
      ["1", "cut"],
      ["1", "none"],
    ]) {
      const paths = files.map((name) => join(here, `${name}.csv`));
      const { status, err } = await shiftline("merge", ...paths, "--out", join(here, "merged.csv"));
      answers.push(`${status} ${last(here, err)}`);
    }
    for (const shard of ["0/2", "3/2", "1/5", "half"]) {
      const { status, err } = await sweepIn(here, "x.csv", "--shard", shard);
      answers.push(`${status} ${last(here, err)}`);
    }
    expect(existsSync(join(here, "merged.csv"))).toBe(false);
    expect(existsSync(join(here, "x.csv"))).toBe(false);
    expect(answers.join("\n")).toMatchInlineSnapshot(`
      "1 shiftline: FOLDER/1.csv: one of 2 shards, of which these are missing: 2
      1 shiftline: FOLDER/1.csv: shard 1/2, as FOLDER/1.csv is
      1 shiftline: FOLDER/other.csv: a shard of another sweep than FOLDER/1.csv
      1 shiftline: FOLDER/whole.csv: no shard of a sweep: its first line does not say which one it is
      1 shiftline: FOLDER/short.csv: 1 rows of the 2 that its first line tells of
      1 shiftline: FOLDER/cut.csv: ends within a line (cut short?)
      1 shiftline: FOLDER/none.csv: no such file
      1 shiftline: --shard: 0/2 is not one of 1/2 … 2/2
      1 shiftline: --shard: 3/2 is not one of 1/2 … 2/2
      1 shiftline: --shard: 5 shards of 4 points would leave some without any
      2 shiftline: --shard takes a part and how many there are, as in 2/8, not "half" (see shiftline --help)"
    `);
  });
});

describe("going on", () => {
  test("refuses a CSV of another experiment or of another part, and leaves it as it is", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    await sweepIn(here, "a.csv", "--set", "mac.rows=8");
    const before = readFileSync(join(here, "a.csv"));
    const other = await sweepIn(here, "a.csv", "--resume");
    const part = await sweepIn(here, "a.csv", "--resume", "--shard", "1/2", "--set", "mac.rows=8");
    experimentIn(here);
    const fewer = await sweepIn(here, "a.csv", "--resume", "--set", "mac.rows=8");
    const answers = [other, part, fewer].map(({ status, err }) => `${status} ${last(here, err)}`);
    // A machine's hash moves with every parameter that is added.
    expect(answers.join("\n").replace(/[0-9a-f]{12}/g, "HASH")).toMatchInlineSnapshot(`
      "1 shiftline: FOLDER/a.csv: point 1 is of another experiment: arch_hash is HASH, not HASH; give another --out, or leave out --resume to write over it
      1 shiftline: FOLDER/a.csv: holds another part of the sweep; give another --out
      1 shiftline: FOLDER/a.csv: has a point 2, small has none; give another --out, or leave out --resume to write over it"
    `);
    expect(readFileSync(join(here, "a.csv"))).toEqual(before);
  });

  test("after Ctrl-C: what is done is kept, nothing is half written, and the end is the same", async () => {
    const here = folder();
    experimentIn(here, FOUR);
    const { main } = await import("../../src/cli/main.ts");
    let err = "";
    const io = {
      out() {},
      err(text: string) {
        err += text;
        if (text.startsWith("2/")) process.emit("SIGINT");
      },
    };
    const words = ["sweep", join(here, "small.yaml"), "--cache", join(here, "cache"), "--workers", "1"];
    expect(await main([...words, "--out", join(here, "a.csv")], io)).toBe(130);
    expect(last(here, err)).toBe(
      "interrupted after 2 of 3 pieces of work: what is done is in FOLDER/cache; the same command with --resume goes on from there",
    );
    expect(existsSync(join(here, "a.csv"))).toBe(false);
    const resumed = await sweepIn(here, "a.csv", "--resume");
    expect(resumed.err).toContain("2 distinct numerics (1 in the cache)");
    await shiftline("sweep", join(here, "small.yaml"), "--no-cache", "--out", join(here, "b.csv"));
    expect(readFileSync(join(here, "a.csv"))).toEqual(readFileSync(join(here, "b.csv")));
  });
});
