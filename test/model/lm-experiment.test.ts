import { expect, test } from "vitest";
import { chosenPoint } from "../../src/cli/chosen.ts";
import { MODELS } from "../../src/model/table.ts";
import { columnsOf } from "../../src/sweep/columns.ts";
import { runPoint } from "../../src/sweep/point-report.ts";
import { experimentOf } from "../sweep/lab.ts";

const asked = { experiment: undefined, point: "1", arch: undefined, set: undefined, recipe: undefined };

test("a model without an experiment is run by its own; without either it is the first model's", () => {
  const named = ({ experiment: { name }, point: { subject } }: ReturnType<typeof chosenPoint>) => [
    name,
    subject.model,
  ];
  expect(named(chosenPoint({ ...asked, model: "lm-ln" }))).toEqual(["lm", "lm-ln"]);
  expect(named(chosenPoint({ ...asked, experiment: "g2p", model: "lm-ln" }))).toEqual(["g2p", "lm-ln"]);
  expect(named(chosenPoint(asked))).toEqual(["g2p", "g2p"]);
});

test("a point has perplexities beside the float model's, and costs of the words alone", () => {
  const experiment = experimentOf(["- { set: { weight_bits: 6 } }"], { model: "lm-ln", words: 200 });
  const { row, programs } = runPoint(experiment, experiment.points[0]!);
  const columns = columnsOf(MODELS["lm-ln"]);
  const cell = (name: string) => columns.find((column) => column.name === name)!.of(row);
  expect(cell("words")).toBe(200);
  const [integer, float] = [Number(cell("perplexity")), Number(cell("perplexity_float"))];
  expect(float).toBeGreaterThan(20);
  expect(Math.abs(integer / float - 1)).toBeLessThan(0.1);
  expect(Number(cell("agreement_pct"))).toBeGreaterThan(80);
  // Two passages, of which the second is read in: once started, a step a word.
  expect(programs.map(({ program, times }) => [program.name, times])).toEqual([
    ["load", 1],
    ["start", 1],
    ["step", 200],
  ]);
  const [, start, step] = programs.map(({ timing }) => timing.cycles);
  expect(Number(cell("cycles_per_word"))).toBeCloseTo((start! + 200 * step!) / 200, 1);
  expect(Number(cell("size_vs_fp32"))).toBeGreaterThan(3.8);
});
