import type { Model } from "../model.ts";
import { runExact } from "./exact.ts";
import { compileLm, sitesOf } from "./lower.ts";
import { likeliestOf, outputsOf, score } from "./metrics.ts";
import {
  countOf,
  LEAD,
  type Passage,
  passageFromText,
  passagesOf,
  type Split,
  textOf,
  wordsToText,
} from "./passages.ts";
import { type QLm, quantizeLm } from "./quantize.ts";
import { runReal } from "./real.ts";
import { LM_SHAPES, type LmParams, loadLm } from "./weights.ts";
import { widenLm } from "./widen.ts";

/** All inputs share their programs. */
const SIZE = 1;

/**
 * A word-level language model, scored by the perplexity of a text. The machine gives a word's logits as
 * integers; the host makes them a likelihood, in double precision.
 */
export const lmOf = (name: keyof typeof LM_SHAPES): Model<LmParams, Passage, QLm> => ({
  experiment: "lm",
  file: `${name}.safetensors`,
  nouns: {
    ...{ one: "word", many: "words", output: "likeliest" },
    drawn: `in order from the first, in passages side by side, each read in by the ${LEAD} words before it`,
  },
  splits: ["test", "validation"],
  calibrationSplit: "validation",
  metrics: [
    {
      ...{ name: "perplexity", unit: "ratio", better: "lower" },
      doc: "exponential of the mean negative log likelihood of a word",
      label: "perplexity",
    },
    {
      ...{ name: "accuracy", unit: "%", better: "higher" },
      doc: "words that were the likeliest",
      label: "words right",
    },
    {
      ...{ name: "agreement", unit: "%", better: "higher", isRelative: true },
      doc: "words at which the likeliest is the float model's",
      label: "likeliest word as in float",
    },
  ],

  samples: (split) => [textOf(split as Split)],
  choose: ([text], count, seed) => passagesOf(text!, count, seed),
  nameOf: ({ name }) => name,
  countOf,
  typed: passageFromText,

  load: (path, tensors) => loadLm(path, LM_SHAPES[name], tensors),
  normOf: () => LM_SHAPES[name].norm,
  reference: runReal,

  quantize: quantizeLm,
  widen: widenLm,
  inputOf: ({ output }, { words, lead }) => ({
    size: SIZE,
    codes: words.slice(0, -1),
    // A passage that is read in was not started either: the state was there.
    lead: lead > 0 ? lead + 1 : 0,
    keep: (logits, turn) => outputsOf(logits, output.output.scale, words[lead + turn]!),
  }),
  exact: runExact,
  sites: sitesOf,
  compile: compileLm,

  score,
  textOf: (outputs) => wordsToText(likeliestOf(outputs)),
  invocations: () => "a program a word; the state carries over the whole text",
});
