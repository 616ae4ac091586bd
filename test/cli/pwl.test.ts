import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inputGrid, outputGrid } from "../../src/cli/pwl/grids.ts";
import { allocate, type Choice } from "../../src/cli/pwl/knapsack.ts";
import { maxOf, minOf, signed } from "../../src/fixed/format.ts";
import { decode } from "../../src/fixed/real.ts";
import { buildTable } from "../../src/pwl/build.ts";
import { CURVES } from "../../src/pwl/curves.ts";
import { tableError } from "../../src/pwl/error.ts";
import { interpolationError, PWL_METHODS, place } from "../../src/pwl/placement.ts";
import { lookup, type PwlTable } from "../../src/pwl/table.ts";
import { bipolarGrid, unitGrid } from "../../src/quant/grid.ts";
import { parseCsv } from "../../src/report/csv.ts";
import { folder, shiftline } from "./shiftline.ts";

interface Document {
  readonly curve: string;
  readonly results: readonly Readonly<Record<string, unknown>>[];
}

async function resultsOf(...words: readonly string[]): Promise<Document> {
  const { status, out, err } = await shiftline("pwl", ...words, "--json");
  expect(err).toBe("");
  expect(status).toBe(0);
  return JSON.parse(out) as Document;
}

/** The keys that others rely on, in their order. */
const KEYS = [
  ...["method", "pieces", "max_error", "rms_error", "table_max_error_lsb", "table_rms_error_lsb"],
  ...["storage_bits", "knots"],
];

describe("grids", () => {
  test("codes step evenly, the ends have codes within half a step, and 0 has one where it is between them", () => {
    const real = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        real,
        fc.double({ min: 1e-3, max: 200, noNaN: true }),
        fc.integer({ min: 2, max: 16 }),
        (lo, span, bits) => {
          const hi = lo + span;
          const grid = inputGrid(lo, hi, bits);
          const [first, last] = [decode(minOf(grid.format), grid), decode(maxOf(grid.format), grid)];
          const slack = (lo <= 0 && hi >= 0 ? grid.scale / 2 : 0) + 1e-9;
          expect(Math.abs(first - lo)).toBeLessThanOrEqual(slack);
          expect(Math.abs(last - hi)).toBeLessThanOrEqual(slack);
          if (lo <= 0 && hi >= 0) expect(Number.isInteger(grid.zero)).toBe(true);
        },
      ),
    );
  });

  test("an output's grid holds every value and 0, with 0 on a code, in steps no coarser than the rounded range asks for", () => {
    const real = fc
      .double({ min: -1000, max: 1000, noNaN: true })
      .filter((x) => x === 0 || Math.abs(x) > 1e-9);
    fc.assert(
      fc.property(real, real, fc.integer({ min: 2, max: 16 }), (a, b, bits) => {
        const [least, most] = [Math.min(a, b), Math.max(a, b)];
        const grid = outputGrid(least, most, bits);
        const slack = 1e-9 * grid.scale * 2 ** bits;
        expect(decode(minOf(grid.format), grid)).toBeLessThanOrEqual(Math.min(least, 0) + slack);
        expect(decode(maxOf(grid.format), grid)).toBeGreaterThanOrEqual(Math.max(most, 0) - slack);
        expect(Number.isInteger(grid.zero)).toBe(true);
        const span = Math.max(most, 0) - Math.min(least, 0);
        if (span > 0)
          expect(grid.scale * (2 ** bits - 2)).toBeLessThanOrEqual(1.1 * span * (bits === 2 ? 2 : 1.5));
      }),
    );
  });

  test("those of sigmoid and tanh are the recipes'", () => {
    expect(outputGrid(0.0003, 0.9997, 8)).toEqual(unitGrid(8, false));
    expect(outputGrid(-0.9993, 0.9993, 8)).toEqual(bipolarGrid(8, false));
    expect(outputGrid(0, 0, 8)).toEqual({ format: signed(8), scale: 1, zero: 0 });
    expect(outputGrid(0, Number.MIN_VALUE, 8)).toEqual({ format: signed(8), scale: 1, zero: 0 });
  });
});

