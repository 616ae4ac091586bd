import { loadTrainingWords, loadWords } from "../model/g2p/words.ts";
import { loadCorpus } from "../model/lm/tokens.ts";
import { G2P_RECIPE } from "./g2p/recipes.ts";
import { g2pSubject } from "./g2p/subject.ts";
import { LM_RECIPES, type LmRecipe } from "./lm/recipes.ts";
import { lmSubject } from "./lm/subject.ts";
import type { Subject } from "./trainer.ts";

/** A model that can be trained from data that comes with the package. */
export interface Trainable {
  /** Reads the data. `epochs` replaces the recipe's. */
  open(seed: number, epochs?: number): Subject;
}

const lm = (recipe: LmRecipe): Trainable => ({
  open: (seed, epochs = recipe.epochs) => lmSubject(loadCorpus(), { ...recipe, epochs }, seed),
});

/** Every model that can be trained, by the name that its weights get. */
export const TRAINABLES: Readonly<Record<string, Trainable>> = {
  "lm-ln": lm(LM_RECIPES["lm-ln"]),
  "lm-mad": lm(LM_RECIPES["lm-mad"]),
  "lm-mogrifier": lm(LM_RECIPES["lm-mogrifier"]),
  g2p: {
    open: (seed, epochs = G2P_RECIPE.epochs) =>
      g2pSubject({ ...loadWords(), training: loadTrainingWords() }, { ...G2P_RECIPE, epochs }, seed),
  },
};
