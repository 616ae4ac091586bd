import { InputError } from "../../base/errors.ts";
import type { NormParams } from "../../kernels/norm/real.ts";
import type { Model } from "../model.ts";
import { letters } from "./alphabet.ts";
import { runExact } from "./exact.ts";
import { compileG2p, sitesOf } from "./lower.ts";
import { agreement, score } from "./metrics.ts";
import { type QG2p, quantizeG2p } from "./quantize.ts";
import { MAX_PHONES, runReal } from "./real.ts";
import { type G2pParams, loadG2p } from "./weights.ts";
import { widenG2p } from "./widen.ts";
import { phonesToText, type Word, wordsOf } from "./words.ts";

/** Letters to phones, with norms of one kind: words of a dictionary, scored by the phones that are wrong. */
export const g2pOf = (name: string, kind: NormParams["kind"]): Model<G2pParams, Word, QG2p> => ({
  experiment: "g2p",
  file: `${name}.safetensors`,
  nouns: { one: "word", many: "words", output: "phones", drawn: "evenly spaced" },
  splits: ["test", "validation"],
  calibrationSplit: "validation",
  metrics: [
    { name: "per", unit: "%", doc: "phone error rate", label: "phones wrong (PER)", better: "lower" },
    { name: "wer", unit: "%", doc: "word error rate", label: "words wrong (WER)", better: "lower" },
    {
      name: "agreement",
      unit: "%",
      doc: "phones equal to the float model's, position by position",
      label: "phones as in float",
      better: "higher",
      isRelative: true,
    },
  ],

  samples: (split) => wordsOf(split as "test" | "validation"),
  nameOf: ({ spelling }) => spelling,
  countOf: () => 1,
  typed: wordFromText,

  load: (path, tensors) => loadG2p(path, kind, tensors),
  normOf: () => kind,
  reference: (params, word, tap) => runReal(params, word.letters, tap && { tap }).phones,

  quantize: quantizeG2p,
  widen: widenG2p,
  inputOf: (_, word) => ({ size: word.letters.length, codes: word.letters }),
  exact: (model, word, arch) => runExact(model, word.letters, arch).phones,
  sites: sitesOf,
  compile: compileG2p,

  score: (words, outputs, reference) => ({
    ...score(outputs, words),
    agreement: agreement(outputs, reference),
  }),
  textOf: phonesToText,
  invocations: (sizes) =>
    `a program for each of ${sizes} word lengths; at most ${MAX_PHONES} steps, one for each phone and one for the end`,
});

/** A word that no dictionary need list. @throws InputError for a letter that the model does not know */
function wordFromText(text: string, where: string): Word {
  const spelling = text.toUpperCase();
  const indices = Array.from(spelling, (letter) => letters.indexOf(letter));
  const odd = indices.indexOf(-1);
  if (odd >= 0) throw new InputError(where, `the model knows no letter "${Array.from(spelling)[odd]}"`);
  if (indices.length === 0) throw new InputError(where, "a word without letters");
  return { spelling, letters: indices, pronunciations: [] };
}