describe("a table", () => {
  test("the document begins with the keys that are promised, and its figures are those of the rooms below", async () => {
    const { curve, results } = await resultsOf("sigmoid", "--pieces", "4,9..18", "--all");
    expect(curve).toBe("sigmoid");
    expect(results.map(({ method, pieces }) => [method, pieces])).toEqual(
      PWL_METHODS.flatMap((method) => [4, 9, 18].map((pieces) => [method, pieces])),
    );
    // Written out: the affine grid of [-8, 8], on which 0 is the 129th code.
    const input = { format: signed(8), scale: 16 / 255, zero: 0 };
    const output = { format: signed(8), scale: 1 / 255, zero: -128 };
    const { f } = CURVES.sigmoid;
    const values = Float64Array.from({ length: 256 }, (_, i) => f((16 / 255) * (i - 128)));
    for (const result of results) {
      expect(Object.keys(result).slice(0, KEYS.length)).toEqual(KEYS);
      const [method, pieces] = [result["method"] as (typeof PWL_METHODS)[number], result["pieces"] as number];
      const line = place(values, pieces, method);
      const { maxError, rmsError } = interpolationError(values, line);
      const table = buildTable(f, input, output, { method, pieces, slopeBits: 16 });
      const { maxLsb, rmsLsb } = tableError(table, f, input, output, "half-away");
      expect(result).toMatchObject({
        ...{
          max_error: maxError,
          rms_error: rmsError,
          table_max_error_lsb: maxLsb,
          table_rms_error_lsb: rmsLsb,
        },
        // Knot, offset and slope of each piece, and one shift.
        storage_bits: pieces * (8 + 8 + 16) + 8,
        knots: Array.from(line.knots, (knot) => knot - 128),
      });
    }
  });

  test("the published errors of the paper's greedy, digit for digit", async () => {
    const { results } = await resultsOf("sigmoid", "--pieces", "32");
    const [{ max_error, rms_error }] = results as [{ max_error: number; rms_error: number }];
    expect([max_error.toFixed(5), rms_error.toFixed(5)]).toEqual(["0.00768", "0.00377"]);
  });

  test("half of a symmetric curve takes half the pieces, and its knots begin in the middle", async () => {
    const { results } = await resultsOf(
      ...["tanh", "--symmetry", "point", "--pieces", "8", "--method", "gap"],
    );
    const [result] = results;
    expect(result).toMatchObject({ pieces: 8, stored_pieces: 4, comparators: 3 });
    expect((result!["knots"] as number[])[0]).toBe(0);
    expect(result!["knots"]).toHaveLength(5);
  });

  test("polishing lessens the table's largest error and leaves the line alone", async () => {
    const words = [
      "gelu",
      "--pieces",
      "8",
      "--method",
      "gap",
      "--offset-fraction",
      "4",
      "--shifts",
      "per-piece",
    ];
    const [plain] = (await resultsOf(...words)).results as [Record<string, number>];
    const [polished] = (await resultsOf(...words, "--polish", "max")).results as [Record<string, number>];
    expect(polished["table_max_error_lsb"]).toBeLessThan(plain["table_max_error_lsb"]!);
    expect(polished["max_error"]).toBe(plain["max_error"]);
  });

  test("free knots are the table's, and cost it at most one LSB more than rounding at 8 pieces and 8 bits", async () => {
    const words =
      "tanh --pieces 8 --method minimax --offset-fraction 4 --shifts per-piece --polish free-knots";
    const [found] = (await resultsOf(...words.split(" "))).results;
    expect(found!["table_max_error_lsb"]).toBeLessThan(1.5);
    const { out } = await shiftline("pwl", ...words.split(" "), "--emit", "json");
    const { knots, polish } = JSON.parse(out) as { readonly knots: number[]; readonly polish: string };
    expect(polish).toBe("free-knots");
    expect(found!["knots"]).toEqual([...knots, 127]);
  });

  test("a curve of one's own, from a file", async () => {
    const path = join(folder(), "ramp.csv");
    writeFileSync(path, "x,y\n0,0\n1,1\n2,1\n");
    const { curve, results } = await resultsOf(path, "--pieces", "2", "--method", "minimax,optimal-max");
    expect(curve).toBe("ramp");
    // The corner at 1 lies between two of the 256 inputs.
    for (const { max_error } of results) expect(max_error as number).toBeLessThan(1 / 255);
  });

  test("the CSV and the table on the terminal have a line for each", async () => {
    const { out } = await shiftline(..."pwl exp --pieces 2,4 --method slope,gap --csv".split(" "));
    const { header, rows } = parseCsv(out, "stdout");
    const at = (row: readonly string[], name: string) => row[header.indexOf(name)]!;
    expect(rows.map((row) => `${at(row, "method")} ${at(row, "pieces")}`)).toEqual([
      "slope 2",
      "slope 4",
      "gap 2",
      "gap 4",
    ]);
    const text = (await shiftline(..."pwl exp --pieces 2,4 --method slope,gap".split(" "))).out;
    for (const row of rows) expect(text).toContain(at(row, "max_error"));
  });

  test("the JSON that is emitted is the table, field by field", async () => {
    const path = join(folder(), "t.json");
    const words =
      "pwl sigmoid --pieces 8 --symmetry point --offset-fraction 3 --emit json --out 10 --out".split(" ");
    expect(await shiftline(...words, path)).toEqual({ status: 0, out: "", err: `wrote ${path}\n` });
    const read = JSON.parse(readFileSync(path, "utf8")) as {
      readonly [key: string]: number & { readonly bits: number; readonly signed: boolean };
    } & {
      knots: number[];
      offsets: number[];
      slopes: number[];
      shifts: number[];
      mirror: { in_sum: number; out_sum: number };
    };
    const table: PwlTable = {
      in: { bits: read["input"]!.bits, signed: read["input"]!.signed },
      out: { bits: read["output"]!.bits, signed: read["output"]!.signed },
      knots: Int32Array.from(read.knots),
      bases: Int32Array.from(read.offsets),
      offsetFraction: read["offset_fraction"]!,
      slopes: Int32Array.from(read.slopes),
      shifts: Int32Array.from(read.shifts),
      slopeBits: read["slope_bits"]!,
      mirror: { inSum: read.mirror.in_sum, outSum: read.mirror.out_sum },
    };
    const input = { format: signed(8), scale: 16 / 255, zero: 0 };
    const output = { format: signed(10), scale: 1 / 1023, zero: -512 };
    const own = { method: "slope", pieces: 8, slopeBits: 16, offsetFraction: 3, symmetry: 1 } as const;
    const built = buildTable(CURVES.sigmoid.f, input, output, own);
    for (let x = -128; x < 128; x++)
      expect(lookup(table, x, "half-away")).toBe(lookup(built, x, "half-away"));
  });

  test("the rows that are emitted are the pieces", async () => {
    const { out } = await shiftline(..."pwl log --pieces 3 --method uniform --emit csv".split(" "));
    const { header, rows } = parseCsv(out, "stdout");
    const at = (name: string) => rows.map((row) => Number(row[header.indexOf(name)]));
    expect(at("knot")).toEqual([-128, -43, 42]);
    expect(at("last")).toEqual([-44, 41, 127]);
    // The offset at a knot is the curve there, to half an output LSB.
    for (const [i, x] of at("x").entries())
      expect(Math.abs(at("y")[i]! - Math.log(x))).toBeLessThan(0.6 * (4.2 / 255));
  });

  test("pictures are written where they are asked for", async () => {
    const path = folder();
    const words = "pwl sigmoid --pieces 4,8 --method slope,minimax --svg".split(" ");
    const { err } = await shiftline(...words, join(path, "a.svg"), "--html", join(path, "a.html"));
    expect(err).toBe(`wrote ${join(path, "a.svg")}\nwrote ${join(path, "a.html")}\n`);
    const [svg, html] = ["a.svg", "a.html"].map((name) => readFileSync(join(path, name), "utf8"));
    expect(svg).toMatch(/^<svg xmlns/);
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<script|https?:(?!\/\/www\.w3\.org)/);
  });
});

