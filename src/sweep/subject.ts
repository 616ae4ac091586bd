import { readFileSync } from "node:fs";
import { hashOf, onceFor, sha256 } from "../base/hash.ts";
import { Recent } from "../base/recent.ts";
import { floorDiv } from "../fixed/round.ts";
import { frozenRangesOf } from "../model/frozen.ts";
import { type Model, observe, observeBy, observeMoving, weightsOf } from "../model/model.ts";
import { type ModelName, modelOf } from "../model/table.ts";
import type { Ranges } from "../quant/grid.ts";
import type { Recipe } from "../quant/recipe.ts";

/** What is asked about: a model, and the samples that it is calibrated and scored on. Plain data, so that a worker can be told. */
export interface SubjectSpec {
  readonly model: ModelName;
  /** Where the model's weights are. */
  readonly folder: string;
  /** Other weights than those in the folder: a path. */
  readonly weights?: string;
  readonly split: string;
  /** How many of what the model's nouns name are scored. */
  readonly samples: number;
  /** How many of the model's calibration split give the ranges, by real-valued runs. */
  readonly calibration: number;
  /** Which of them those are. */
  readonly seed: number;
}

/** A subject with its files read. */
export interface Subject {
  readonly name: ModelName;
  readonly model: Model;
  /** The file of the weights. */
  readonly path: string;
  readonly params: unknown;
  /** In the order of the model's data. */
  readonly samples: readonly unknown[];
  /** Those that the weights were fine-tuned for, or else the ends of what calibration saw; it is run when first asked for. */
  readonly ranges: Ranges;
  /** The same as a moving average, which fine-tuning goes by and keeps. */
  readonly frozenRanges: Ranges;
  /** Weights and ranges as a recipe has them; those that were fine-tuned for each other stay what they are. */
  preparedBy(recipe: Preparation): Pick<Subject, "params" | "ranges">;
  readonly facts: Facts;
}

/** What of a recipe decides weights and ranges. */
type Preparation = Pick<Recipe, "equalization" | "range_method" | "range_percentile">;

/** Ranges by other methods than the ends: each takes a calibration, and its histograms room. */
const FITTED_HELD = 8;

/** What is known of a subject without a run. */
export interface Facts {
  /** Of what the model's nouns name, in all samples: what costs are means over. */
  readonly count: number;
  /** Trained numbers in the model. */
  readonly parameters: number;
  /** Kind of the model's norms. */
  readonly norm: string;
  /** Identity of the weights: the first digits of their file's SHA-256. */
  readonly modelHash: string;
  /** Identity of all samples, those of calibration too. */
  readonly dataHash: string;
  /** Identity of everything read: of both. */
  readonly hash: string;
  /** Identity of what the real-valued model's outputs come from: calibration has no part in them. */
  readonly referenceHash: string;
}

/**
 * `count` of the items, evenly spaced: item floor(i N / count) + s for i = 0 … count - 1, s = seed - 1 modulo the whole steps between
 * them. A prefix of an alphabetical dictionary would be all words with A.
 */
export function sampleOf<T>(items: readonly T[], count: number, seed = 1): T[] {
  const step = floorDiv(items.length, count);
  const shift = (seed + step - 1) % step;
  return Array.from({ length: count }, (_, i) => items[floorDiv(i * items.length, count) + shift]!);
}

/** Samples with `count` of what the model's nouns name, chosen as it says, or else evenly spaced. */
export const chosenOf = <S>(
  model: Model<unknown, S>,
  all: readonly S[],
  count: number,
  seed = 1,
): readonly S[] => model.choose?.(all, count, seed) ?? sampleOf(all, count, seed);

/** How many of what the model's nouns name there are in samples. */
export const countOf = <S>(model: Model<unknown, S>, samples: readonly S[]): number =>
  samples.reduce((sum, sample) => sum + model.countOf(sample), 0);

/** Sweeps ask for the same subject time and again, and for few of them by turns. */
const subjects = new Recent<Subject>(4);

/** Reads a subject, but for the latest ones, which are kept. @throws InputError for faulty files */
export const subjectOf = (spec: SubjectSpec): Subject =>
  subjects.recall(hashOf(spec), () => readSubject(spec));

/** What is known of a subject without a run. */
export const factsOf = onceFor((spec: SubjectSpec): Facts => subjectOf(spec).facts);

function readSubject(spec: SubjectSpec): Subject {
  const model = modelOf(spec.model);
  const path = spec.weights ?? weightsOf(model, spec.folder);
  const params = model.load(path);
  const samples = chosenOf(model, model.samples(spec.split, spec.folder), spec.samples);
  const observed = model.samples(model.calibrationSplit, spec.folder);
  const calibration = chosenOf(model, observed, spec.calibration, spec.seed);
  const kept = frozenRangesOf(path);
  let ranges = kept;
  let level: unknown;
  let frozenRanges: Ranges | undefined;
  const fitted = new Recent<Ranges>(FITTED_HELD);
  const ownHash = sha256(readFileSync(path)).slice(0, 12);
  const modelHash = model.identity === undefined ? ownHash : hashOf([ownHash, model.identity]);
  const dataHash = hashOf({ samples, calibration });
  return {
    ...{ name: spec.model, model, path, params, samples },
    get ranges() {
      ranges ??= observe(model, params, calibration);
      return ranges;
    },
    get frozenRanges() {
      frozenRanges ??= observeMoving(model, params, calibration);
      return frozenRanges;
    },
    preparedBy(recipe) {
      const { equalization, range_method: method, range_percentile: percentile } = recipe;
      if (kept !== undefined) return { params, ranges: kept };
      const isLevel = equalization === "yes" && model.equalize !== undefined;
      if (isLevel) level ??= model.equalize!(params);
      const own = isLevel ? level : params;
      if (!isLevel && method === "minmax") return { params, ranges: this.ranges };
      if (!isLevel && method === "average") return { params, ranges: this.frozenRanges };
      const key = `${method} ${method === "percentile" ? percentile : ""} ${isLevel}`;
      const observed = () => observeBy(model, own, calibration, recipe);
      return { params: own, ranges: fitted.recall(key, observed) };
    },
    facts: {
      count: countOf(model, samples),
      parameters: numbersIn(params),
      norm: model.normOf(params),
      ...{ modelHash, dataHash, hash: hashOf([modelHash, dataHash]) },
      referenceHash: hashOf([modelHash, samples]),
    },
  };
}

/** Elements of all typed arrays below a value. */
function numbersIn(value: unknown): number {
  if (value instanceof Float32Array || value instanceof Float64Array) return value.length;
  if (value === null || typeof value !== "object") return 0;
  let sum = 0;
  for (const inner of Object.values(value)) sum += numbersIn(inner);
  return sum;
}
