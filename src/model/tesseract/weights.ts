import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { locatePackaged, type Packaged } from "../packaged.ts";
import { readAlphabet } from "./alphabet.ts";
import { type Network, networkOf } from "./network.ts";
import { readRecognizer } from "./records.ts";
import { readTraineddata } from "./traineddata.ts";

export interface TesseractParams extends Network {
  /** The code point of each output's character, 0 of none. */
  readonly alphabet: readonly number[];
}

export const WEIGHTS_FILE = "eng.traineddata";
/** Of the package's models of English the one for integers alone. */
const PACKAGED: Packaged = {
  ...{ package: "@tesseract.js-data/eng", version: "1.0.0", entry: "@tesseract.js-data/eng" },
  ...{ folder: "4.0.0_best_int", file: `${WEIGHTS_FILE}.gz` },
};

/** Where the weights are: in the model's folder, compressed or not, or in the package that has them. @throws InputError saying how to get them */
export function locateWeights(folder: string): string {
  const beside = join(folder, WEIGHTS_FILE);
  return existsSync(beside) ? beside : locatePackaged(folder, PACKAGED);
}

/**
 * Reads the network and its alphabet from a file of Tesseract's, compressed or not.
 * @throws InputError for a file of another shape, naming the byte or the record and the rule
 */
export function loadTesseract(path: string): TesseractParams {
  const { lstm, unicharset, recoder } = readTraineddata(path);
  const { root, network, nullCode } = readRecognizer(lstm);
  const read = networkOf(root, path);
  const { rows } = read.output.weight;
  if (nullCode < 0 || nullCode >= rows)
    throw new InputError(path, `lstm: the null code ${nullCode} of ${network} is not in 0 … ${rows - 1}`);
  return { ...read, alphabet: readAlphabet(unicharset, recoder, rows, nullCode) };
}
