import { existsSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import seedrandom from "seedrandom";
import { z } from "zod";
import { InputError } from "../../base/errors.ts";
import { readBytes } from "../../base/files.ts";
import { readJson } from "../../base/json.ts";
import { Recent } from "../../base/recent.ts";
import { roundReal } from "../../fixed/real.ts";

/** A line of printed text as a picture, and what it says. */
export interface Line {
  readonly name: string;
  readonly text: string;
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array; // [height * width], row by row; 0 is black, 255 white
}

/** Rows of every line. */
export const LINE_HEIGHT = 36;

/** Folder of the lines, beside those of the models that read them. */
const FOLDER = "lines";
const DESCRIPTION = "lines.json";
const PICTURE = "lines.pgm.gz";

/** Lines in the order in which they lie below one another in the picture. */
const described = z
  .array(
    z.strictObject({
      name: z.string().min(1),
      text: z.string().min(1),
      width: z.int().min(1),
      /** Standard deviation of Gaussian noise, in steps of 255. */
      noise: z.number().min(0),
    }),
  )
  .min(1);

/** Parts that ship with the package; the others are made. */
const SHIPPED = ["sample", "calibration"];

/** The largest picture there is: a few thousand lines. */
const MOST_PIXELS = 2 ** 28;

const read = new Recent<readonly Line[]>(3);

/**
 * The lines of a split.
 * @param folder  of a model that reads them; they lie beside it
 * @throws InputError for what is missing or faulty
 */
export function linesOf(split: string, folder: string): readonly Line[] {
  const at = join(folder, "..", FOLDER, split);
  if (!existsSync(at) && !SHIPPED.includes(split))
    throw new InputError(at, "is not there: `node scripts/render-lines.mjs test` draws it");
  return read.recall(at, () => linesIn(at));
}

function linesIn(folder: string): Line[] {
  const lines = readJson(join(folder, DESCRIPTION), described);
  const path = join(folder, PICTURE);
  const { width: stride, height, pixels } = readPicture(path);
  if (height !== LINE_HEIGHT * lines.length)
    throw new InputError(
      path,
      `${height} rows where ${lines.length} lines of ${LINE_HEIGHT} have ${LINE_HEIGHT * lines.length}`,
    );
  return lines.map(({ name, text, width, noise }, i) => {
    if (width > stride) throw new InputError(path, `${stride} columns where line ${name} has ${width}`);
    const clean = new Uint8Array(LINE_HEIGHT * width);
    for (let y = 0; y < LINE_HEIGHT; y++) {
      const from = (i * LINE_HEIGHT + y) * stride;
      clean.set(pixels.subarray(from, from + width), y * width);
    }
    return { name, text, width, height: LINE_HEIGHT, pixels: withNoise(clean, noise, name) };
  });
}

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** Reads a binary portable graymap of 8 bits, compressed by gzip. @throws InputError for any other file */
function readPicture(path: string): Picture {
  let bytes: Uint8Array;
  try {
    bytes = gunzipSync(readBytes(path), { maxOutputLength: MOST_PIXELS });
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(path, `is no gzip file of at most ${MOST_PIXELS} bytes (${code ?? String(error)})`);
  }
  const head = /^P5\n(\d{1,9}) (\d{1,9})\n255\n/.exec(
    new TextDecoder("latin1").decode(bytes.subarray(0, 32)),
  );
  if (head === null) throw new InputError(path, "is no binary graymap (P5) of 255 steps");
  const [width, height] = [Number(head[1]), Number(head[2])];
  const pixels = bytes.subarray(head[0].length);
  if (pixels.length !== width * height)
    throw new InputError(path, `${pixels.length} pixels where ${width} x ${height} are ${width * height}`);
  return { width, height, pixels };
}

/** Pixels with Gaussian noise, kept in 0 ... 255. A seed makes it, so that no file has to hold what does not compress. */
function withNoise(pixels: Uint8Array, deviation: number, seed: string): Uint8Array {
  if (deviation === 0) return pixels;
  const random = seedrandom(seed);
  return pixels.map((pixel) => {
    const noisy = roundReal(pixel + deviation * gaussian(random), "half-away");
    return Math.min(Math.max(noisy, 0), 255);
  });
}

/** A normal deviate (Box and Muller). */
const gaussian = (random: () => number): number =>
  // 1 - random() is never 0.
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
