import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ArchSpec, loadArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { PACKAGE } from "../base/package.ts";
import { faultOf, type Parameter, suggestion } from "../base/settings.ts";
import { stemOf, YamlFile } from "../base/yaml.ts";
import { MODEL_NAMES, type ModelName, modelOf } from "../model/table.ts";
import { RECIPE_FIELDS } from "../quant/recipe.ts";
import { loadRecipe, type RecipeSpec } from "../quant/recipe-file.ts";
import { Node } from "./decode.ts";
import { MAPPERS, type Mapper } from "./mapped.ts";
import {
  distinctPoints,
  expand,
  type Group,
  type Over,
  type Point,
  SETTINGS,
  type Values,
} from "./points.ts";
import { Shelf } from "./shelf.ts";
import { countOf, type SubjectSpec } from "./subject.ts";

/** A question, and the points that answer it. */
export interface Experiment {
  readonly name: string;
  readonly path: string;
  readonly question: string;
  readonly subject: SubjectSpec;
  /** How every point maps its matrices. */
  readonly mapper: Mapper;
  readonly points: readonly Point[];
}

/** What the command line says over the file. */
export interface Overrides {
  /** For every point, over whatever an axis says: recipe parameters, and with a dot in the name architecture parameters. */
  readonly sets?: Values;
  /** The one machine of every point, by name or path. */
  readonly arch?: string;
  /** The one recipe file of every point, by name or path. */
  readonly recipe?: string;
  readonly mapper?: Mapper;
  readonly model?: ModelName;
  /** The one point that is wanted: what is wrong with another is nobody's business. */
  readonly point?: number;
  /** How many of what the model's nouns name to score. */
  readonly words?: number;
  /** Path of other weights than the model's own. */
  readonly weights?: string;
}

const whole = (doc: string, unit: string, min: number, max: number, value: number): Parameter => ({
  kind: "int",
  doc,
  unit,
  min,
  max,
  default: value,
});
const choice = (doc: string, choices: readonly [string, ...string[]]): Parameter => ({
  kind: "choice",
  doc,
  choices,
  default: choices[0],
});

const MODEL = choice("the model", MODEL_NAMES);
const MAPPER = choice("how matrices are mapped", MAPPERS);
const SEED = whole("which samples calibrate", "", 0, 4_294_967_295, 1);
const CALIBRATION_SAMPLES = 300;

const KEYS = [
  "question",
  "name",
  "model",
  "words",
  "calibration",
  "seed",
  "mapper",
  "arch",
  "recipe",
  "points",
];
const GROUP_KEYS = ["arch", "recipe", "set", "axes"];
const RECIPE_KEYS = ["file", ...Object.keys(RECIPE_FIELDS)];

/**
 * Reads an experiment file:
 *
 *     question: a sentence
 *     model: g2p                                 # the folder models/g2p beside the file
 *     words: { split: test, count: 500 }         # or count: all; drawn as the model has it: evenly spaced
 *     calibration: { words: 300 }                # of the validation words, likewise
 *     seed: 1                                    # which one: words later by so many, less one, modulo the space between them
 *     mapper: fixed                              # or search: tiles, loop order and residency by the clock
 *     arch: edge16x16                            # ../arch/edge16x16.yaml, or a path
 *     recipe: { file: irnn, cell_bits: 16 }      # ../recipes/irnn.yaml, and what departs from it in every point
 *     points:
 *       - axes: { weight_bits: [8, 4], mac.rows: [16, 32] }   # the grid, the last axis fastest
 *       - { arch: [edge8x8, dot16x16], recipe: [irnn, pulp], set: { pwl_pieces: 8 } }
 *
 * In `set` and `axes` a name with a dot is an architecture parameter, any other one of the recipe; `arch` and `recipe`
 * may be axes too. What a recipe asks of the machine goes over the machine's file. `name` is the file's, unless it is given.
 *
 * @throws InputError with every problem of the file at once, each with line and column
 */
export function loadExperiment(path: string, overrides: Overrides = {}): Experiment {
  refuseOverrides(overrides);
  const file = new YamlFile(path);
  const root = new Node(file, [], file.value);
  if (!root.isMapping) throw new InputError(path, `not a mapping of ${KEYS.join(", ")}`);
  root.entries(KEYS);
  const mapper = overrides.mapper ?? (root.at("mapper").parameter(MAPPER) as Mapper);
  const archs = new Shelf(path, "machine", "arch", "edge16x16", loadArch);
  const recipes = new Shelf(path, "recipe", "recipes", "irnn", loadRecipe);
  const question = root.at("question").text("one sentence");
  const name = root.at("name").isMissing ? stemOf(path) : root.at("name").text("a name");
  const subject = readSubject(root, path, overrides);
  const arch = overrides.arch === undefined ? undefined : archs.load(overrides.arch, "--arch");
  const base = arch !== undefined && root.at("arch").isMissing ? arch : archs.find(root.at("arch"));
  const { file: recipeFile, values: recipe } = readRecipe(root.at("recipe"), recipes);
  const nodes = root.at("points").items("groups");
  const files: Files = {
    archs: { shelf: archs, base },
    recipes: { shelf: recipes, base: recipeFile },
  };
  const groups = nodes.map((node) => readGroup(node, files));
  const over: Over = {
    ...{ sets: overrides.sets ?? {}, arch },
    recipe: overrides.recipe === undefined ? undefined : recipes.load(overrides.recipe, "--recipe"),
  };
  const told = new Set<string>();
  const points = expand(groups, recipe, over, (g, problem, index) => {
    if ((overrides.point ?? index) !== index || told.has(problem)) return;
    told.add(problem);
    nodes[g]!.complain(problem);
  });
  file.refuse();
  // One that is asked for by its number is wanted, and if it were another's equal.
  const kept = overrides.point === undefined ? distinctPoints(points) : points;
  return { name, path, question, subject, mapper, points: kept };
}

