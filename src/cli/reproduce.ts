import { InputError } from "../base/errors.ts";
import { faultOf } from "../base/settings.ts";
import { quoted } from "../base/shell.ts";
import { parseDecimal } from "../report/decimal.ts";
import { changesOf } from "../report/sweep/results.ts";
import { FACTS } from "../sweep/columns.ts";
import { type Experiment, loadExperiment } from "../sweep/experiment.ts";
import { askedCells, type Cells, differenceOf, originCells } from "../sweep/identity.ts";
import type { Point } from "../sweep/points.ts";
import { SETTINGS } from "../sweep/space.ts";
import { placeOf } from "./places.ts";

/** What gives the points of a CSV again. Experiments are looked for as every command does, and may be gone. */
export class Reproducer {
  readonly #path: string | undefined;
  readonly #experiments = new Map<string, Experiment | undefined>();
  readonly #points = new Map<Experiment, ReadonlyMap<string, Known>>();

  /** @param path  the experiment's file, where it is not to be found by its name */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** What the experiment asks; empty of experiments that are not there, and of several. */
  get question(): string {
    const found = [...this.#experiments.values()];
    return found.length === 1 ? (found[0]?.question ?? "") : "";
  }

  /**
   * The command line that gives a row again: its experiment's point alone where machine and recipe of that are the row's, by their hashes.
   * Where they are not, as after a sweep with --set, with what the row says of itself over it; where the experiment is not there, with
   * all that the row says.
   *
   * @throws InputError where the experiment's file is named and cannot be read
   */
  commandOf(cells: Cells): string {
    const name = cells["experiment"]!;
    const experiment = this.#experimentOf(name);
    const point = experiment && this.#pointsOf(experiment).get(cells["point"]!)?.cells;
    const isSame = ["arch_hash", "recipe_hash"].every((column) => cells[column] === point?.[column]);
    const options = ["model", "mapper", "arch", "recipe"] as const;
    return [
      "shiftline run",
      quoted(this.#path ?? name),
      `--point ${cells["point"]}`,
      ...options
        .filter((option) => cells[option] !== undefined && cells[option] !== point?.[option])
        .map((option) => `--${option} ${quoted(cells[option]!)}`),
      ...drawnOver(cells, point).map((setting) => `--set ${quoted(setting)}`),
      ...(isSame
        ? []
        : settingsOver(cells, point?.["changes"] ?? "").map((setting) => `--set ${quoted(setting)}`)),
    ].join(" ");
  }

  /** The point itself of a row. @throws InputError saying `where` the row is, unless the experiment's point of that number is what the row says */
  pointOf(cells: Cells, where: string): Point {
    const name = cells["experiment"]!;
    const called = `point ${cells["point"]} of ${name}`;
    const experiment = this.#experimentOf(name);
    if (experiment === undefined)
      throw new InputError(
        where,
        `${called}: there is no such experiment here; name its file with --experiment`,
      );
    const point = this.#pointsOf(experiment).get(cells["point"]!)?.point;
    if (point === undefined) throw new InputError(where, `${called}: ${experiment.path} has no such point`);
    const wanted = originCells(experiment.name, point);
    const column = differenceOf(cells, wanted);
    if (column === undefined) return point;
    const problem = `${column} is ${cells[column]} in the row, and ${wanted[column]} in ${experiment.path}`;
    throw new InputError(where, `${called}: ${problem}; it was changed since, or swept with other options`);
  }

  #experimentOf(name: string): Experiment | undefined {
    if (!this.#experiments.has(name)) this.#experiments.set(name, this.#load(name));
    return this.#experiments.get(name);
  }

  #load(name: string): Experiment | undefined {
    if (this.#path !== undefined) return loadExperiment(placeOf(this.#path, "experiments"));
    try {
      return loadExperiment(placeOf(name, "experiments"));
    } catch (error) {
      if (error instanceof InputError) return undefined;
      throw error;
    }
  }

  #pointsOf(experiment: Experiment): ReadonlyMap<string, Known> {
    let known = this.#points.get(experiment);
    known ??= new Map(
      experiment.points.map((point) => [
        String(point.index),
        { point, cells: askedCells(experiment.name, point) },
      ]),
    );
    this.#points.set(experiment, known);
    return known;
  }
}

/** A point of an experiment's file as it is now, and what its rows say. */
interface Known {
  readonly point: Point;
  readonly cells: Cells;
}

/** Which samples a row's ranges come from, where that is not what its experiment's point says. */
const drawnOver = (cells: Cells, point: Cells | undefined): string[] =>
  Object.entries(cells)
    .filter(([column, value]) => /^(seed|calibration_.*)$/.test(column) && value !== point?.[column])
    .map(([column, value]) => `${column.split("_")[0]}=${value}`)
    .sort((a, b) => (a < b ? 1 : -1));

/** What a row departs from its files in, and what it does not though its experiment's point does, as far as columns tell. */
function settingsOver(cells: Cells, ofPoint: string): string[] {
  const changes = new Map(changesOf(cells["changes"]!));
  const columns = new Map([...FACTS.values()].map(({ name, parameter }) => [parameter ?? name, name]));
  for (const [parameter] of changesOf(ofPoint)) {
    const value = cells[columns.get(parameter) ?? ""];
    // A column may show more than the parameter: the kind of norm, or no multiplier at all.
    const isValue = value !== undefined && faultOf(SETTINGS[parameter]!, typed(value)) === undefined;
    if (!changes.has(parameter) && isValue) changes.set(parameter, value);
  }
  return [...changes].map((pair) => pair.join("="));
}

const typed = (value: string): number | string => (parseDecimal(value) === undefined ? value : Number(value));
