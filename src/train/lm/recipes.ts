import type { LstmConfig } from "../layers/lstm.ts";
import type { Tuning } from "../machine.ts";
import { ADAM } from "../optimizer.ts";
import type { Recipe } from "../trainer.ts";
import type { LmDropout } from "./model.ts";

export interface LmRecipe extends Recipe {
  readonly layers: readonly LstmConfig[];
  readonly dropout: LmDropout;
  /** Share of each target that is spread over all words. */
  readonly smoothing: number;
  /** Streams side by side, and words of each that a gradient goes back. */
  readonly batch: number;
  readonly steps: number;
}

/** Fine-tuning; each stream goes back `steps` words. */
export interface LmTuning extends Tuning {
  readonly steps: number;
}

const HIDDEN = 200;

const layerNorm: LmRecipe = {
  doc: "one layer-norm LSTM of 200, tied embedding",
  layers: [{ input: HIDDEN, hidden: HIDDEN, norm: "layer", forgetBias: 1, capped: false }],
  dropout: { input: 0.3, output: 0.4 },
  smoothing: 0,
  batch: 20,
  steps: 35,
  epochs: 6,
  rate: { rate: 2e-3, warmup: 100, schedule: "cosine" },
  adam: { ...ADAM, decay: 0.02 },
};

const mogrifier: LstmConfig = {
  input: HIDDEN,
  hidden: HIDDEN,
  norm: "none",
  forgetBias: 1,
  capped: true,
  mogrifier: { rounds: 6, rank: 48 },
};

/** The language models that can be trained, docs/method.md, sections 2 and 3. */
export const LM_RECIPES = {
  "lm-ln": layerNorm,
  "lm-mad": {
    ...layerNorm,
    doc: "the same with norms by the mean absolute deviation",
    layers: layerNorm.layers.map((layer) => ({ ...layer, norm: "mad" })),
  },
  "lm-mogrifier": {
    ...layerNorm,
    doc: "two Mogrifier LSTM of 200, six rounds of rank 48, capped input gates, no norms, tied embedding",
    layers: [mogrifier, mogrifier],
  },
} as const satisfies Record<string, LmRecipe>;

/** A lane is a stream: as many as fill the machine's lanes. */
export const LM_TUNING: LmTuning = {
  doc: "fine-tuned with the machine's integers",
  batch: 32,
  steps: 32,
  epochs: 2,
  distill: 0,
  stretch: 100,
  validationWords: 20_000,
  rate: { rate: 1e-3, warmup: 20, schedule: "cosine" },
  adam: { ...ADAM, decay: 0 },
};
