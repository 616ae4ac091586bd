import { roundHalf } from "../../fixed/real.ts";
import { cut } from "../../onnx/cut.ts";
import { execute, type Watch } from "../../onnx/execute.ts";
import type { Graph } from "../../onnx/graph.ts";
import type { ParsedModel } from "../../onnx/parse.ts";
import { fuse } from "../../onnx/patterns/fuse.ts";
import { resolve } from "../../onnx/resolve.ts";
import type { Tensor } from "../../onnx/tensor.ts";
import type { Line } from "../lines/lines.ts";
import { adapted } from "./adapt.ts";
import { framesOf, pictureOf, pictureShape } from "./picture.ts";

/** Names of values in the file: the picture, what the convolutions make of it, and scores of characters before their softmax. */
const PICTURE = "x";
export const FEATURES = "p2o.AveragePool.1";
export const LOGITS = "p2o.Add.277";

/** Channels of the features. */
export const CHANNELS = 480;

/** Convolutions that make features of a picture, and what makes scores of features, for pictures of one width. */
interface Halves {
  readonly backbone: Graph;
  readonly neck: Graph;
}

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
  readonly #halves = new Map<number, Halves>();

  /**
   * @param alphabet  of all outputs that the model has
   * @throws InputError for a model that is another
   */
  constructor(model: ParsedModel, alphabet: readonly number[]) {
    const kept = [...alphabet.keys()].filter((output) => isLatin(alphabet[output]!));
    this.#model = adapted(model, kept);
    this.alphabet = kept.map((output) => alphabet[output]!);
  }

  /** From features [1, 480, 1, frames] to scores [1, frames, outputs]: transformer blocks, and the head. Constants are the same for all `frames`. */
  neckOf(frames: number): Graph {
    return this.#halvesOf(frames).neck;
  }

  /** Features of a line [1, 480, 1, frames], rounded to float16 as files keep them. */
  featuresOf(line: Line, watch?: Watch): Tensor {
    const { backbone } = this.#halvesOf(framesOf(line));
    const features = execute(backbone, new Map([[PICTURE, pictureOf(line)]]), { watch }).get(FEATURES)!;
    return { ...features, data: features.data.map((value) => roundHalf(value)) };
  }

  #halvesOf(frames: number): Halves {
    const known = this.#halves.get(frames);
    if (known !== undefined) return known;
    const whole = resolve(this.#model, { shapes: new Map([[PICTURE, pictureShape(frames)]]) });
    const halves = {
      backbone: fuse(cut(whole, { to: [FEATURES] })),
      neck: fuse(cut(whole, { from: [FEATURES], to: [LOGITS] })),
    };
    this.#halves.set(frames, halves);
    return halves;
  }
}
