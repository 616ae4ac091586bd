import { roundReal } from "../../fixed/real.ts";
import { ceilDiv, floorDiv } from "../../fixed/round.ts";
import type { Line } from "../lines/lines.ts";
import { STEPS } from "./network.ts";

/** The host's part: from grey to codes, stretched between what ink and paper are in the line. */

/** Steps of the pool, columns of pooled pixels, that a program takes at a time. */
export const CHUNK = 8;

/** Lines are filled up to a multiple of so many steps: there is a program for each width. */
const WIDTH_STEPS = 4 * CHUNK;

/** What a line is filled up with: paper. */
const WHITE = 255;
/** The file's readers scale pixels by one more than all other activations. */
const PIXEL_STEPS = STEPS + 1;

/** Shares of the local minima and maxima that are taken for ink and for paper. */
const INK = 0.25;
const PAPER = 0.75;

/** Columns of pooled pixels of a line: what the network says something of. */
export const framesOf = ({ width }: Line, across: number): number => floorDiv(width, across);

/** The same of a line that is filled up. */
export const stepsOf = (line: Line, across: number): number =>
  WIDTH_STEPS * Math.max(1, ceilDiv(framesOf(line, across), WIDTH_STEPS));

/**
 * Codes in ± STEPS of a line, filled up with paper at its right end: `[steps * across][height]`, column by column.
 * Black becomes the least, white the greatest.
 */
export function codesOf(line: Line, across: number): Int16Array {
  const { width, height, pixels } = line;
  const columns = across * stepsOf(line, across);
  const { black, contrast } = contrastOf(line);
  const codes = new Int16Array(columns * height);
  for (let x = 0; x < columns; x++) {
    for (let y = 0; y < height; y++) {
      const grey = x < width ? pixels[y * width + x]! : WHITE;
      const code = roundReal(PIXEL_STEPS * ((grey - black) / contrast - 1), "half-away");
      codes[x * height + y] = Math.max(-STEPS, Math.min(STEPS, code));
    }
  }
  return codes;
}

/** Grey of ink, and half of the way from there to paper: by the local extremes of the middle row. */
function contrastOf({ width, height, pixels }: Line): { readonly black: number; readonly contrast: number } {
  const at = floorDiv(height, 2) * width;
  const [minima, maxima] = [new Float64Array(256), new Float64Array(256)];
  for (let x = at + 1; x + 1 < at + width; x++) {
    const [before, here, after] = [pixels[x - 1]!, pixels[x]!, pixels[x + 1]!];
    if ((here < before && here <= after) || (here <= before && here < after)) minima[here]!++;
    if ((here > before && here >= after) || (here >= before && here > after)) maxima[here]!++;
  }
  const black = quantile(minima, INK) ?? quantile(only(0), INK)!;
  const white = quantile(maxima, PAPER) ?? quantile(only(WHITE), PAPER)!;
  const contrast = (white - black) / 2;
  return { black, contrast: contrast > 0 ? contrast : 1 };
}

const only = (grey: number): Float64Array => new Float64Array(256).map((_, i) => (i === grey ? 1 : 0));

/**
 * Up to where a share of the values lies, each of them spread evenly over the step above it; at least one value is counted in.
 * @returns undefined where there are none
 */
function quantile(counts: Float64Array, share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const target = Math.max(share * total, 1);
  let [sum, value] = [0, 0];
  while (sum < target) sum += counts[value++]!;
  return value - (sum - target) / counts[value - 1]!;
}