test.each([
  ["sigmod", 1, "sigmod: no such curve or file; did you mean sigmoid?"],
  [
    "no-curve-at-all",
    1,
    `no-curve-at-all: no such curve or file; there are ${Object.keys(CURVES).join(", ")}`,
  ],
  ["sigmoid --pieces 256", 2, "--pieces takes 1 … 255, not 256"],
  ["sigmoid --pieces 0", 2, '--pieces takes a whole number from 1 on, not "0"'],
  ["sigmoid --pieces 8..4", 2, "--pieces 8..4 runs backwards"],
  ["sigmoid --pieces 1..2..3", 2, '--pieces takes 8, 4,8,16 or 4..64, not "1..2..3"'],
  ["sigmoid --lo 1 --hi 1", 2, "--lo 1 is not below --hi 1 by 1e-9"],
  ["sigmoid --lo -1e12", 2, '--lo takes a number in -1e9 … 1e9, not "-1e12"'],
  ["sigmoid --lo 0 --hi 1e-12", 2, "--lo 0 is not below --hi 1e-12 by 1e-9"],
  ["sigmoid --lo abc", 2, '--lo takes a number in -1e9 … 1e9, not "abc"'],
  ["log --lo -1", 1, "log: NaN at -1; --lo and --hi choose where the curve is tabulated"],
  ["log --lo 0", 1, "log: -Infinity at 0; --lo and --hi choose where the curve is tabulated"],
  ["sigmoid --method sloop", 2, "--method: no method sloop; did you mean slope?"],
  ["sigmoid --in 17", 2, "--in takes 2 … 16, not 17"],
  ["sigmoid --out 8 --out 9", 2, "--out gives 2 numbers of bits"],
  ["sigmoid --out a --out b", 2, "--out names 2 files"],
  ["sigmoid --out x.h", 2, "--out x.h needs --emit"],
  ["sigmoid --emit c", 2, "--emit writes one table, not 5: choose one of --method and one of --pieces"],
  ["sigmoid --json --csv", 2, "--json and --csv print different things"],
  ["gelu --symmetry point", 1, "--symmetry point: gelu has no s with f(-x) = s - f(x)"],
  [
    "tanh --symmetry point --lo -8",
    1,
    "--symmetry point: on [-8, 4] less than half of the inputs lie above 0, and the upper half is what is stored",
  ],
  [
    "sqrt --slope-bits 2 --pieces 200",
    1,
    "pwl.slopeBits: 2: a slope of 15.968719422671313 output LSBs per input LSB does not fit 2 bits",
  ],
  ["tanh --slope-bits 17", 2, "--slope-bits takes 2 … 16, not 17"],
  ["tanh --offset-fraction 17", 2, "--offset-fraction takes 0 … 16, not 17"],
  ["sigmoid tanh", 2, "Unknown argument: tanh"],
  ["sigmoid --pieces 8 --pieces 9", 2, "--pieces is given 2 times"],
  [
    "allocate g2p-smoke --words 3 --budget 7",
    1,
    "--budget: 7 sites take 2 pieces each or more, not 7 together",
  ],
  ["allocate g2p --budget 70 --levels 8", 2, '--levels takes two numbers or more, not "8"'],
])("refused: pwl %s", async (words, status, problem) => {
  const answer = await shiftline("pwl", ...words.split(" "));
  const usage = status === 2 ? " (see shiftline --help)" : "";
  expect(answer).toEqual({ status, out: "", err: `shiftline: ${problem}${usage}\n` });
});

