import { expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { shiftline } from "./shiftline.ts";

const VERBS = [
  "sweep",
  "run",
  "profile",
  "gemm",
  "validate",
  "vectors",
  "arch",
  "schema",
  "isa",
  "asm",
  "disasm",
  "report",
  "compare",
];

test("--help lists every verb and the exit statuses, on stdout", async () => {
  const { status, out, err } = await shiftline("--help");
  expect(status).toBe(0);
  for (const verb of VERBS) expect(out).toMatch(new RegExp(`^  shiftline ${verb}\\b`, "m"));
  expect(out).toContain(
    "0 done, 1 refused (or, of compare, rows got worse), 2 wrong usage, 70 a bug of ours",
  );
  expect(err).toBe("");
});

test.each(VERBS)("%s --help shows an example and offers --json", async (verb) => {
  const { status, out } = await shiftline(verb, "--help");
  expect(status).toBe(0);
  expect(out).toMatch(new RegExp(`Examples:\n  shiftline ${verb}`));
  expect(out).toContain("--json");
});

test("--version is the package's", async () => {
  expect(await shiftline("--version")).toEqual({ status: 0, out: `${manifest.version}\n`, err: "" });
});

test("wrong usage is one line on stderr, status 2", async () => {
  const lines = [
    [],
    ["swep"],
    ["arch", "--sett", "mac.rows=1"],
    ["arch", "edge8x8", "--set"],
    ["arch", "edge8x8", "--set", "mac.rows"],
    ["arch", "--set", "mac.rows=8"],
    ["arch", "edge8x8", "--fields"],
    ["arch", "--", "edge8x8"],
    ["asm"],
    ["asm", "a.s", "b.s"],
    ["asm", "a.s", "--out", "a.bin", "--out", "b.bin"],
    ["sweep"],
    ["sweep", "g2p", "--workers", "two"],
    ["run", "--words", "0"],
    ["compare", "a.csv"],
  ];
  const answers: string[] = [];
  for (const line of lines) {
    const { status, out, err } = await shiftline(...line);
    expect({ line, status, out }).toEqual({ line, status: 2, out: "" });
    answers.push(`${line.join(" ")}\n    ${err.trimEnd()}`);
  }
  expect(answers.join("\n")).toMatchInlineSnapshot(`
    "
        shiftline: say what to do (see shiftline --help)
    swep
        shiftline: Did you mean sweep? (see shiftline --help)
    arch --sett mac.rows=1
        shiftline: Unknown argument: sett (see shiftline --help)
    arch edge8x8 --set
        shiftline: Not enough arguments following: set (see shiftline --help)
    arch edge8x8 --set mac.rows
        shiftline: --set takes KEY=VALUE, not "mac.rows" (see shiftline --help)
    arch --set mac.rows=8
        shiftline: --set needs a file to change (see shiftline --help)
    arch edge8x8 --fields
        shiftline: --fields takes no files (see shiftline --help)
    arch -- edge8x8
        shiftline: Unknown argument: edge8x8 (see shiftline --help)
    asm
        shiftline: Not enough non-option arguments: got 0, need at least 1 (see shiftline --help)
    asm a.s b.s
        shiftline: Unknown argument: b.s (see shiftline --help)
    asm a.s --out a.bin --out b.bin
        shiftline: --out is given 2 times (see shiftline --help)
    sweep
        shiftline: sweep needs an experiment, as in: sweep g2p (see shiftline --help)
    sweep g2p --workers two
        shiftline: --workers takes a whole number from 0 on, not "two" (see shiftline --help)
    run --words 0
        shiftline: --words takes a whole number from 1 on, not "0" (see shiftline --help)
    compare a.csv
        shiftline: Not enough non-option arguments: got 1, need at least 2 (see shiftline --help)"
  `);
});

test("a bug of ours shows where it is, status 70", async () => {
  const broken = {
    out: () => {
      throw new TypeError("the terminal is on fire");
    },
    err: (text: string) => {
      told += text;
    },
  };
  let told = "";
  const { main } = await import("../../src/cli/main.ts");
  expect(await main(["isa"], broken)).toBe(70);
  expect(told).toMatch(
    /^shiftline: a bug of ours\nTypeError: the terminal is on fire\n {4}at .*main\.test\.ts/,
  );
});
