import { FIELDS } from "../arch/fields.ts";
import { InputError } from "../base/errors.ts";
import { hashOf, onceFor } from "../base/hash.ts";
import { type Parameter, type ParameterTable, settle } from "../base/settings.ts";
import { PWL_METHODS } from "../pwl/placement.ts";
import { OBJECTIVES } from "../pwl/polish.ts";
import { RANGE_METHODS } from "./fit.ts";
import {
  INTEGER_PROPERTIES,
  MIRRORED_PROPERTIES,
  MIRRORED_SITES,
  ownFields,
  TABLE_PROPERTIES,
  TABLE_SITES,
  WEIGHTED_PROPERTIES,
  WEIGHTED_SITES,
} from "./sites.ts";

const bits = (doc: string, value: number, max = 16, min = 2) =>
  ({ kind: "int", doc, unit: "bit", min, max, default: value }) as const;
const pieces = (doc: string, value: number) =>
  ({ kind: "int", doc, unit: "piece", min: 1, max: 256, default: value }) as const;
const choice = <const C extends string>(doc: string, choices: readonly C[], value: C) =>
  ({ kind: "choice", doc, choices, default: value }) as const;

/**
 * A recipe: how a float model becomes integers, each parameter said once. The defaults are the widths of the iRNN
 * papers (arXiv 2109.09828, 2212.11791) where these are known, 8 bits for every norm and attention tensor among them,
 * and 16 for the cell.
 */
