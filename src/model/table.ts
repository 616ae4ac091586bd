import { g2p } from "./g2p/index.ts";
import { lmOf } from "./lm/index.ts";
import type { Model } from "./model.ts";

/** Every model, by the name that an experiment gives it: also that of its folder in `models/`. */
export const MODELS = {
  g2p,
  "lm-ln": lmOf("lm-ln", "layer"),
  "lm-mad": lmOf("lm-mad", "mad"),
} as const satisfies Readonly<Record<string, Model>>;

export type ModelName = keyof typeof MODELS;

/** The names, the default first. */
export const MODEL_NAMES = Object.keys(MODELS) as [ModelName, ...ModelName[]];

/** A model by its name. */
export const modelOf = (name: ModelName): Model => MODELS[name];
