import type { Tap } from "../../kernels/tensors.ts";
import { charactersOf, lineReader } from "../lines/reader.ts";
import type { Model } from "../model.ts";
import { type Frames, Network, networkOf, widenNetwork } from "../onnx/network.ts";
import type { QNetwork } from "../onnx/quantize.ts";
import { type Seen, seenOf } from "./features.ts";
import { framesOf } from "./picture.ts";
import { neckInput, type Recognizer } from "./recognizer.ts";
import { loadPpocr, locateWeights, WEIGHTS_FILE } from "./weights.ts";

/** The recogniser behind its convolutions. */
interface PpocrParams {
  readonly network: Network;
  /** Its trained numbers, as others count them. */
  readonly weights: readonly Float32Array[];
}

/** Frames of the graph that others ask for constants: all have the same. */
const ANY_SIZE = 80;

/** What the outputs of each network stand for. */
const alphabets = new WeakMap<Network, readonly number[]>();

function paramsOf(recognizer: Recognizer): PpocrParams {
  const { constants } = recognizer.neckOf(ANY_SIZE);
  const network = new Network((frames) => ({ machine: recognizer.neckOf(frames) }));
  alphabets.set(network, recognizer.alphabet);
  return {
    network,
    weights: [...constants.values()].map(({ data }) => data).filter((data) => data instanceof Float32Array),
  };
}

/** A line's features as the network takes them. */
function inputsOf(line: Seen): Frames {
  const size = framesOf(line);
  return { size, frames: [Object.fromEntries(neckInput(line.features, size))] };
}

const bestOf = (scores: readonly number[], network: Network): number[] =>
  charactersOf(scores, alphabets.get(network)!);

/**
 * PP-OCRv4's recogniser behind its convolutions: what does this line of print say? The host has run the convolutions, and takes the best
 * character of each frame; the transformer and the head are the machine's.
 */
export const ppocr: Model<PpocrParams, Seen, QNetwork> = {
  experiment: "ppocr",
  file: WEIGHTS_FILE,
  ...lineReader({
    doc: "frames whose best character is the float model's",
    label: "frames as in float",
  }),

  samples: seenOf,

  locate: locateWeights,
  load: (path) => paramsOf(loadPpocr(path)),
  normOf: () => "layer",
  reference: ({ network }, line, tap?: Tap) => bestOf(network.reference(inputsOf(line), tap), network),

  quantize: ({ network }, ranges, numerics) => network.quantize(ANY_SIZE, ranges, numerics),
  widen: widenNetwork,
  inputOf(q, line) {
    const network = networkOf(q);
    const input = network.inputOf(q, inputsOf(line));
    return { ...input, keep: (codes, turn) => bestOf(input.keep!(codes, turn), network) };
  },
  exact: (q, line, arch) => bestOf(networkOf(q).exact(q, inputsOf(line), arch), networkOf(q)),
  sites: (q, size) => networkOf(q).sites(q, size),
  compile: (q, arch, sizes, mapping) => networkOf(q).compile(q, arch, sizes, mapping),

  invocations: (sizes) =>
    `a program for each of ${sizes} widths of lines; one invocation a line. The host runs the convolutions in floats, 25 times the MACs, and takes the best character of each frame`,
};