describe("allocation", () => {
  test("is no curve's name", () => expect(Object.keys(CURVES)).not.toContain("allocate"));

  const choices = fc.uniqueArray(
    fc.record({ pieces: fc.integer({ min: 1, max: 9 }), cost: fc.integer({ min: 0, max: 5 }) }),
    {
      selector: ({ pieces }) => pieces,
      minLength: 1,
      maxLength: 4,
    },
  );

  /** Every way to choose. */
  const allOf = (sites: readonly (readonly Choice[])[]): Choice[][] =>
    sites.reduce<Choice[][]>(
      (all, some) => all.flatMap((one) => some.map((choice) => [...one, choice])),
      [[]],
    );

  const costOf = (chosen: readonly Choice[]) => chosen.reduce((sum, { cost }) => sum + cost, 0);
  const piecesOf = (chosen: readonly Choice[]) => chosen.reduce((sum, { pieces }) => sum + pieces, 0);

  test("costs the least of all choices that fit the budget, and keeps to it", () => {
    fc.assert(
      fc.property(
        fc.array(choices, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 30 }),
        (sites, budget) => {
          const fitting = allOf(sites).filter((chosen) => piecesOf(chosen) <= budget);
          const found = allocate(sites, budget);
          if (fitting.length === 0) expect(found).toBeUndefined();
          else {
            expect(piecesOf(found!)).toBeLessThanOrEqual(budget);
            expect(costOf(found!)).toBe(Math.min(...fitting.map(costOf)));
            for (const [i, choice] of found!.entries()) expect(sites[i]).toContain(choice);
          }
        },
      ),
    );
  });

  test("what costs alike is spread", () => {
    const site = [2, 4, 6].map((pieces) => ({ pieces, cost: 0 }));
    expect(allocate([site, site], 8)!.map(({ pieces }) => pieces)).toEqual([4, 4]);
  });

  test("of a model: its sites, what each loses alone, and both splits scored", {
    timeout: 300_000,
  }, async () => {
    const words = "pwl allocate g2p-smoke --budget 57 --words 3 --levels 2,16 --workers 1 --json".split(" ");
    const { status, out, err } = await shiftline(...words);
    expect(status).toBe(0);
    expect(err.split("\n").filter(Boolean)).toHaveLength(12);
    const found = JSON.parse(out) as {
      readonly sites: readonly {
        site: string;
        pieces: number;
        equal: number;
        measured: { pieces: number; changed: number; loss: number }[];
      }[];
      readonly scores: Readonly<Record<string, Readonly<Record<string, number>>>>;
    };
    expect(found.sites.map(({ site }) => site)).toEqual([
      "gate",
      "candidate",
      "cell",
      "attention",
      "activation",
      "exp",
      "rsqrt",
    ]);
    expect(found.sites.map(({ equal }) => equal)).toEqual([9, 8, 8, 8, 8, 8, 8]);
    expect(found.sites.reduce((sum, { pieces }) => sum + pieces, 0)).toBeLessThanOrEqual(57);
    for (const { pieces, measured } of found.sites) {
      expect(measured.map((one) => one.pieces)).toEqual([2, 16]);
      expect(measured.map((one) => one.pieces)).toContain(pieces);
      expect(measured[1]).toEqual({ pieces: 16, changed: 0, loss: 0 });
    }
    expect(Object.keys(found.scores)).toEqual(["allocated", "equal", "finest", "float"]);
    // Two pieces of a gate's sigmoid are not enough for three words.
    expect(found.sites[0]!.measured[0]!.changed).toBeGreaterThan(0);
  });

  test("only of the sites that the recipe leaves a model, as text and as a CSV", {
    timeout: 300_000,
  }, async () => {
    const words = "pwl allocate g2p-smoke --budget 26 --words 2 --levels 2,16 --workers 1".split(" ");
    words.push("--recipe", "norm_inverse=division");
    const text = (await shiftline(...words)).out;
    expect(text).toContain("26 pieces over the sites of g2p; sites measured on 2 validation words\n");
    const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
    const line = (name: string) => lines.find(([first]) => first === name)!;
    expect(line("together")).toEqual(["together", "26", "26"]);
    expect(line("activation").at(4)).toBe("4");
    const { header, rows } = parseCsv((await shiftline(...words, "--csv")).out, "stdout");
    expect(header).toEqual(["site", "pieces", "changed_pct", "per_lost_pct", "chosen"]);
    expect(rows.map(([site, pieces]) => `${site} ${pieces}`)).toEqual(
      ["gate", "candidate", "cell", "attention", "activation", "exp"].flatMap((site) => [
        `${site} 2`,
        `${site} 16`,
      ]),
    );
    // One of them gets sixteen pieces, and the text says which.
    const chosen = rows.filter((row) => row[4] === "yes").map(([site, pieces]) => [site!, pieces!]);
    expect(chosen.map(([, pieces]) => Number(pieces)).sort((a, b) => a - b)).toEqual([2, 2, 2, 2, 2, 16]);
    for (const [site, pieces] of chosen) expect(line(site!)[1]).toBe(pieces);
  });
});
