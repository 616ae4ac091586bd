import type { G2pRecipe } from "./subject.ts";

/** The model that `model/g2p` reads. */
export const G2P_RECIPE: G2pRecipe = {
  doc: "letters to phones: bidirectional encoder, additive attention, decoder with input feeding, layer norms",
  config: { embedding: 48, hidden: 96, attention: 64, norm: "layer" },
  dropout: 0.2,
  batch: 64,
  epochs: 12,
  rate: { rate: 3e-3, warmup: 200, schedule: "cosine" },
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1, decay: 0.01 },
};
