import type { Argv, Options } from "yargs";
import { InputError } from "../base/errors.ts";
import { faultOf } from "../base/settings.ts";
import { DESCRIPTION, MODEL_NAMES, type ModelName, modelOf } from "../model/table.ts";
import { makeRecipe } from "../quant/recipe.ts";
import { type Experiment, loadExperiment } from "../sweep/experiment.ts";
import { MAPPERS, type Mapper } from "../sweep/mapped.ts";
import type { Point } from "../sweep/points.ts";
import { SUBJECT_FIELDS } from "../sweep/subjects.ts";
import { UsageError } from "./command.ts";
import { recipeOf, set, settingsOf, wholeNumber } from "./options.ts";
import { placeOf } from "./places.ts";

/** The options of a verb that works on one point of an experiment. */
export const pointOptions = (y: Argv) =>
  y
    .positional("experiment", {
      type: "string",
      describe: `its file, or its name in experiments/; default the model's own, ${experimentOf(MODEL_NAMES[0])}`,
    })
    .option("model", modelOption)
    .option("point", {
      type: "string",
      requiresArg: true,
      default: "1",
      describe: "which of its points; the first one is the base of the others",
    })
    .option("weights", {
      type: "string",
      requiresArg: true,
      describe: "other weights for the model, as `train` writes them: a safetensors file",
    })
    .option("arch", {
      type: "string",
      requiresArg: true,
      describe: "another machine, a file or its name in arch/",
    })
    .option("set", set)
    .option("recipe", {
      ...set,
      describe: "another recipe, a file or its name in recipes/, or a changed parameter, as in weight_bits=4",
    });

/** A model in place of the experiment's. */
export const modelOption = {
  type: "string",
  requiresArg: true,
  describe: `another model than the experiment's: ${MODEL_NAMES.join(", ")}, or a ${DESCRIPTION} file that describes one; without an experiment, this model's own`,
  coerce: (name: string): ModelName => {
    const fault = faultOf(SUBJECT_FIELDS.model, name);
    if (fault !== undefined) throw new UsageError(`--model: ${fault}`);
    return name as ModelName;
  },
} as const satisfies Options;

/** The experiment that ships with a model. */
export const experimentOf = (model: ModelName): string => modelOf(model).experiment;

/** For verbs that time what they are asked about. */
export const mapperOption = {
  choices: MAPPERS,
  requiresArg: true,
  describe: "how matrices are cut and placed: by the fixed rule, or by a search with the clock as its cost",
} as const satisfies Options;

/** Those of them that may be given more than once. */
export const POINT_LISTS = ["set", "recipe"] as const;

interface Asked {
  readonly experiment: string | undefined;
  readonly model?: ModelName | undefined;
  readonly point: string;
  readonly arch: string | undefined;
  readonly set: readonly string[] | undefined;
  readonly recipe: readonly string[] | undefined;
  readonly mapper?: Mapper | undefined;
  readonly weights?: string | undefined;
}

/** An experiment with what the command line says over it, and the one point of it that is meant. */
export interface Chosen {
  readonly experiment: Experiment;
  readonly point: Point;
}

/**
 * What `pointOptions` say.
 * @param words  how many words to sample, where it is not the experiment's number
 * @throws UsageError for options that cannot be read; InputError for files, names and values that are refused
 */
export function chosenPoint(asked: Asked, words?: number): Chosen {
  const { model, point, arch, set, recipe, mapper, weights } = asked;
  const given = asked.experiment ?? experimentOf(model ?? MODEL_NAMES[0]);
  const index = wholeNumber(point, "--point", 1);
  const { name, changes } = recipeOf(recipe);
  const sets = { ...settingsOf(set, "--set"), ...changes };
  makeRecipe(changes, "--recipe");
  const experiment = loadExperiment(placeOf(given, "experiments"), {
    sets,
    point: index,
    ...(model === undefined ? {} : { model }),
    ...(words === undefined ? {} : { words }),
    ...(mapper === undefined ? {} : { mapper }),
    ...(weights === undefined ? {} : { weights }),
    ...(arch === undefined ? {} : { arch: placeOf(arch, "arch") }),
    ...(name === undefined ? {} : { recipe: placeOf(name, "recipes") }),
  });
  const { path, points } = experiment;
  const chosen = points.find((candidate) => candidate.index === index);
  if (chosen === undefined)
    throw new InputError(path, `there is no point ${index}, only 1 … ${points.at(-1)?.index ?? 0}`);
  return { experiment, point: chosen };
}
