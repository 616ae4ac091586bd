import type { QG2p } from "../model/g2p/quantize.ts";
import type { G2pParams } from "../model/g2p/weights.ts";
import { loadTrainingWords, loadWords } from "../model/g2p/words.ts";
import type { QLm } from "../model/lm/quantize.ts";
import { loadCorpus } from "../model/lm/tokens.ts";
import type { LmParams } from "../model/lm/weights.ts";
import type { ModelName } from "../model/table.ts";
import type { Recipe } from "../quant/recipe.ts";
import { G2P_RECIPES, G2P_TUNING } from "./g2p/recipes.ts";
import { type G2pRecipe, g2pSubject } from "./g2p/subject.ts";
import { TunedG2p } from "./g2p/tuning.ts";
import { LM_RECIPES, LM_TUNING, type LmRecipe } from "./lm/recipes.ts";
import { lmSubject } from "./lm/subject.ts";
import { TunedLm } from "./lm/tuning.ts";
import type { Frozen, Start, Tuning } from "./machine.ts";
import type { Subject } from "./trainer.ts";

/** A model that can be trained from data that comes with the package. */
export interface Trainable {
  /** In floats, from random weights. Reads the data. `epochs` replaces the recipe's. */
  open(seed: number, epochs?: number): Subject;
  /** With a machine's integers in the forward pass, from the weights of a float model, as the target's recipe says. Reads the data. */
  tune(frozen: Frozen<unknown, unknown>, start: Start): Subject;
}

/** Fine-tuning as a recipe says. */
const asSaid = <T extends Tuning>(tuning: T, { tuning_steps, tuning_rate, tuning_distill }: Recipe): T => ({
  ...tuning,
  epochs: tuning_steps / tuning.stretch,
  distill: tuning_distill,
  rate: { ...tuning.rate, rate: tuning_rate || tuning.rate.rate },
});

const lm = (recipe: LmRecipe): Trainable => ({
  open: (seed, epochs = recipe.epochs) => lmSubject(loadCorpus(), { ...recipe, epochs }, seed),
  tune(frozen, start) {
    const corpus = loadCorpus();
    const config = { vocabulary: corpus.vocabulary.length, layers: recipe.layers };
    const asked = frozen.target.recipe;
    const own = frozen as Frozen<LmParams, QLm>;
    return new TunedLm(corpus, own, config, start, asSaid(LM_TUNING, asked), asked.tuning_seed);
  },
});

const g2pWords = () => ({ ...loadWords(), training: loadTrainingWords() });

const g2p = (recipe: G2pRecipe): Trainable => ({
  open: (seed, epochs = recipe.epochs) => g2pSubject(g2pWords(), { ...recipe, epochs }, seed),
  tune(frozen, start) {
    const asked = frozen.target.recipe;
    const own = frozen as Frozen<G2pParams, QG2p>;
    return new TunedG2p(g2pWords(), own, recipe.config, start, asSaid(G2P_TUNING, asked), asked.tuning_seed);
  },
});

/** Every model that can be trained, by the name that its weights get. */
export const TRAINABLES = {
  "lm-ln": lm(LM_RECIPES["lm-ln"]),
  "lm-mad": lm(LM_RECIPES["lm-mad"]),
  "lm-mogrifier": lm(LM_RECIPES["lm-mogrifier"]),
  "g2p-ln": g2p(G2P_RECIPES["g2p-ln"]),
  "g2p-mad": g2p(G2P_RECIPES["g2p-mad"]),
} as const satisfies Partial<Readonly<Record<ModelName, Trainable>>>;

/** A model by its name; undefined for one that cannot be trained. */
export const trainableOf = (name: string): Trainable | undefined =>
  Object.hasOwn(TRAINABLES, name) ? TRAINABLES[name as keyof typeof TRAINABLES] : undefined;
