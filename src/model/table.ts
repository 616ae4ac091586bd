import { Recent } from "../base/recent.ts";
import { g2pOf } from "./g2p/index.ts";
import { lmOf } from "./lm/index.ts";
import type { Model } from "./model.ts";
import { importedModel } from "./onnx/imported.ts";
import { ppocr } from "./ppocr/index.ts";
import { silero } from "./silero/index.ts";
import { tesseract } from "./tesseract/index.ts";

/** Every model, by the name that an experiment gives it: also that of its folder in `models/`. */
export const MODELS = {
  g2p: g2pOf("g2p", "layer"),
  "g2p-ln": g2pOf("g2p-ln", "layer"),
  "g2p-mad": g2pOf("g2p-mad", "mad"),
  "lm-ln": lmOf("lm-ln"),
  "lm-mad": lmOf("lm-mad"),
  "lm-mogrifier": lmOf("lm-mogrifier"),
  "silero-vad": silero,
  tesseract,
  ppocr,
} as const satisfies Readonly<Record<string, Model>>;

/** The ending of a file that describes a model which somebody brings. */
export const DESCRIPTION = ".yaml";

/** A name of the table, or the path of a file that describes a model. */
export type ModelName = keyof typeof MODELS | `${string}${typeof DESCRIPTION}`;

/** The names of the table, the default first. */
export const MODEL_NAMES = Object.keys(MODELS) as [keyof typeof MODELS, ...(keyof typeof MODELS)[]];

export const isDescription = (name: string): name is `${string}${typeof DESCRIPTION}` =>
  name.endsWith(DESCRIPTION);

/** Models of descriptions: a process asks for the same one again and again. */
const imported = new Recent<Model>(16);

/** A model by its name. @throws InputError for a faulty description */
export const modelOf = (name: ModelName): Model =>
  isDescription(name) ? imported.recall(name, () => importedModel(name)) : MODELS[name];
