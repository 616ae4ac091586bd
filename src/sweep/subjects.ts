import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../base/errors.ts";
import { PACKAGE } from "../base/package.ts";
import { Recent } from "../base/recent.ts";
import { faultOf, type Parameter } from "../base/settings.ts";
import type { Model } from "../model/model.ts";
import { DESCRIPTION, isDescription, MODEL_NAMES, type ModelName, modelOf } from "../model/table.ts";
import { MAPPERS, type Mapper } from "./mapped.ts";
import { countOf, type SubjectSpec } from "./subject.ts";

const CALIBRATION_SAMPLES = 300;

/** What a point may say beside machine and recipe: what is run, what its ranges come from, and how it is mapped. */
export const SUBJECT_FIELDS = {
  model: {
    ...{ kind: "choice", doc: "the model, or the path of a file that describes one" },
    ...{ choices: MODEL_NAMES, file: DESCRIPTION, default: MODEL_NAMES[0] },
  },
  calibration: {
    ...{ kind: "int", unit: "", min: 1, max: 1_000_000_000, default: CALIBRATION_SAMPLES },
    doc: "how many of the model's calibration samples give the ranges",
  },
  seed: {
    ...{ kind: "int", unit: "", min: 0, max: 4_294_967_295, default: 1 },
    doc: "which samples calibrate",
  },
  mapper: { kind: "choice", doc: "how matrices are mapped", choices: MAPPERS, default: MAPPERS[0] },
} as const satisfies Readonly<Record<string, Parameter>>;

/** A value of each of them. */
export interface SubjectValues {
  readonly model: ModelName;
  readonly calibration: number;
  readonly seed: number;
  readonly mapper: Mapper;
}

/** What all subjects of an experiment have in common. */
interface Scored {
  /** The model's first where it does not say. */
  readonly split?: string | undefined;
  /** Of what the model's nouns name; all where it does not say. */
  readonly count?: number | undefined;
  /** Path of other weights than the model's own. */
  readonly weights?: string | undefined;
}

/** The subjects of an experiment. Those that are equal are one object. */
export class Subjects {
  readonly #path: string;
  readonly #base: ModelName;
  readonly #scored: Scored;
  readonly #held = new Recent<SubjectSpec>(Number.POSITIVE_INFINITY);

  /**
   * @param path  the experiment's, beside which models are looked for first
   * @param base  the model of points that name none, which has been looked for
   */
  constructor(path: string, base: ModelName, scored: Scored) {
    this.#path = path;
    this.#base = base;
    this.#scored = scored;
  }

  /** @throws InputError where the model has no such split, or not so many samples */
  of(values: SubjectValues): SubjectSpec {
    const { calibration, seed } = values;
    const name = values.model === this.#base ? this.#base : placed(values.model, this.#path);
    return this.#held.recall(JSON.stringify([name, calibration, seed]), () => {
      const { split, count, weights } = this.#scored;
      const model = modelOf(name);
      const folder = folderOf(name, this.#path);
      const [most, observed] = [model.splits[0], model.calibrationSplit];
      const chosen = split ?? most;
      refuse(name, "words.split", splitParameter(model), chosen);
      const samples = samplesParameter(model, chosen, folder);
      if (count !== undefined) refuse(name, "words.count", samples, count);
      refuse(name, "calibration", samplesParameter(model, observed, folder), calibration);
      return Object.freeze({
        ...{ model: name, folder, split: chosen, samples: count ?? samples.max, calibration, seed },
        ...(weights !== undefined && { weights }),
      });
    });
  }
}

function refuse(model: string, key: string, parameter: Parameter, value: unknown): void {
  const fault = faultOf(parameter, value);
  if (fault !== undefined) throw new InputError(model, `${key}: ${fault.trimEnd()}`);
}

export const splitParameter = ({ nouns, splits }: Model): Parameter => ({
  ...{ kind: "choice", choices: splits, default: splits[0] },
  doc: `which ${nouns.many} are scored`,
});

/** How many samples of a split. */
export function samplesParameter(model: Model, split: string, folder: string) {
  const most = countOf(model, model.samples(split, folder));
  return {
    ...{ kind: "int", doc: "samples", unit: model.nouns.many, min: 1, max: most, default: most },
  } as const satisfies Parameter;
}

/** A model as an experiment names it, by a path from the current folder where it is a description beside the experiment's file. */
export function placed(name: ModelName, path: string): ModelName {
  const beside = join(dirname(path), name);
  return isDescription(name) && isDescription(beside) && existsSync(beside) ? beside : name;
}

/** The model beside the experiment, or else the one that ships with this package; of a description its own folder. */
export function folderOf(model: string, path: string): string {
  if (isDescription(model)) return dirname(model);
  const beside = join(dirname(path), "models", model);
  return existsSync(beside) ? beside : join(PACKAGE, "experiments", "models", model);
}
