import type { Line } from "../lines/lines.ts";
import { characterErrorRate, frameAgreement } from "../lines/metrics.ts";

/** What frames say: of equal ones in a row the first, without those that say nothing (greedy CTC), and without spaces at the ends. */
export const textOf = (outputs: readonly number[]): string =>
  outputs
    .filter((point, t) => point !== 0 && point !== outputs[t - 1])
    .map((point) => String.fromCodePoint(point))
    .join("")
    .trim();

/** @throws RangeError unless each line has its frames in both lists */
export const score = (
  lines: readonly Line[],
  outputs: readonly (readonly number[])[],
  reference: readonly (readonly number[])[],
): Record<"cer" | "agreement", number> => ({
  cer: characterErrorRate(lines, outputs.map(textOf)),
  agreement: frameAgreement(outputs, reference),
});
