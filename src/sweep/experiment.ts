import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ArchSpec, loadArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { faultOf, type Parameter, suggestion } from "../base/settings.ts";
import { YamlFile } from "../base/yaml.ts";
import { RECIPE_FIELDS } from "../quant/recipe.ts";
import { Node } from "./decode.ts";
import { expand, type Group, type Point, SETTINGS, type Values } from "./points.ts";
import { type SubjectSpec, wordsOf } from "./subject.ts";

/** A question, and the points that answer it. */
export interface Experiment {
  readonly name: string;
  readonly path: string;
  readonly question: string;
  readonly subject: SubjectSpec;
  /** Recorded with the results. Nothing here is drawn by chance so far: the samples are evenly spaced. */
  readonly seed: number;
  readonly points: readonly Point[];
}

/** What the command line says over the file. */
export interface Overrides {
  /** For every point, over whatever an axis says: recipe parameters, and with a dot in the name architecture parameters. */
  readonly sets?: Values;
  /** The one machine of every point, by name or path. */
  readonly arch?: string;
  /** How many words to score. */
  readonly words?: number;
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

const MODEL = choice("the model", ["g2p"]);
const SPLIT = choice("which words are scored", ["test", "validation"]);
const SEED = whole("seed of whatever is drawn by chance", "", 0, 4_294_967_295, 1);
const CALIBRATION_WORDS = 300;

const KEYS = ["question", "name", "model", "words", "calibration", "seed", "arch", "recipe", "points"];
const GROUP_KEYS = ["arch", "set", "axes"];
/** The machines that ship with this package, for experiments that lie elsewhere. */
const PACKAGE = join(import.meta.dirname, "..", "..");

/**
 * Reads an experiment file:
 *
 *     question: a sentence
 *     model: g2p                                 # the folder models/g2p beside the file
 *     words: { split: test, count: 500 }         # or count: all; an evenly spaced sample of the split
 *     calibration: { words: 300 }                # an evenly spaced sample of the validation words
 *     seed: 1
 *     arch: edge16x16                            # ../arch/edge16x16.yaml, or a path
 *     recipe: { cell_bits: 16 }                  # what departs from the default recipe in every point
 *     points:
 *       - axes: { weight_bits: [8, 4], mac.rows: [16, 32] }   # the grid, the last axis fastest
 *       - { arch: [edge8x8, dot16x16], set: { pwl_pieces: 8 } }
 *
 * In `set` and `axes` a name with a dot is an architecture parameter, any other one of the recipe; `arch` may be
 * an axis too. `name` is the file's, unless it is given.
 *
 * @throws InputError with every problem of the file at once, each with line and column
 */
export function loadExperiment(path: string, overrides: Overrides = {}): Experiment {
  refuseOverrides(overrides);
  const file = new YamlFile(path);
  const root = new Node(file, [], file.value);
  if (!root.isMapping) throw new InputError(path, `not a mapping of ${KEYS.join(", ")}`);
  root.entries(KEYS);
  const archs = new ArchFiles(path);
  const question = root.at("question").text("one sentence");
  const name = root.at("name").isMissing ? nameOf(path) : root.at("name").text("a name");
  const subject = readSubject(root, path, overrides);
  const seed = root.at("seed").parameter(SEED) as number;
  const base =
    overrides.arch === undefined ? archs.find(root.at("arch")) : archs.load(overrides.arch, "--arch");
  const recipe = readValues(root.at("recipe"), Object.keys(RECIPE_FIELDS));
  const nodes = root.at("points").items("groups");
  const fixed = overrides.arch === undefined ? undefined : base;
  const groups = nodes.map((node) => readGroup(node, base, archs, fixed));
  const points = expand(groups, recipe, overrides.sets ?? {}, (g, problem) => nodes[g]!.complain(problem));
  file.refuse();
  return { name, path, question, subject, seed, points };
}

const nameOf = (path: string): string => (path.split(/[\\/]/).at(-1) ?? path).replace(/\.ya?ml$/, "");

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
  const model = root.at("model").parameter(MODEL) as "g2p";
  const words = root.at("words");
  words.entries(["split", "count"]);
  const split = words.at("split").parameter(SPLIT) as SubjectSpec["split"];
  const calibration = root.at("calibration");
  calibration.entries(["words"]);
  const most = { words: wordsOf(split).length, calibration: wordsOf("validation").length };
  const wordRange = whole("words", "words", 1, most.words, most.words);
  if (overrides.words !== undefined) {
    const fault = faultOf(wordRange, overrides.words);
    if (fault !== undefined) throw new InputError("--words", fault);
  }
  const count = words.at("count");
  if (count.isMissing && (words.isMissing || words.isMapping))
    count.complain('missing (how many words, or "all")');
  const asked = count.value === "all" ? most.words : (count.parameter(wordRange) as number);
  const observed = whole("words", "words", 1, most.calibration, CALIBRATION_WORDS);
  return {
    model,
    modelFolder: folderOf(model, path),
    split,
    words: overrides.words ?? asked,
    calibrationWords: calibration.at("words").parameter(observed) as number,
  };
}

