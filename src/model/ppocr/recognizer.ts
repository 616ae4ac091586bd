import { roundHalf } from "../../fixed/real.ts";
import { cut, type Ends } from "../../onnx/cut.ts";
import { execute, type Watch } from "../../onnx/execute.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { OPS } from "../../onnx/ops/table.ts";
import type { ParsedModel } from "../../onnx/parse.ts";
import { fuse } from "../../onnx/patterns/fuse.ts";
import { resolve } from "../../onnx/resolve.ts";
import { type Tensor, tensorOf } from "../../onnx/tensor.ts";
import type { Line } from "../lines/lines.ts";
import { adapted } from "./adapt.ts";
import { framesOf, pictureOf, pictureShape } from "./picture.ts";

/** Names of values in the file: the picture, what the convolutions make of it, and scores of characters before their softmax. */
const PICTURE = "x";
export const FEATURES = "p2o.AveragePool.1";
export const LOGITS = "p2o.Add.277";

/** Channels of the features. */
export const CHANNELS = 480;
/** The neck's input: features frame by frame, as convolutions that go from place to place leave them. */
const INPUT = "features";

/** Characters that are kept: those of a typewriter, and none at all. */
const isLatin = (point: number): boolean => point === 0 || (point >= 0x20 && point <= 0x7e);

/**
 * PP-OCRv4's recogniser: its two halves for lines of any width, and what its outputs stand for. Of the head's 6,625 outputs, most of
 * them Chinese, it has the 96 of Latin text: otherwise the head alone would be more than half of all products.
 */
export class Recognizer {
  /** The code point of each output's character, 0 of none. */
  readonly alphabet: readonly number[];
  readonly #model: ParsedModel;
  readonly #backbones = new Map<number, Graph>();
  readonly #necks = new Map<number, Graph>();

  /**
   * @param alphabet  of all outputs that the model has
   * @throws InputError for a model that is another
   */
  constructor(model: ParsedModel, alphabet: readonly number[]) {
    const kept = [...alphabet.keys()].filter((output) => isLatin(alphabet[output]!));
    this.#model = adapted(model, kept);
    this.alphabet = kept.map((output) => alphabet[output]!);
  }

  /**
   * From features [1, 1, frames, 480] to scores [1, frames, outputs]: transformer blocks, and the head. Constants are the same for all
   * `frames`.
   */
  neckOf(frames: number): Graph {
    return this.#partOf(this.#necks, frames, { from: [FEATURES], to: [LOGITS] }, fromChannelsLast);
  }

  /** Features of a line [1, 480, 1, frames], rounded to float16 as files keep them. */
  featuresOf(line: Line, watch?: Watch): Tensor {
    const backbone = this.#partOf(this.#backbones, framesOf(line), { to: [FEATURES] });
    const features = execute(backbone, new Map([[PICTURE, pictureOf(line)]]), { watch }).get(FEATURES)!;
    return { ...features, data: features.data.map((value) => roundHalf(value)) };
  }

  #partOf(held: Map<number, Graph>, frames: number, ends: Ends, finish = (part: Graph) => part): Graph {
    const shapes = new Map([[PICTURE, pictureShape(frames)]]);
    const part = held.get(frames) ?? finish(fuse(cut(resolve(this.#model, { shapes }), ends)));
    held.set(frames, part);
    return part;
  }
}

/** A graph of features [1, 480, 1, frames] that takes them with their channels last instead. */
function fromChannelsLast(graph: Graph): Graph {
  const { dtype, shape } = graph.types.get(FEATURES)!;
  const [batch, channels, rows, columns] = shape as [number, number, number, number];
  const input = { name: INPUT, dtype, shape: [batch, rows, columns, channels] };
  const turn: Node = {
    ...{ name: INPUT, where: `${graph.file}: ${INPUT}`, op: OPS.get("Transpose")!, opset: graph.opset },
    ...{ attributes: new Map([["perm", [0, 3, 1, 2]]]), inputs: [INPUT], outputs: [FEATURES] },
  };
  return {
    ...graph,
    inputs: [input],
    nodes: [turn, ...graph.nodes],
    types: new Map([...graph.types, [INPUT, input]]),
  };
}

/** Features [480][frames], as the input of the neck. */
export function neckInput(features: Float32Array, frames: number): ReadonlyMap<string, Tensor> {
  const data = Float32Array.from(features, (_, i) => {
    const channel = i % CHANNELS;
    return features[channel * frames + (i - channel) / CHANNELS]!;
  });
  return new Map([[INPUT, tensorOf("float32", [1, 1, frames, CHANNELS], data)]]);
}
