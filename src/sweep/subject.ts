import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hashOf } from "../base/hash.ts";
import { floorDiv } from "../fixed/round.ts";
import { observe } from "../model/g2p/quantize.ts";
import { type G2pParams, loadG2p } from "../model/g2p/weights.ts";
import { loadWords, type Word, type Words } from "../model/g2p/words.ts";
import type { Ranges } from "../quant/grid.ts";

/** What is asked about: a model, and the words that it is calibrated and scored on. Plain data, so that a worker can be told. */
export interface SubjectSpec {
  readonly model: "g2p";
  /** Where the model's weights are. */
  readonly modelFolder: string;
  readonly split: "test" | "validation";
  /** Words scored: an evenly spaced sample of the split. */
  readonly words: number;
  /** Words whose real-valued runs give the ranges: an evenly spaced sample of the validation words. */
  readonly calibrationWords: number;
}

/** A subject with its files read. */
export interface Subject {
  readonly params: G2pParams;
  /** In dictionary order. */
  readonly words: readonly Word[];
  /** What calibration saw; it is run when first asked for. */
  readonly ranges: Ranges;
  /** Trained numbers in the model. */
  readonly parameters: number;
  /** Kind of the model's norms. */
  readonly norm: string;
  /** Identity of everything read: weights, words, pronunciations, calibration words. */
  readonly hash: string;
}

/**
 * `count` of the items, evenly spaced: item floor(i N / count) for i = 0 … count - 1. A prefix of an alphabetical
 * dictionary would be all words with A.
 */
export const sampleOf = <T>(items: readonly T[], count: number): T[] =>
  Array.from({ length: count }, (_, i) => items[floorDiv(i * items.length, count)]!);

let dictionary: Words | undefined;
/** The dictionary, read once. */
export function wordsOf(split: SubjectSpec["split"]): readonly Word[] {
  dictionary ??= loadWords();
  return dictionary[split];
}

let latest: { readonly key: string; readonly subject: Subject } | undefined;

/** Reads a subject; the latest one is kept, as a sweep asks for the same one time and again. @throws InputError for faulty files */
export function subjectOf(spec: SubjectSpec): Subject {
  const key = hashOf(spec);
  if (latest?.key !== key) latest = { key, subject: readSubject(spec) };
  return latest.subject;
}

function readSubject(spec: SubjectSpec): Subject {
  const params = loadG2p(spec.modelFolder);
  const words = sampleOf(wordsOf(spec.split), spec.words);
  const calibration = sampleOf(wordsOf("validation"), spec.calibrationWords);
  let ranges: Ranges | undefined;
  return {
    params,
    words,
    get ranges() {
      ranges ??= observe(params, calibration);
      return ranges;
    },
    parameters: numbersIn(params),
    norm: params.decoder.normC?.kind ?? "none",
    hash: hashOf({ weights: digestOf(join(spec.modelFolder, "g2p.safetensors")), words, calibration }),
  };
}

const digestOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Elements of all typed arrays below a value. */
function numbersIn(value: unknown): number {
  if (value instanceof Float32Array || value instanceof Float64Array) return value.length;
  if (value === null || typeof value !== "object") return 0;
  let sum = 0;
  for (const inner of Object.values(value)) sum += numbersIn(inner);
  return sum;
}
