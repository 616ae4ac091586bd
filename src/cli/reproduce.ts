import { hashArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { faultOf } from "../base/settings.ts";
import { quoted } from "../base/shell.ts";
import { hashRecipe } from "../quant/recipe.ts";
import { parseDecimal } from "../report/decimal.ts";
import { changesOf } from "../report/sweep/results.ts";
import { FACTS } from "../sweep/columns.ts";
import { type Experiment, loadExperiment } from "../sweep/experiment.ts";
import type { Point } from "../sweep/points.ts";
import { SETTINGS } from "../sweep/space.ts";
import { placeOf } from "./places.ts";

type Cells = Readonly<Record<string, string>>;

/** A point of an experiment's file as it is now. */
interface KnownPoint {
  readonly model: string;
  readonly mapper: string;
  readonly seed: string;
  readonly calibration: string;
  readonly arch: string;
  readonly recipe: string;
  readonly changes: string;
  /** Of machine and recipe. */
  readonly hashes: string;
}

/** What gives the points of a CSV again. Experiments are looked for as every command does, and may be gone. */
export class Reproducer {
  readonly #path: string | undefined;
  readonly #experiments = new Map<string, Experiment | undefined>();
  readonly #points = new Map<Experiment, ReadonlyMap<string, KnownPoint>>();

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
    const point = experiment && this.#pointsOf(experiment).get(cells["point"]!);
    const isSame = point?.hashes === `${cells["arch_hash"]} ${cells["recipe_hash"]}`;
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
        : settingsOver(cells, point?.changes ?? "").map((setting) => `--set ${quoted(setting)}`)),
    ].join(" ");
  }

  /** The point itself of a row. @throws InputError saying `where` the row is, unless the experiment's point of that number is what the row says */
  pointOf(cells: Cells, where: string): Point {
    const experiment = this.#experimentOf(cells["experiment"]!);
    const point = experiment?.points.find(({ index }) => String(index) === cells["point"]);
    const known = experiment && this.#pointsOf(experiment).get(cells["point"]!);
    const isSame =
      known?.hashes === `${cells["arch_hash"]} ${cells["recipe_hash"]}` &&
      (["model", "mapper"] as const).every((name) => known[name] === cells[name]);
    if (point === undefined || !isSame) {
      const name = `${cells["experiment"]}, point ${cells["point"]}`;
      throw new InputError(
        where,
        `${name} is no more what its row says; sweep again, or name it with --experiment`,
      );
    }
    return point;
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

  #pointsOf(experiment: Experiment): ReadonlyMap<string, KnownPoint> {
    let known = this.#points.get(experiment);
    known ??= new Map(
      experiment.points.map(({ index, arch, recipe, recipeName, subject, mapper, changes }) => [
        String(index),
        {
          ...{ model: subject.model, mapper, arch: arch.name, recipe: recipeName, changes },
          ...{ seed: String(subject.seed), calibration: String(subject.calibration) },
          hashes: `${hashArch(arch)} ${hashRecipe(recipe)}`,
        },
      ]),
    );
    this.#points.set(experiment, known);
    return known;
  }
}

/** Which samples a row's ranges come from, where that is not what its experiment's point says. */
function drawnOver(cells: Cells, point: KnownPoint | undefined): string[] {
  const calibration = Object.keys(cells).find((name) => name.startsWith("calibration_"));
  const drawn = { seed: cells["seed"], calibration: calibration && cells[calibration] };
  return Object.entries(drawn)
    .filter(([name, value]) => value !== undefined && value !== point?.[name as keyof typeof drawn])
    .map((pair) => pair.join("="));
}

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
