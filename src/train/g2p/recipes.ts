import type { Tuning } from "../machine.ts";
import { ADAM } from "../optimizer.ts";
import type { G2pRecipe } from "./subject.ts";

const layerNorm: G2pRecipe = {
  doc: "letters to phones: bidirectional encoder, additive attention, decoder with input feeding, layer norms",
  config: { embedding: 48, hidden: 96, attention: 64, norm: "layer" },
  dropout: 0.2,
  batch: 64,
  epochs: 12,
  rate: { rate: 3e-3, warmup: 200, schedule: "cosine" },
  adam: { ...ADAM, decay: 0.01 },
};

/** The models that `model/g2p` reads. */
export const G2P_RECIPES = {
  "g2p-ln": layerNorm,
  "g2p-mad": {
    ...layerNorm,
    doc: "the same with norms by the mean absolute deviation",
    config: { ...layerNorm.config, norm: "mad" },
  },
} as const satisfies Record<string, G2pRecipe>;

/** As many words as fill the machine's lanes. */
export const G2P_TUNING: Tuning = {
  doc: "fine-tuned with the machine's integers",
  batch: 64,
  epochs: 4,
  distill: 0,
  stretch: 250,
  validationWords: 2000,
  rate: { rate: 2e-4, warmup: 20, schedule: "cosine" },
  adam: { ...ADAM, decay: 0 },
};
