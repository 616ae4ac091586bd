import { describe, expect, test } from "vitest";
import { withDerived } from "../../src/sweep/derive.ts";
import type { Experiment } from "../../src/sweep/experiment.ts";
import { loadExperiment } from "../../src/sweep/experiment.ts";
import { runSweep } from "../../src/sweep/run.ts";
import { COLUMNS, refusalOf, write } from "./lab.ts";

const HEAD = "question: Why?\nwords: { count: 3 }\ncalibration: { words: 5 }\narch: edge16x16\n";
const load = (text: string): Experiment => loadExperiment(write(HEAD + text));

/** The columns of these names, of each row. */
async function cellsOf(experiment: Experiment, names: readonly string[]): Promise<string[][]> {
  const { rows, baselines } = await runSweep(experiment, { workers: 0 });
  const columns = withDerived(COLUMNS, experiment.derived, baselines);
  return rows.map((row) => names.map((name) => String(columns.find((each) => each.name === name)!.of(row))));
}

test("columns of columns, of settings and of columns before them, and of a baseline that is no point", async () => {
  const experiment = load(
    [
      "points: [{ axes: { mac.rows: [8, 16] } }]",
      "baselines: { tall: { set: { mac.rows: 32 } }, four: { set: { weight_bits: 4 } } }",
      "derive:",
      "  multipliers: mac.rows * mac.columns",
      "  each: cycles / multipliers",
      "  faster: tall.cycles / cycles",
      "  rows_less: tall.mac.rows - rows",
      "  smaller: model_bytes > four.model_bytes",
      "  machine: arch",
      "",
    ].join("\n"),
  );
  expect(experiment.points).toHaveLength(2);
  const names = ["cycles", "multipliers", "each", "faster", "rows_less", "smaller", "machine"];
  const [eight, sixteen] = await cellsOf(experiment, names);
  const tall = load("points: [{ set: { mac.rows: 32 } }]");
  const [[cycles]] = (await cellsOf(tall, ["cycles"])) as [[string]];
  for (const [row, rows] of [
    [eight!, 8],
    [sixteen!, 16],
  ] as const) {
    const [own, multipliers, each, faster, less, ...others] = row;
    expect(multipliers).toBe(String(rows * 16));
    expect(Number(each)).toBeCloseTo(Number(own) / (rows * 16), 0);
    expect(Number(faster)).toBeCloseTo(Number(cycles) / Number(own), 5);
    expect(less).toBe(String(32 - rows));
    expect(others).toEqual(["true", "edge16x16"]);
  }
  expect(eight![3]).toMatch(/^[1-9]\.\d{5}$/);
});

test("small and large numbers have no exponent that a reader of CSVs would have to know", async () => {
  const experiment = load("points: [{}]\nderive: { tiny: 1 / 3 ** 20, huge: 3.5 ** 30, none: 1 / 0 }\n");
  expect(await cellsOf(experiment, ["tiny", "huge", "none"])).toEqual([
    ["0.000000000286797", (3.5 ** 30).toFixed(0), "Infinity"],
  ]);
});

test("a baseline that does not run is refused in its name", async () => {
  const experiment = load("points: [{}]\nbaselines: { small: { set: { weight.bytes: 256 } } }\n");
  await expect(runSweep(experiment, { workers: 0 })).rejects.toThrow(/x\d+\.yaml: baselines\.small: /);
});

describe("refused", () => {
  test.each([
    ["derive: { cycles: 1 }", "derive.cycles: there is a column or a parameter cycles already"],
    ["derive: { Cycles: 1 }", "derive.Cycles: names of columns are lower case, digits and _"],
    ["derive: { a: cycle * 2 }", "derive.a: no such name as cycle; did you mean cycles?"],
    ["derive: { a: b, b: 1 }", "derive.a: no such name as b"],
    ["derive: { a: int8.cycles }", "derive.a: no such name as int8.cycles"],
    ["derive: { a: arch * 2 }", 'derive.a: * takes numbers, not ""'],
    ["derive: { a: changes == 1 }", 'derive.a: == compares "" with 1'],
    ["derive: { a: arch, b: a + 1 }", 'derive.b: + takes numbers, not ""'],
    [
      "derive: { tuning_rate: 1 }",
      "derive.tuning_rate: there is a column or a parameter tuning_rate already",
    ],
    ["derive: { kept_at: 1 }", "derive.kept_at: kept_at has a meaning already"],
    ["derive: { a: cycles, in: 1 }", "derive.in: in has a meaning already"],
    ["baselines: { a: { where: weight_bits == 4 } }", "baselines.a: where: does not hold of it"],
    ["derive: [1]", "derive: not a mapping of names to expressions"],
    [
      "baselines: { a: { axes: { weight_bits: [8, 4] } } }",
      "baselines.a: a baseline is one point, and this is several",
    ],
    [
      "baselines: { a: { set: { weight_bits: 40 } } }",
      "baselines.a.set.weight_bits: 40 is not an integer in 2 … 16 bit",
    ],
    ["baselines: { mac: {} }", "baselines.mac: mac is a part of the machine already"],
    ["baselines: { 8bit: {} }", "baselines.8bit: names are lower case, digits and _"],
    ["baselines: []", "baselines: not a mapping of names to points"],
  ])("%s", (line, message) => {
    expect(refusalOf(`${HEAD}points: [{}]\n${line}\n`)).toContain(message);
  });
});
