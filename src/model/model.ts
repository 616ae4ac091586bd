import { join } from "node:path";
import type { Settings } from "../arch/fields.ts";
import type { ArchSpec } from "../arch/spec.ts";
import { floorDiv } from "../fixed/round.ts";
import type { Mapping, Site } from "../kernels/mapping.ts";
import type { Tap } from "../kernels/tensors.ts";
import { type Fitting, Ranges } from "../quant/grid.ts";
import type { Numerics } from "../quant/numerics.ts";
import type { Recipe } from "../quant/recipe.ts";
import type { Input, Job } from "./job.ts";
import type { Tensor } from "./safetensors.ts";

/** A figure of how well a model does. */
export interface Metric {
  /** Of its column, which adds the unit: `per`. */
  readonly name: string;
  /** As people read it: `valueIn`. A score in percent is kept as a share of 1. */
  readonly unit: "%" | "ratio";
  /** What it is, for a column: `phone error rate`. */
  readonly doc: string;
  /** The same for a report: `phones wrong (PER)`. */
  readonly label: string;
  readonly better: "lower" | "higher";
  /** Whether it says how near the real-valued model is, 1 where the outputs are equal: that one has none of its own. */
  readonly isRelative?: true;
}

/** Values of metrics by their names. */
export type Scores = Readonly<Record<string, number>>;

/** A metric's value in its unit. */
export const valueIn = ({ name, unit }: Metric, scores: Scores): number =>
  (unit === "%" ? 100 : 1) * scores[name]!;

/** What a report calls things. */
export interface Nouns {
  /** What costs are means over, and many of it: `word`, `words`. */
  readonly one: string;
  readonly many: string;
  /** What comes out: `phones`. */
  readonly output: string;
  /** How some of a split are drawn, for reports: `evenly spaced`. */
  readonly drawn: string;
}

/**
 * All that the rest of the program knows of a model: where its samples and weights are, what it computes in real numbers
 * and in integers, how it becomes programs, and how well it does. A model is a folder that makes such a record, and a line
 * in `table.ts`.
 *
 * `Params` are the trained weights, `Quantized` the model in integers, plain data, `Sample` what it is run on. Whoever
 * holds a model of the table holds those as `unknown`, and only hands them back; that is why these are methods, whose
 * parameters TypeScript compares in both directions.
 */
export interface Model<Params = unknown, Sample = unknown, Quantized = unknown> {
  /** Name of the experiment that ships with it. */
  readonly experiment: string;
  /** Name of the file of the weights in the model's folder. */
  readonly file: string;
  /** What beside that file decides what the model is, where something does. */
  readonly identity?: string;
  readonly nouns: Nouns;
  /** Parts of its data that may be scored, the default first. */
  readonly splits: readonly [string, ...string[]];
  /** The part whose samples give the ranges. */
  readonly calibrationSplit: string;
  readonly metrics: readonly Metric[];

  /** All samples of a split, in an order that never changes; plain data. @throws InputError for a faulty file */
  samples(split: string, folder: string): readonly Sample[];
  /**
   * Samples that together hold `count` of what `nouns` names, at most as many as there are; absent where these are `count` samples,
   * evenly spaced.
   * @param seed  which of several such choices, from 1
   */
  choose?(all: readonly Sample[], count: number, seed: number): readonly Sample[];
  /** In reports and names of files. */
  nameOf(sample: Sample): string;
  /** How many of what `nouns` names it is: 1 of a word, of a sentence its words. */
  countOf(sample: Sample): number;
  /** A sample as a person types it, of which nothing is known but what the model reads; absent where none can be typed. @throws InputError */
  typed?(text: string, where: string): Sample;

  /** Where the weights are that are not kept in the model's folder, absent where they are. @throws InputError saying how to get them */
  locate?(folder: string): string;
  /**
   * @param tensors  what is in the file, where that is known
   * @throws InputError naming everything that is wrong with the file
   */
  load(path: string, tensors?: ReadonlyMap<string, Tensor>): Params;
  /** The same results, but for roundings, by weights whose ranges are level from layer to layer; absent where it has no such layers. */
  equalize?(params: Params): Params;
  /** Kind of its norms, `none` where it has none. */
  normOf(params: Params): string;
  /** The result in double precision, in the terms of an outcome's `outputs`. Shows the tap what passes each site. */
  reference(params: Params, sample: Sample, tap?: Tap): readonly number[];

  /** @throws InputError where a recipe cannot be followed */
  quantize(params: Params, ranges: Ranges, numerics: Numerics): Quantized;
  /** The float model of the same shape, all operands of `bits` bits: for compiling and timing only. */
  widen(model: Quantized, bits: number): Quantized;
  /** What a host brings for a sample. */
  inputOf(model: Quantized, sample: Sample): Input;
  /** The outputs by plain loops over integers, which the machine is held to. */
  exact(model: Quantized, sample: Sample, arch: Settings): readonly number[];
  /** Where the array multiplies for an input of a size, the most often used first. */
  sites(model: Quantized, size: number): Site[];
  /**
   * Compiles for one machine and for inputs of these sizes.
   * @param mapping  of the matrices of `sites`; by the fixed rule where none is given
   * @throws InputError where it does not fit
   */
  compile(model: Quantized, arch: ArchSpec, sizes: readonly number[], mapping?: Mapping): Job;

  /** Every metric over outputs, one for each sample, beside the real-valued model's. */
  score(
    samples: readonly Sample[],
    outputs: readonly (readonly number[])[],
    reference: readonly (readonly number[])[],
  ): Scores;
  /** Outputs for a person. */
  textOf(outputs: readonly number[]): string;
  /** How often its programs are invoked, for a report's assumptions: programs for so many sizes. */
  invocations(sizes: number): string;
}

/** Path of the weights of a model whose folder it is. @throws InputError where they have to be fetched first */
export const weightsOf = (model: Pick<Model, "file" | "locate">, folder: string): string =>
  model.locate?.(folder) ?? join(folder, model.file);

/**
 * Ranges of every site over the reference runs of these samples.
 * @param fitting  how they are chosen from where values lie; the smallest and largest value where it is absent
 */
export function observe<P, S>(
  model: Pick<Model<P, S>, "reference">,
  params: P,
  samples: readonly S[],
  fitting?: Fitting,
): Ranges {
  const ranges = new Ranges(fitting);
  for (const sample of samples) model.reference(params, sample, (...shown) => ranges.observe(...shown));
  return ranges;
}

/** Groups of samples that a moving average is over, and how much of it is the latest group's. */
const GROUPS = 8;
const SHARE = 0.25;

/** The same as a moving average over groups of samples: what fine-tuning freezes, which a single outlier does not stretch. */
export function observeMoving<P, S>(
  model: Pick<Model<P, S>, "reference">,
  params: P,
  samples: readonly S[],
): Ranges {
  const ranges = new Ranges();
  for (let group = 0; group < GROUPS; group++) {
    const [from, to] = [group, group + 1].map((k) => floorDiv(k * samples.length, GROUPS));
    ranges.approach(observe(model, params, samples.slice(from, to)), SHARE);
  }
  return ranges;
}

/** Ranges as a recipe wants them. */
export function observeBy<P, S>(
  model: Pick<Model<P, S>, "reference">,
  params: P,
  samples: readonly S[],
  { range_method: method, range_percentile: percentile }: Pick<Recipe, "range_method" | "range_percentile">,
): Ranges {
  if (method === "average") return observeMoving(model, params, samples);
  return observe(model, params, samples, method === "minmax" ? undefined : { method, percentile });
}
