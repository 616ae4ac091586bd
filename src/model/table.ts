import { g2pOf } from "./g2p/index.ts";
import { lmOf } from "./lm/index.ts";
import type { Model } from "./model.ts";
import { silero } from "./silero/index.ts";

/** Every model, by the name that an experiment gives it: also that of its folder in `models/`. */
export const MODELS = {
  g2p: g2pOf("g2p", "layer"),
  "g2p-ln": g2pOf("g2p-ln", "layer"),
  "g2p-mad": g2pOf("g2p-mad", "mad"),
  "lm-ln": lmOf("lm-ln"),
  "lm-mad": lmOf("lm-mad"),
  "lm-mogrifier": lmOf("lm-mogrifier"),
  "silero-vad": silero,
} as const satisfies Readonly<Record<string, Model>>;

export type ModelName = keyof typeof MODELS;

/** The names, the default first. */
export const MODEL_NAMES = Object.keys(MODELS) as [ModelName, ...ModelName[]];

/** A model by its name. */
export const modelOf = (name: ModelName): Model => MODELS[name];
