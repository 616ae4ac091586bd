import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MODELS } from "../../src/model/table.ts";
import { columnsOf } from "../../src/sweep/columns.ts";
import { type Experiment, loadExperiment, type Overrides } from "../../src/sweep/experiment.ts";
import type { Row } from "../../src/sweep/run.ts";
import { temporaryFolder } from "../model/files.ts";

const folder = temporaryFolder();
let files = 0;

/** The parts of an experiment that a test is not about: a few words of the shipped model on the default machine. */
const HEAD = [
  "question: Does it work?",
  "words: { split: test, count: 3 }",
  "calibration: { words: 5 }",
  "arch: edge16x16",
];

/** Path of a new experiment file. */
export function write(text: string): string {
  const path = join(folder, `x${files++}.yaml`);
  writeFileSync(path, text);
  return path;
}

/** An experiment of these points, given as lines of YAML below `points:`. */
export const experimentOf = (points: readonly string[], overrides: Overrides = {}): Experiment =>
  loadExperiment(write([...HEAD, "points:", ...points.map((line) => `  ${line}`), ""].join("\n")), overrides);

/** What loading refuses, without the folder that the file happens to be in. */
export function refusalOf(text: string, overrides: Overrides = {}): string {
  const path = write(text);
  try {
    loadExperiment(path, overrides);
  } catch (error) {
    return (error as Error).message.replaceAll(path, "x.yaml");
  }
  return "nothing";
}

/** The same with a sound head and these points. */
export const refusalOfPoints = (points: readonly string[], overrides: Overrides = {}): string =>
  refusalOf([...HEAD, "points:", ...points.map((line) => `  ${line}`), ""].join("\n"), overrides);

export const COLUMNS = columnsOf(MODELS.g2p);

/** A row's value in a column, as the CSV has it. */
export function cellOf(row: Row, name: string): string {
  const column = COLUMNS.find((each) => each.name === name);
  if (column === undefined) throw new Error(`no column ${name}`);
  return String(column.of(row));
}
