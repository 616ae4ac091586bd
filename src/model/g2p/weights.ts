import { InputError } from "../../base/errors.ts";
import type { AttentionParams } from "../../kernels/attention/real.ts";
import type { LinearParams } from "../../kernels/linear/real.ts";
import type { LstmParams } from "../../kernels/lstm/real.ts";
import type { NormParams } from "../../kernels/norm/real.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { readSafetensors, type Tensor } from "../safetensors.ts";
import { letters, phones } from "./alphabet.ts";

/** The float model, letters to phones: a bidirectional encoder, additive attention, a decoder with input feeding. */
export interface G2pParams {
  readonly letters: Matrix; // [letters][embedding]
  readonly phones: Matrix; // [phones][embedding]
  readonly encoder: { readonly forward: LstmParams; readonly backward: LstmParams };
  readonly attention: AttentionParams;
  readonly bridge: LinearParams; // [hidden][2 hidden], from the encoder's two last states to the decoder's first h
  readonly decoder: LstmParams;
  readonly output: LinearParams; // [phones][hidden + 2 hidden]
  /** Spellings in index order. */
  readonly alphabets: { readonly letters: readonly string[]; readonly phones: readonly string[] };
}

/** The widths of the vectors between the layers, which the weights must fit. */
const g2pSizes = { embedding: 48, hidden: 96, memory: 192, attention: 64 } as const;

const EPSILON = 1e-5;
const FORGET_BIAS = 1;

/**
 * Reads the model's weights.
 *
 * @throws InputError naming every tensor that is missing, unknown or of another shape, joined by "; ", and for
 *   whatever readSafetensors refuses
 */
export function loadG2p(path: string): G2pParams {
  const shelf = new Shelf(readSafetensors(path));
  const { embedding, hidden, memory, attention } = g2pSizes;
  const params: G2pParams = {
    letters: shelf.matrix("letters.embedding", letters.length, embedding),
    phones: shelf.matrix("phones.embedding", phones.length, embedding),
    encoder: {
      forward: lstm(shelf, "encoder.forward", embedding),
      backward: lstm(shelf, "encoder.backward", embedding),
    },
    attention: {
      key: affine(shelf, "attention.key", attention, memory),
      query: shelf.matrix("attention.query.weight", attention, hidden),
      v: shelf.vector("attention.v", [1, attention]),
    },
    bridge: affine(shelf, "bridge", hidden, memory),
    decoder: lstm(shelf, "decoder", embedding + memory),
    output: affine(shelf, "output", phones.length, hidden + memory),
    alphabets: { letters, phones },
  };
  const problems = shelf.problems();
  if (problems.length > 0) throw new InputError(path, problems.join("; "));
  return params;
}

/** Tensors handed out by name and shape. What does not fit is noted and replaced by zeros, so that all is found. */
class Shelf {
  readonly #tensors: Map<string, Tensor>;
  readonly #problems: string[] = [];
  readonly #asked = new Set<string>();

  constructor(tensors: Map<string, Tensor>) {
    this.#tensors = tensors;
  }

  matrix(name: string, rows: number, columns: number): Matrix {
    return { rows, columns, data: this.#take(name, [rows, columns]) };
  }

  vector(name: string, shape: readonly number[]): Float64Array {
    return Float64Array.from(this.#take(name, shape));
  }

  problems(): readonly string[] {
    const unknown = [...this.#tensors.keys()].filter((name) => !this.#asked.has(name));
    return [...this.#problems, ...unknown.map((name) => `${name}: not a tensor of this model`)];
  }

  #take(name: string, shape: readonly number[]): Float32Array {
    this.#asked.add(name);
    const found = this.#tensors.get(name);
    if (found && found.shape.join() === shape.join()) return found.data;
    const wanted = `[${shape.join(", ")}]`;
    this.#problems.push(
      `${name}: ${found ? `shape [${found.shape.join(", ")}] is not ${wanted}` : "missing"}`,
    );
    return new Float32Array(shape.reduce((a, b) => a * b, 1));
  }
}

const affine = (shelf: Shelf, name: string, outputs: number, inputs: number): LinearParams => ({
  weight: shelf.matrix(`${name}.weight`, outputs, inputs),
  bias: shelf.vector(`${name}.bias`, [outputs]),
});

const layerNorm = (shelf: Shelf, name: string, n: number): NormParams => ({
  kind: "layer",
  gain: shelf.vector(`${name}.gain`, [n]),
  shift: shelf.vector(`${name}.shift`, [n]),
  epsilon: EPSILON,
});

function lstm(shelf: Shelf, name: string, input: number): LstmParams {
  const { hidden } = g2pSizes;
  const gates = 4 * hidden;
  return {
    input,
    hidden,
    weightX: shelf.matrix(`${name}.weight_x`, gates, input),
    weightH: shelf.matrix(`${name}.weight_h`, gates, hidden),
    forgetBias: FORGET_BIAS,
    normX: layerNorm(shelf, `${name}.norm_x`, gates),
    normH: layerNorm(shelf, `${name}.norm_h`, gates),
    normC: layerNorm(shelf, `${name}.norm_c`, hidden),
    normScope: "all",
  };
}
