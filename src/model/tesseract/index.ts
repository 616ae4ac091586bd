import { type Line, linesOf } from "../lines/lines.ts";
import { charactersOf, lineReader } from "../lines/reader.ts";
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
  ...lineReader({
    doc: "frames whose best character is that of the format's own arithmetic",
    label: "frames as in the format's arithmetic",
  }),

  samples: linesOf,

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
      keep: (logits) => charactersOf(logits.slice(0, framesOf(line, across) * q.alphabet.length), q.alphabet),
    };
  },
  exact: runExact,
  sites: sitesOf,
  compile: compileTesseract,

  invocations: (sizes) =>
    `a program for each of ${sizes} widths of lines; one invocation a line. The host stretches the contrast of the pixels and takes the best character of each frame`,
};