export const RECIPE_FIELDS = {
  weight_bits: bits("weights of the recurrent and attention layers", 8),
  output_weight_bits: bits("weights of the last layer", 8),
  embedding_bits: bits("embedding tables, as stored", 8),
  weight_scale: choice(
    "one scale for each output, or one for a matrix",
    ["per-channel", "per-tensor"],
    "per-channel",
  ),
  fold_scale: choice(
    "whether what a requantizer's scale has too much is folded into the weights before it; no: the nearest scale, whose error stays",
    ["yes", "no"],
    "yes",
  ),
  equalization: choice(
    "whether layers one behind the other share their ranges channel by channel before anything is quantized, of models that have such layers: silero-vad and imported ones",
    ["no", "yes"],
    "no",
  ),
  bias_correction: choice(
    "whether biases take up what the codes of weights add to the mean of a result, where calibration has seen the mean of what they multiply",
    ["no", "yes"],
    "no",
  ),
  activation_bits: bits(
    "embeddings in use, hidden states, gate inputs and outputs, attention keys and queries",
    8,
  ),
  range_method: choice(
    "how ranges of activations come from calibration: the ends seen (minmax), their moving average, what holds range_percentile of the values, or the least squared error or divergence of the codes (mse, entropy); fine-tuning goes by the moving average",
    RANGE_METHODS,
    "minmax",
  ),
  range_percentile: {
    ...{ kind: "real", unit: "%", min: 50, max: 100, default: 99.99 },
    doc: "share of the values that range_method percentile keeps",
  },
  product_bits: bits("W x and W h before normalization", 8),
  normalized_bits: bits("a norm's result before gain and shift", 8, 16, 4),
  norm_bits: bits("a norm's result after gain and shift", 8),
  gain_bits: bits("gains of norms", 8, 16, 3),
  cell_bits: bits("cell states", 16),
  score_bits: bits("attention scores", 8),
  exp_bits: bits("exponentials of scores", 16),
  alpha_bits: bits("attention weights", 8),
  context_bits: bits("attention contexts", 8),
  ...ownFields(WEIGHTED_SITES, TABLE_PROPERTIES),
  rsqrt_pieces: pieces("pieces of 1/sqrt on the mantissa, for layer norms", 32),
  // On [1, 4) the curve is so even that the greedy rule only loses.
  rsqrt_method: choice("where their knots go", PWL_METHODS, "uniform"),
  ...ownFields({ rsqrt: TABLE_SITES.rsqrt }, INTEGER_PROPERTIES),
  ...ownFields(MIRRORED_SITES, MIRRORED_PROPERTIES),
  ...ownFields(WEIGHTED_SITES, WEIGHTED_PROPERTIES),
  pwl_pieces: pieces("pieces of sigmoid, tanh and exp", 16),
  pwl_method: choice("where their knots go", PWL_METHODS, "slope"),
  pwl_polish: choice(
    "what tables are searched for: slopes and offsets for the least maximum error (max) or root mean square (rms), knots and shifts too for the least maximum of any such table (free-knots), or nothing",
    ["none", ...OBJECTIVES],
    "none",
  ),
  pwl_slope_bits: bits("slopes of tables; 0: as many as the unit has", 0, FIELDS["pwl.slopeBits"].max, 0),
  pwl_offset_fraction: bits(
    "fraction bits of offsets; -1: as many as the unit has",
    -1,
    FIELDS["pwl.offsetFraction"].max,
    -1,
  ),
  pwl_symmetry: choice(
    "whether half of a symmetric curve is stored where the unit can",
    ["point", "none"],
    "point",
  ),
  pwl_weights: choice(
    "whether the methods and searches that minimize squares count every input alike, or as often as calibration saw it",
    ["flat", "observed"],
    "flat",
  ),
  norm_inverse: choice(
    "how layer norm divides: by the PWL unit's 1/sqrt, by an integer square root and a division, by TensorFlow Lite's Newton steps (newton), or as I-BERT by the root with gain, division and shift (root)",
    ["rsqrt", "division", "newton", "root"],
    "rsqrt",
  ),
  softmax_method: choice(
    "exponentials of a softmax and its division: PWL tables, gemmlowp's fixed-point functions, or I-BERT's polynomial",
    ["pwl", "gemmlowp", "polynomial"],
    "pwl",
  ),
  gate_format: choice(
    "the sums that a gate's curve reads: symmetric at activation_bits, or 16 bits with 3 integer bits (steps of 2^-12)",
    ["activation", "q3.12"],
    "activation",
  ),
  gate_curve: choice(
    "sigmoid and tanh of gates and cell: PWL tables, gemmlowp's int16 functions, or CMSIS-NN's mirrored table of 256 entries",
    ["pwl", "gemmlowp", "mirrored"],
    "pwl",
  ),
  tuning_steps: {
    ...{ kind: "int", unit: "step", min: 0, max: 1_000_000, default: 0 },
    doc: "steps of fine-tuning with the machine's integers in the forward pass; 0: the float model's weights as they are",
  },
  tuning_rate: {
    ...{ kind: "real", unit: "", min: 0, max: 1, default: 0 },
    doc: "the greatest learning rate of fine-tuning; 0: the model's own",
  },
  tuning_distill: {
    ...{ kind: "real", unit: "", min: 0, max: 1, default: 0 },
    doc: "share of fine-tuning's targets that the float model's likelihoods are",
  },
  tuning_seed: {
    ...{ kind: "int", unit: "", min: 1, max: 1_000_000, default: 1 },
    doc: "in which order fine-tuning sees its data",
  },
  scales: choice(
    "scales of activations: any, powers of two, or (auto) powers of two where the requantizer has no multiplier",
    ["auto", "free", "power-of-two"],
    "auto",
  ),
} as const satisfies Readonly<Record<string, Parameter>>;

type RecipeField = keyof typeof RECIPE_FIELDS;
type ValueOf<F> = F extends { readonly kind: "choice"; readonly choices: readonly (infer C)[] } ? C : number;

export type Recipe = { readonly [K in RecipeField]: ValueOf<(typeof RECIPE_FIELDS)[K]> };

/** A whole recipe from the values given; reports every faulty key to `complain`. */
export const settleRecipe = (
  given: ReadonlyMap<string, unknown>,
  complain: (key: string, problem: string) => void,
): Recipe => settle(RECIPE_FIELDS as ParameterTable, given, complain) as Recipe;

/** A recipe with every parameter at its default but those given. @throws InputError with all faults */
export function makeRecipe(given: Readonly<Record<string, unknown>> = {}, where = "recipe"): Recipe {
  const problems: string[] = [];
  const recipe = settleRecipe(new Map(Object.entries(given)), (key, problem) =>
    problems.push(`${key}: ${problem}`),
  );
  if (problems.length > 0) throw new InputError(where, problems.join("; "));
  return recipe;
}

/** Identity of a recipe: of what departs from the defaults, so that a parameter more changes no recipe that does not use it. */
export const hashRecipe = onceFor((recipe: Recipe): string =>
  hashOf(
    Object.fromEntries(
      Object.entries(recipe).filter(([key, value]) => RECIPE_FIELDS[key as RecipeField].default !== value),
    ),
  ),
);
