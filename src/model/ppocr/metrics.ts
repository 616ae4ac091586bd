import { textOfFrames } from "../lines/ctc.ts";
import type { Line } from "../lines/lines.ts";
import { characterErrorRate, frameAgreement } from "../lines/metrics.ts";

/**
 * `cer`, the characters that are read wrong, and `agreement`, the share of frames whose best character is the same in both lists.
 * @param outputs  the code point of each frame's best character, 0 of none, and the same of `reference`
 * @throws RangeError unless each line has its frames in both lists
 */
export const score = (
  lines: readonly Line[],
  outputs: readonly (readonly number[])[],
  reference: readonly (readonly number[])[],
): Record<"cer" | "agreement", number> => ({
  cer: characterErrorRate(lines, outputs.map(textOfFrames)),
  agreement: frameAgreement(outputs, reference),
});
