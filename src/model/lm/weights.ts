import { InputError } from "../../base/errors.ts";
import type { LstmParams } from "../../kernels/lstm/real.ts";
import type { RoundParams } from "../../kernels/mogrifier/real.ts";
import type { NormParams } from "../../kernels/norm/real.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { readSafetensors, type Tensor } from "../safetensors.ts";
import { biasedLstmOf, normedLstmOf, Shelf } from "../shelf.ts";

/** What the tensors of a language model do not say. */
export interface LmShape {
  readonly layers: number;
  /** Of each product and of the cell; with none there is a bias instead. */
  readonly norm: NormParams["kind"] | "none";
  readonly capped: boolean;
  /** Rounds before each cell, and the rank of their products. */
  readonly mogrifier?: { readonly rounds: number; readonly rank: number };
}

/** The language models that there are recipes for, by the name of their weights. */
export const LM_SHAPES = {
  "lm-ln": { layers: 1, norm: "layer", capped: false },
  "lm-mad": { layers: 1, norm: "mad", capped: false },
  "lm-mogrifier": { layers: 2, norm: "none", capped: true, mogrifier: { rounds: 6, rank: 48 } },
} as const satisfies Record<string, LmShape>;

/** A layer of LSTM. */
export interface LmLayer {
  /** Of its tensors, its sites and what it costs: `cell`, or `cell.0` and so on where there are several. */
  readonly name: string;
  /** What x and h pass before the cell reads them; none, and they stay as they are. */
  readonly rounds: readonly RoundParams[];
  readonly cell: LstmParams;
}

/** The float model: a word's row of the embedding through layers of LSTM to a logit for each word, by the same embedding. */
export interface LmParams {
  readonly embedding: Matrix; // [words][hidden], also the last layer's weight
  readonly bias: Float64Array; // [words], of the last layer
  readonly layers: readonly LmLayer[];
}

const WORDS = 6000;
const HIDDEN = 200;

/**
 * Reads the model's weights.
 *
 * @param tensors  what is in the file
 * @throws InputError naming every tensor that is missing, unknown or of another shape, joined by "; ", and for
 *   whatever readSafetensors refuses
 */
export function loadLm(
  path: string,
  shape: LmShape,
  tensors: ReadonlyMap<string, Tensor> = readSafetensors(path),
): LmParams {
  const shelf = new Shelf(tensors);
  const params = {
    embedding: shelf.matrix("embedding", WORDS, HIDDEN),
    bias: shelf.vector("output.bias", [WORDS]),
    layers: Array.from({ length: shape.layers }, (_, i) =>
      layerOf(shelf, shape.layers === 1 ? "cell" : `cell.${i}`, shape),
    ),
  };
  const problems = shelf.problems();
  if (problems.length > 0) throw new InputError(path, problems.join("; "));
  return params;
}

function layerOf(shelf: Shelf, name: string, { norm, capped, mogrifier }: LmShape): LmLayer {
  const sizes = { input: HIDDEN, hidden: HIDDEN };
  const cell =
    norm === "none" ? biasedLstmOf(shelf, name, sizes) : normedLstmOf(shelf, name, { ...sizes, kind: norm });
  const rounds = Array.from({ length: mogrifier?.rounds ?? 0 }, (_, i): RoundParams => {
    const at = `${name}.mogrifier.${i + 1}`;
    const rank = mogrifier!.rank;
    return {
      down: shelf.matrix(`${at}.down`, rank, HIDDEN),
      up: { weight: shelf.matrix(`${at}.up`, HIDDEN, rank), bias: shelf.vector(`${at}.bias`, [HIDDEN]) },
    };
  });
  return { name, rounds, cell: { ...cell, capped } };
}
