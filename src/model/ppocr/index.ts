import { exactArgmax } from "../../kernels/argmax/exact.ts";
import type { Tap } from "../../kernels/tensors.ts";
import { textOfFrames } from "../lines/ctc.ts";
import { scoreFrames } from "../lines/metrics.ts";
import type { Model } from "../model.ts";
import { type Frames, Network, widenNetwork } from "../onnx/network.ts";
import type { QNetwork } from "../onnx/quantize.ts";
import { type Seen, seenOf } from "./features.ts";
import { framesOf } from "./picture.ts";
import { neckInput, type Recognizer } from "./recognizer.ts";
import { loadPpocr, locateWeights, WEIGHTS_FILE } from "./weights.ts";

/** The recogniser behind its convolutions. */
interface PpocrParams {
  readonly network: Network;
  readonly alphabet: readonly number[];
  /** Its trained numbers, as others count them. */
  readonly weights: readonly Float32Array[];
}

/** Frames of the graph that others ask for constants: all have the same. */
const ANY_SIZE = 80;

function paramsOf(recognizer: Recognizer): PpocrParams {
  const { constants } = recognizer.neckOf(ANY_SIZE);
  return {
    network: new Network((frames) => ({ machine: recognizer.neckOf(frames) })),
    alphabet: recognizer.alphabet,
    weights: [...constants.values()].map(({ data }) => data).filter((data) => data instanceof Float32Array),
  };
}

/** What each quantized network was made of, which knows its graph for inputs of any size. */
const origins = new WeakMap<QNetwork, PpocrParams>();

function known(q: QNetwork, params: PpocrParams): QNetwork {
  origins.set(q, params);
  return q;
}

const originOf = (q: QNetwork): PpocrParams => origins.get(q)!;

/** A line's features as the network takes them. */
function inputsOf(line: Seen): Frames {
  const size = framesOf(line);
  return { size, frames: [Object.fromEntries(neckInput(line.features, size))] };
}

/** The characters of the largest scores [frames][outputs]. */
function bestOf(scores: readonly number[], { alphabet }: PpocrParams): number[] {
  const outputs = alphabet.length;
  return Array.from({ length: scores.length / outputs }, (_, t) => {
    return alphabet[exactArgmax(scores.slice(t * outputs, (t + 1) * outputs))]!;
  });
}

/**
 * PP-OCRv4's recogniser behind its convolutions: what does this line of print say? The host has run the convolutions, and takes the best
 * character of each frame; the transformer and the head are the machine's.
 */
export const ppocr: Model<PpocrParams, Seen, QNetwork> = {
  experiment: "ppocr",
  file: WEIGHTS_FILE,
  nouns: { one: "line", many: "lines", output: "text", drawn: "evenly spaced" },
  splits: ["sample", "test"],
  calibrationSplit: "calibration",
  metrics: [
    { name: "cer", unit: "%", doc: "character error rate", label: "characters wrong (CER)", better: "lower" },
    {
      ...{ name: "agreement", unit: "%", better: "higher", isRelative: true },
      doc: "frames whose best character is the float model's",
      label: "frames as in float",
    },
  ],

  samples: seenOf,
  nameOf: ({ name }) => name,
  countOf: () => 1,

  locate: locateWeights,
  load: (path) => paramsOf(loadPpocr(path)),
  normOf: () => "layer",
  reference: (params, line, tap?: Tap) => bestOf(params.network.reference(inputsOf(line), tap), params),

  quantize: (params, ranges, numerics) => known(params.network.quantize(ANY_SIZE, ranges, numerics), params),
  widen: (q, bits) => known(widenNetwork(q, bits), originOf(q)),
  inputOf(q, line) {
    const origin = originOf(q);
    const input = origin.network.inputOf(q, inputsOf(line));
    return { ...input, keep: (codes, turn) => bestOf(input.keep!(codes, turn), origin) };
  },
  exact: (q, line, arch) => bestOf(originOf(q).network.exact(q, inputsOf(line), arch), originOf(q)),
  sites: (q, size) => originOf(q).network.sites(q, size),
  compile: (q, arch, sizes, mapping) => originOf(q).network.compile(q, arch, sizes, mapping),

  score: scoreFrames,
  textOf: textOfFrames,
  invocations: (sizes) =>
    `a program for each of ${sizes} widths of lines; one invocation a line. The host runs the convolutions in floats, 25 times the MACs, and takes the best character of each frame`,
};
