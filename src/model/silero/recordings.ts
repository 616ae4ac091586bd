import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../../base/errors.ts";
import { readJson } from "../../base/json.ts";
import { Recent } from "../../base/recent.ts";
import { floorDiv } from "../../fixed/round.ts";
import { FRAME, mix, type Noise } from "./mix.ts";
import { readWav } from "./wav.ts";

/** Audio in frames, each with a label of `mix.ts`. */
export interface Recording {
  readonly name: string;
  readonly audio: Float32Array; // [frames * FRAME], in [-1, 1)
  readonly labels: Int8Array; // [frames]
}

/** A description of recordings, in the folder of their clips. */
const FILE = "tracks.json";

const described = z.array(
  z.strictObject({
    name: z.string(),
    frames: z.int().positive(),
    /** Clips, and the samples at which they start. */
    speech: z.array(z.strictObject({ clip: z.string(), at: z.int().min(0) })).min(1),
    /** `none`, `white`, `pink`, or a clip. */
    noise: z.string(),
    snr: z.number(),
  }),
);

/** Parts that ship with the package; the others are fetched. */
const SHIPPED = ["sample", "calibration"];

const read = new Recent<readonly Recording[]>(3);

/** The recordings of a split, as the file beside its clips describes them. @throws InputError for what is missing or faulty */
export function recordingsOf(split: string, folder: string): readonly Recording[] {
  const at = join(folder, split);
  if (!existsSync(at) && !SHIPPED.includes(split))
    throw new InputError(
      at,
      "is not there: `node scripts/fetch-vad-data.mjs` builds it from Debian's packages of audio",
    );
  return read.recall(at, () => mixAll(at));
}

function mixAll(folder: string): Recording[] {
  const path = join(folder, FILE);
  const clips = new Map<string, Float32Array>();
  const clipOf = (name: string): Float32Array => {
    const known = clips.get(name) ?? readWav(join(folder, name));
    clips.set(name, known);
    return known;
  };
  const noiseOf = (name: string): Noise =>
    name === "none" || name === "white" || name === "pink" ? name : clipOf(name);
  return readJson(path, described).map(({ name, frames, speech, noise, snr }) => {
    const placed = speech.map(({ clip, at }) => ({ samples: clipOf(clip), at }));
    return { name, ...mix({ frames, speech: placed, noise: noiseOf(noise), snr }, name) };
  });
}

export const framesOf = ({ labels }: Recording): number => labels.length;

/**
 * `count` frames: a stretch of each recording, of equal length to within a frame, as if the recording were no longer.
 * @param seed  1: the first stretch of each; then the next, as long as there is one, then again the first
 */
export function stretchesOf(all: readonly Recording[], count: number, seed: number): Recording[] {
  const some = all.slice(0, count);
  let left = count;
  const lengths = new Map<Recording, number>();
  // The shortest first: what they do not have, longer ones make up for.
  for (const [i, one] of [...some].sort((a, b) => framesOf(a) - framesOf(b)).entries()) {
    const length = Math.min(framesOf(one), floorDiv(left, some.length - i));
    lengths.set(one, length);
    left -= length;
  }
  return some.map((one) => stretch(one, lengths.get(one)!, seed));
}

function stretch({ name, audio, labels }: Recording, length: number, seed: number): Recording {
  const at = ((seed - 1) % floorDiv(labels.length, length)) * length;
  if (length === labels.length) return { name, audio, labels };
  return {
    name: `${name} ${at + 1}-${at + length}`,
    audio: audio.subarray(at * FRAME, (at + length) * FRAME),
    labels: labels.subarray(at, at + length),
  };
}