/** The model beside the experiment, or else the one that ships with this package. */
function folderOf(model: string, path: string): string {
  const beside = join(dirname(path), "models", model);
  return existsSync(beside) ? beside : join(PACKAGE, "experiments", "models", model);
}

function readGroup(node: Node, base: ArchSpec, archs: ArchFiles, fixed: ArchSpec | undefined): Group {
  node.entries(GROUP_KEYS);
  const axes: [string, readonly unknown[]][] = [];
  let machines = node.at("arch").isMissing
    ? [base]
    : node
        .at("arch")
        .oneOrMore("machines")
        .map((item) => archs.find(item));
  for (const [name, axis] of node.at("axes").entries(["arch", ...Object.keys(SETTINGS)], "parameter")) {
    const items = axis.items("values");
    if (name === "arch") machines = items.map((item) => archs.find(item));
    else axes.push([name, items.map((item) => settingOf(name, item))]);
  }
  const set = readValues(node.at("set"), Object.keys(SETTINGS));
  return { archs: fixed === undefined ? machines : [fixed], set, axes };
}

function readValues(node: Node, known: readonly string[]): Values {
  return Object.fromEntries(
    node.entries(known, "parameter").map(([name, child]) => [name, settingOf(name, child)]),
  );
}

const settingOf = (name: string, node: Node): number | string => node.parameter(SETTINGS[name]!);

/** Architecture files by name, each read once. */
class ArchFiles {
  readonly #folders: readonly string[];
  readonly #beside: string;
  readonly #loaded = new Map<string, ArchSpec>();

  constructor(experiment: string) {
    this.#beside = dirname(experiment);
    this.#folders = [join(this.#beside, "..", "arch"), join(PACKAGE, "arch")];
  }

  /** The machine that a node of the experiment names; where there is none, any, and a complaint. */
  find(node: Node): ArchSpec {
    const name = node.text("the name of a machine, or the path of its file");
    if (name === "") return this.#any();
    const path = this.#pathOf(name);
    if (path !== undefined) return this.#read(path);
    node.complain(this.#unknown(name));
    return this.#any();
  }

  /** @throws InputError saying `where` the name comes from, if there is no such machine */
  load(name: string, where: string): ArchSpec {
    const path = existsSync(name) ? name : this.#pathOf(name);
    if (path === undefined) throw new InputError(where, this.#unknown(name));
    return this.#read(path);
  }

  #any(): ArchSpec {
    return this.#read(join(PACKAGE, "arch", "edge16x16.yaml"));
  }

  #pathOf(name: string): string | undefined {
    const isPath = /[\\/]|\.ya?ml$/.test(name);
    const candidates = isPath
      ? [join(this.#beside, name)]
      : this.#folders.map((folder) => join(folder, `${name}.yaml`));
    return candidates.find((path) => existsSync(path));
  }

  #read(path: string): ArchSpec {
    const known = this.#loaded.get(path);
    if (known !== undefined) return known;
    const arch = loadArch(path);
    this.#loaded.set(path, arch);
    return arch;
  }

  #unknown(name: string): string {
    const names = this.#folders
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder));
    return `no machine ${name}${suggestion(name, names.map(nameOf))}`;
  }
}
