import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import { type Line, linesOf } from "../lines/lines.ts";
import { readMetadata, readSafetensors, type Tensor } from "../safetensors.ts";
import { safetensorsOf } from "../safetensors-writer.ts";
import { framesOf } from "./picture.ts";
import { CHANNELS, type Recognizer } from "./recognizer.ts";

/** A line with what the convolutions make of it, which takes seconds. */
export interface Seen extends Line {
  readonly features: Float32Array; // [CHANNELS][frames]
}

/** Where the features of a split lie in the model's folder. */
export const featuresFile = (split: string, folder: string): string =>
  join(folder, "features", `${split}.safetensors`);

/** The lines of a split with their features. @throws InputError for what is missing, faulty, or of other pictures than the lines are */
export function seenOf(split: string, folder: string): readonly Seen[] {
  const lines = linesOf(split, folder);
  const path = featuresFile(split, folder);
  if (!existsSync(path))
    throw new InputError(path, `no such file: \`node scripts/ppocr-features.mjs ${split}\` computes it`);
  const tensors = readSafetensors(path);
  const pictures = readMetadata(path);
  return lines.map((line) => {
    const tensor = tensors.get(line.name);
    const shape = [CHANNELS, framesOf(line)];
    if (tensor?.shape.join() !== shape.join())
      throw new InputError(path, `[${tensor?.shape ?? "nothing"}] for ${line.name}, which has [${shape}]`);
    if (pictures[line.name] !== digestOf(line))
      throw new InputError(
        path,
        `of another picture than ${line.name} is now: \`node scripts/ppocr-features.mjs ${split}\` computes it again`,
      );
    return { ...line, features: tensor.data };
  });
}

/** The bytes of a file of features. @param progress  called before each line, with how many are done */
export function featuresBytes(
  recognizer: Recognizer,
  lines: readonly Line[],
  progress: (done: number) => void,
): Uint8Array {
  const tensors = new Map<string, Tensor>();
  for (const [i, line] of lines.entries()) {
    progress(i);
    const data = Float32Array.from(recognizer.featuresOf(line).data);
    tensors.set(line.name, { dtype: "F16", shape: [CHANNELS, framesOf(line)], data });
  }
  return safetensorsOf(tensors, Object.fromEntries(lines.map((line) => [line.name, digestOf(line)])));
}

const digestOf = ({ pixels }: Line): string => sha256(pixels);
