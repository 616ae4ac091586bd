import { loadArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { faultOf, suggestion } from "../base/settings.ts";
import { stemOf, YamlFile } from "../base/yaml.ts";
import { type ModelName, modelOf } from "../model/table.ts";
import { loadRecipe } from "../quant/recipe-file.ts";
import { columnsOf } from "./columns.ts";
import { Node } from "./decode.ts";
import { type Derived, readDerived, refuseBaselineName } from "./derive.ts";
import { type Files, readGroup, readRecipe, readWhere } from "./groups.ts";
import type { Mapper } from "./mapped.ts";
import { distinctPoints, expand, type Point } from "./points.ts";
import { attempt } from "./refusal.ts";
import { Shelf } from "./shelf.ts";
import { choiceAt, type Group, SETTINGS, Space, sizesOf, type Values } from "./space.ts";
import {
  folderOf,
  placed,
  SUBJECT_FIELDS,
  Subjects,
  type SubjectValues,
  samplesParameter,
  splitParameter,
} from "./subjects.ts";

/** A question, and all that it may be asked about. */
export interface Design {
  readonly name: string;
  readonly path: string;
  readonly question: string;
  /** The models' metrics and nouns are this one's: they are the same in all of an experiment. */
  readonly model: ModelName;
  readonly space: Space;
  /** Columns beside those that every sweep has. */
  readonly derived: readonly Derived[];
  /** What others are compared with, by name: points without a number, for they need not be among the experiment's. */
  readonly baselines: ReadonlyMap<string, Point>;
}

/** The same with its points counted. */
export interface Experiment extends Design {
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
  "where",
  "points",
  "baselines",
  "derive",
];

/**
 * Reads an experiment file:
 *
 *     question: a sentence
 *     model: g2p                                 # the folder models/g2p beside the file
 *     words: { split: test, count: 500 }         # or count: all; drawn as the model has it: evenly spaced
 *     calibration: { words: 300 }                # of the validation words, or "all"
 *     seed: 1                                    # which one: words later by so many, less one, modulo the space between them
 *     mapper: fixed                              # or search: tiles, loop order and residency by the clock
 *     arch: edge16x16                            # ../arch/edge16x16.yaml, or a path
 *     recipe: { file: irnn, cell_bits: 16 }      # ../recipes/irnn.yaml, and what departs from it in every point
 *     where: mac.rows * mac.columns <= 1024      # what combinations have to be: one expression, or a list
 *     points:
 *       - axes: { weight_bits: [8, 4], mac.rows: [16, 32] }   # the grid, the last axis fastest
 *       - { arch: [edge8x8, dot16x16], recipe: [irnn, pulp], set: { pwl_pieces: 8 } }
 *       - { zip: { mac.rows: [8, 32], mac.columns: [32, 8] }, where: weight_bits == 8 }
 *     baselines: { int8: { set: { weight_bits: 8 } } }
 *     derive: { faster: int8.cycles / cycles }   # a column that is computed from others
 *
 * In `set`, `axes` and `zip` a name with a dot is an architecture parameter; model, calibration, seed and mapper say over the file's
 * own; any other is of the recipe; `arch` and `recipe` may be axes too. What a recipe asks of the machine goes over the machine's file.
 * `name` is the file's, unless it is given. `axes.ts` has the ranges, `derive.ts` the columns.
 *
 * @throws InputError with every problem of the file at once, each with line and column
 */
export function loadExperiment(path: string, overrides: Overrides = {}): Experiment {
  const { file, design, nodes } = readDesign(path, overrides);
  const told = new Set<string>();
  const points = expand(design.space, (g, problem, index) => {
    if ((overrides.point ?? index) !== index || told.has(problem)) return;
    told.add(problem);
    nodes[g]!.complain(problem);
  });
  for (const problem of shapeFaults(design, points).slice(0, 1)) file.complain(["points"], problem);
  file.refuse();
  // One that is asked for by its number is wanted, and if it were another's equal.
  return { ...design, points: overrides.point === undefined ? distinctPoints(points) : points };
}

/** The same file where nobody counts its points: there may be more than anybody can run. @throws InputError as `loadExperiment` does */
export function loadDesign(path: string, overrides: Overrides = {}): Design {
  const { file, design } = readDesign(path, overrides);
  file.refuse();
  return design;
}

function readDesign(path: string, overrides: Overrides) {
  refuseOverrides(overrides);
  const file = new YamlFile(path);
  const root = new Node(file, [], file.value);
  if (!root.isMapping) throw new InputError(path, `not a mapping of ${KEYS.join(", ")}`);
  root.entries(KEYS);
  const archs = new Shelf(path, "machine", "arch", "edge16x16", loadArch);
  const recipes = new Shelf(path, "recipe", "recipes", "irnn", loadRecipe);
  const question = root.at("question").text("one sentence");
  const name = root.at("name").isMissing ? stemOf(path) : root.at("name").text("a name");
  const { values, subjects } = readSubject(root, path, overrides);
  const arch = overrides.arch === undefined ? undefined : archs.load(overrides.arch, "--arch");
  const base = arch !== undefined && root.at("arch").isMissing ? arch : archs.find(root.at("arch"));
  const { file: recipeFile, values: recipe } = readRecipe(root.at("recipe"), recipes);
  const files = { arch: { shelf: archs, base }, recipe: { shelf: recipes, base: recipeFile } };
  const where = readWhere(root.at("where"));
  const nodes = root.at("points").items("groups");
  const groups = nodes.map((node) => readGroup(node, files, where));
  const sets = { ...overrides.sets, ...given({ model: overrides.model, mapper: overrides.mapper }) };
  const over = {
    ...{ sets, arch },
    recipe: overrides.recipe === undefined ? undefined : recipes.load(overrides.recipe, "--recipe"),
  };
  const said = { ...values, ...recipe };
  const spaceOf = (some: readonly Group[], others: typeof over) => new Space(some, said, others, subjects);
  const baselines = readBaselines(root.at("baselines"), files, (group) => spaceOf([group], over));
  const model = values.model;
  const derived = readDerived(root.at("derive"), columnsOf(modelOf(model)), [...baselines.keys()]);
  const space = spaceOf(groups, over);
  const design: Design = { name, path, question, model, space, derived, baselines };
  return { file, design, nodes };
}

/** What is there of some options. */
const given = (options: Values): Values =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/** What is wrong with points of other columns than their design's. */
export const shapeFaults = ({ model }: Design, points: readonly Point[]): string[] =>
  points
    .filter(({ subject }) => subject.model !== model && shapeOf(subject.model) !== shapeOf(model))
    .map(({ subject }) => `${subject.model} has other metrics than ${model}, and a sweep's rows the same`);

/** Metrics and nouns, which are a sweep's columns. */
const shapeOf = (name: ModelName): string => {
  const { metrics, nouns } = modelOf(name);
  return hashOf([metrics, nouns]);
};

/** Points that others are compared with, each a group of one combination. */
function readBaselines(node: Node, files: Files, spaceOf: (group: Group) => Space): Map<string, Point> {
  const found = new Map<string, Point>();
  if (node.isMissing) return found;
  if (!node.isMapping) node.complain("not a mapping of names to points");
  for (const [name, child] of node.children()) {
    refuseBaselineName(name, child);
    const group = readGroup(child, files, []);
    const sizes = sizesOf(group);
    if (sizes.some((size) => size > 1)) child.complain("a baseline is one point, and this is several");
    if (sizes.some((size) => size !== 1)) continue;
    const space = spaceOf(group);
    const combination = space.combination(group, choiceAt(sizes, 0));
    const point = attempt(() => {
      if (!space.admits(group, combination)) throw new InputError("where", "does not hold of it");
      return space.candidate(combination);
    });
    if ("problem" in point) child.complain(`${point.where}: ${point.problem}`);
    else found.set(name, Object.freeze({ index: 0, ...point }));
  }
  return found;
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

/** What all points run where they do not say otherwise, and what of it is scored. */
function readSubject(root: Node, path: string, overrides: Overrides) {
  const own = <K extends keyof SubjectValues>(key: K) =>
    root.at(key).parameter(SUBJECT_FIELDS[key]) as SubjectValues[K];
  const asked = overrides.model ?? (overrides.sets?.["model"] as ModelName | undefined);
  const name = asked ?? placed(own("model"), path);
  const folder = folderOf(name, path);
  const model = modelOf(name);
  const words = root.at("words");
  words.entries(["split", "count"]);
  const split = words.at("split").parameter(splitParameter(model)) as string;
  const calibration = root.at("calibration");
  calibration.entries(["words"]);
  const scored = samplesParameter(model, split, folder);
  if (overrides.words !== undefined) {
    const fault = faultOf(scored, overrides.words);
    if (fault !== undefined) throw new InputError("--words", fault);
  }
  const count = words.at("count");
  if (count.isMissing && (words.isMissing || words.isMapping))
    count.complain(`missing (how many ${model.nouns.many}, or "all")`);
  const wanted = count.value === "all" ? undefined : (count.parameter(scored) as number);
  const observed = {
    ...samplesParameter(model, model.calibrationSplit, folder),
    default: SUBJECT_FIELDS.calibration.default,
  };
  const amount = calibration.at("words");
  const values = {
    ...{ model: name, seed: own("seed"), mapper: own("mapper") },
    calibration: amount.value === "all" ? observed.max : (amount.parameter(observed) as number),
  };
  return {
    values,
    subjects: new Subjects(path, name, {
      split,
      count: overrides.words ?? wanted,
      weights: overrides.weights,
    }),
  };
}
