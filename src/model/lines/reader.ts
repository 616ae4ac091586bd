import { exactArgmax } from "../../kernels/argmax/exact.ts";
import type { Metric, Model } from "../model.ts";
import { textOfFrames } from "./ctc.ts";
import type { Line } from "./lines.ts";
import { scoreFrames } from "./metrics.ts";

/** The code point of the best character of each frame: scores [frames][alphabet]. */
export const charactersOf = (scores: readonly number[], alphabet: readonly number[]): number[] =>
  Array.from({ length: scores.length / alphabet.length }, (_, t) => {
    const frame = scores.slice(t * alphabet.length, (t + 1) * alphabet.length);
    return alphabet[exactArgmax(frame)]!;
  });

/**
 * What every model that reads lines of print is to a sweep: its outputs are characters of frames.
 * @param agreement  what frames are compared with
 */
export const lineReader = (agreement: Pick<Metric, "doc" | "label">) =>
  ({
    nouns: { one: "line", many: "lines", output: "text", drawn: "evenly spaced" },
    splits: ["sample", "test"],
    calibrationSplit: "calibration",
    metrics: [
      {
        name: "cer",
        unit: "%",
        doc: "character error rate",
        label: "characters wrong (CER)",
        better: "lower",
      },
      { ...{ name: "agreement", unit: "%", better: "higher", isRelative: true }, ...agreement },
    ],
    nameOf: ({ name }) => name,
    countOf: () => 1,
    score: scoreFrames,
    textOf: textOfFrames,
  }) satisfies Partial<Model<unknown, Line>>;
