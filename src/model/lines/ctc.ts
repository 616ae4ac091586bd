/**
 * What frames say by greedy connectionist temporal classification, each given as the code point of its best character, 0 of none: of
 * equal ones in a row the first, without those of none. Spaces at the ends are left out, which blank paper may look like.
 */
export const textOfFrames = (frames: readonly number[]): string =>
  frames
    .filter((point, t) => point !== 0 && point !== frames[t - 1])
    .map((point) => String.fromCodePoint(point))
    .join("")
    .trim();