/** Names and values of `--set`, before any file is read. */
function refuseOverrides({ sets = {} }: Overrides): void {
  const problems = Object.entries(sets).flatMap(([name, value]) => {
    const fault = settingFault(name, value);
    return fault === undefined ? [] : [`${name}: ${fault}`];
  });
  if (problems.length > 0) throw new InputError("--set", problems.join("; "));
}

function settingFault(name: string, value: unknown): string | undefined {
  const parameter = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
  if (parameter === undefined) return `no such parameter${suggestion(name, Object.keys(SETTINGS))}`;
  return faultOf(parameter, value);
}

function readSubject(root: Node, path: string, overrides: Overrides): SubjectSpec {
  const name = overrides.model ?? (root.at("model").parameter(MODEL) as ModelName);
  const folder = folderOf(name, path);
  const model = modelOf(name);
  const { many } = model.nouns;
  const words = root.at("words");
  words.entries(["split", "count"]);
  const split = words.at("split").parameter(choice(`which ${many} are scored`, model.splits)) as string;
  const calibration = root.at("calibration");
  calibration.entries(["words"]);
  const numberOf = (part: string, value: (most: number) => number): Parameter => {
    const most = countOf(model, model.samples(part, folder));
    return whole("samples", many, 1, most, value(most));
  };
  const scored = numberOf(split, (most) => most);
  if (overrides.words !== undefined) {
    const fault = faultOf(scored, overrides.words);
    if (fault !== undefined) throw new InputError("--words", fault);
  }
  const count = words.at("count");
  if (count.isMissing && (words.isMissing || words.isMapping))
    count.complain(`missing (how many ${many}, or "all")`);
  const asked = (count.value === "all" ? scored.default : count.parameter(scored)) as number;
  const observed = numberOf(model.calibrationSplit, () => CALIBRATION_SAMPLES);
  return {
    ...{ model: name, folder, split },
    ...(overrides.weights !== undefined && { weights: overrides.weights }),
    samples: overrides.words ?? asked,
    calibration: calibration.at("words").parameter(observed) as number,
    seed: root.at("seed").parameter(SEED) as number,
  };
}

/** The model beside the experiment, or else the one that ships with this package. */
function folderOf(model: string, path: string): string {
  const beside = join(dirname(path), "models", model);
  return existsSync(beside) ? beside : join(PACKAGE, "experiments", "models", model);
}

/** Files that a group names for itself, and the one that it has otherwise. */
interface Choice<T> {
  readonly shelf: Shelf<T>;
  readonly base: T;
}
interface Files {
  readonly archs: Choice<ArchSpec>;
  readonly recipes: Choice<RecipeSpec>;
}

/** The recipe of every point: the name of a file, or a mapping of parameters that may name one. */
function readRecipe(node: Node, recipes: Shelf<RecipeSpec>): { file: RecipeSpec; values: Values } {
  if (typeof node.value === "string") return { file: recipes.find(node), values: {} };
  const entries = node.entries(RECIPE_KEYS, "parameter").filter(([name]) => name !== "file");
  const file = node.at("file");
  return { file: file.isMissing ? recipes.any() : recipes.find(file), values: valuesOf(entries) };
}

function readGroup(node: Node, files: Files): Group {
  node.entries(GROUP_KEYS);
  const named = { arch: namedBy(node, "arch", files.archs), recipe: namedBy(node, "recipe", files.recipes) };
  const axes: [string, readonly unknown[]][] = [];
  for (const [name, axis] of node
    .at("axes")
    .entries(["arch", "recipe", ...Object.keys(SETTINGS)], "parameter")) {
    const items = axis.items("values");
    if (name === "arch") named.arch = items.map((item) => files.archs.shelf.find(item));
    else if (name === "recipe") named.recipe = items.map((item) => files.recipes.shelf.find(item));
    else axes.push([name, items.map((item) => settingOf(name, item))]);
  }
  const set = readValues(node.at("set"), Object.keys(SETTINGS));
  return { archs: named.arch, recipes: named.recipe, set, axes };
}

/** The files that a group names under a key; without it the experiment's. */
function namedBy<T>(group: Node, key: string, { shelf, base }: Choice<T>): readonly T[] {
  const node = group.at(key);
  return node.isMissing ? [base] : node.oneOrMore("names").map((item) => shelf.find(item));
}

function readValues(node: Node, known: readonly string[]): Values {
  return valuesOf(node.entries(known, "parameter"));
}

const valuesOf = (entries: readonly (readonly [string, Node])[]): Values =>
  Object.fromEntries(entries.map(([name, child]) => [name, settingOf(name, child)]));

const settingOf = (name: string, node: Node): number | string => node.parameter(SETTINGS[name]!);
