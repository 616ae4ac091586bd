import type { Model } from "../model.ts";
import { equalizeSilero } from "./equalize.ts";
import { runExact } from "./exact.ts";
import { compileSilero, sitesOf } from "./lower.ts";
import { score, THRESHOLD } from "./metrics.ts";
import { codesOf, type QSilero, quantizeSilero } from "./quantize.ts";
import { probabilityOf, runReal } from "./real.ts";
import { framesOf, type Recording, recordingsOf, stretchesOf } from "./recordings.ts";
import { SPECTRUM_MACS } from "./spectrum.ts";
import { loadSilero, locateWeights, NETWORK_MACS, type SileroParams, WEIGHTS_FILE } from "./weights.ts";
import { widenSilero } from "./widen.ts";

/** All inputs share their programs. */
const SIZE = 1;

/**
 * Silero VAD v6 at 16 kHz: is there speech in these 32 ms? The host makes magnitudes of samples and a probability of the logit, in
 * floats; all between is the machine's.
 */
export const silero: Model<SileroParams, Recording, QSilero> = {
  experiment: "silero",
  file: WEIGHTS_FILE,
  nouns: { one: "frame", many: "frames", output: "speech", drawn: "a stretch of each recording" },
  splits: ["sample", "test"],
  calibrationSplit: "calibration",
  metrics: [
    {
      ...{ name: "auc", unit: "%", better: "higher" },
      doc: "area under the receiver operating characteristic",
      label: "ROC-AUC",
    },
    {
      ...{ name: "f1", unit: "%", better: "higher" },
      doc: "F1 of speech at a probability of 0.5",
      label: "F1 at 0.5",
    },
    {
      ...{ name: "accuracy", unit: "%", better: "higher" },
      doc: "frames that are decided right at a probability of 0.5",
      label: "frames right at 0.5",
    },
    {
      ...{ name: "agreement", unit: "%", better: "higher", isRelative: true },
      doc: "frames that are decided as the float model does",
      label: "frames as in float",
    },
  ],

  samples: recordingsOf,
  choose: stretchesOf,
  nameOf: ({ name }) => name,
  countOf: framesOf,

  locate: locateWeights,
  load: loadSilero,
  equalize: equalizeSilero,
  normOf: () => "none",
  reference: runReal,

  quantize: quantizeSilero,
  widen: widenSilero,
  inputOf: (q, recording) => ({
    size: SIZE,
    codes: codesOf(q, recording),
    keep: ([logit]) => [probabilityOf(logit! * q.output.output.scale)],
  }),
  exact: runExact,
  sites: sitesOf,
  compile: compileSilero,

  score,
  textOf: (outputs) => outputs.map((probability) => (probability >= THRESHOLD ? "#" : ".")).join(""),
  invocations: () =>
    `a program a frame; the state carries over a whole recording. The host makes magnitudes of samples in floats (${SPECTRUM_MACS} of the ${SPECTRUM_MACS + NETWORK_MACS} MACs a frame that the file has) and a probability of the logit`,
};
