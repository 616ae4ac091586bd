import { exactArgmax } from "../../kernels/argmax/exact.ts";
import { textOfFrames } from "../lines/ctc.ts";
import { type Line, linesOf } from "../lines/lines.ts";
import { scoreFrames } from "../lines/metrics.ts";
import type { Model } from "../model.ts";
import { runExact } from "./exact.ts";
import { compileTesseract, sitesOf } from "./lower.ts";
import { framesOf, stepsOf } from "./pixels.ts";
import { pixelsOf, type QTesseract, quantizeTesseract } from "./quantize.ts";
import { runReal } from "./real.ts";
import { loadTesseract, locateWeights, type TesseractParams, WEIGHTS_FILE } from "./weights.ts";
import { widenTesseract } from "./widen.ts";

/**
 * Tesseract's LSTM recognizer of English: what does this line of print say? The host stretches the contrast of the pixels and takes the best
 * character of each frame; all between is the machine's.
 */
export const tesseract: Model<TesseractParams, Line, QTesseract> = {
  experiment: "tesseract",
  file: WEIGHTS_FILE,
  nouns: { one: "line", many: "lines", output: "text", drawn: "evenly spaced" },
  splits: ["sample", "test"],
  calibrationSplit: "calibration",
  metrics: [
    { name: "cer", unit: "%", doc: "character error rate", label: "characters wrong (CER)", better: "lower" },
    {
      ...{ name: "agreement", unit: "%", better: "higher", isRelative: true },
      doc: "frames whose best character is that of the format's own arithmetic",
      label: "frames as in the format's arithmetic",
    },
  ],

  samples: linesOf,
  nameOf: ({ name }) => name,
  countOf: () => 1,

  locate: locateWeights,
  load: loadTesseract,
  normOf: () => "none",
  reference: runReal,

  quantize: quantizeTesseract,
  widen: widenTesseract,
  inputOf: (q, line) => {
    const [across] = q.pool.window;
    return {
      size: stepsOf(line, across),
      codes: pixelsOf(q, line),
      keep: (logits) =>
        Array.from({ length: framesOf(line, across) }, (_, t) => {
          const frame = logits.slice(t * q.alphabet.length, (t + 1) * q.alphabet.length);
          return q.alphabet[exactArgmax(frame)]!;
        }),
    };
  },
  exact: runExact,
  sites: sitesOf,
  compile: compileTesseract,

  score: scoreFrames,
  textOf: textOfFrames,
  invocations: (sizes) =>
    `a program for each of ${sizes} widths of lines; one invocation a line. The host stretches the contrast of the pixels and takes the best character of each frame`,
};
