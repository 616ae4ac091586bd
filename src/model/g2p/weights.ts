import { InputError } from "../../base/errors.ts";
import type { AttentionParams } from "../../kernels/attention/real.ts";
import type { LinearParams } from "../../kernels/linear/real.ts";
import type { LstmParams } from "../../kernels/lstm/real.ts";
import type { NormParams } from "../../kernels/norm/real.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { readSafetensors, type Tensor } from "../safetensors.ts";
import { normedLstmOf, Shelf } from "../shelf.ts";
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

/**
 * Reads the model's weights.
 *
 * @param kind     of its norms, which the tensors do not say
 * @param tensors  what is in the file
 * @throws InputError naming every tensor that is missing, unknown or of another shape, joined by "; ", and for
 *   whatever readSafetensors refuses
 */
export function loadG2p(
  path: string,
  kind: NormParams["kind"] = "layer",
  tensors: ReadonlyMap<string, Tensor> = readSafetensors(path),
): G2pParams {
  const shelf = new Shelf(tensors);
  const { embedding, hidden, memory, attention } = g2pSizes;
  const lstm = (name: string, input: number) => normedLstmOf(shelf, name, { input, hidden, kind });
  const params: G2pParams = {
    letters: shelf.matrix("letters.embedding", letters.length, embedding),
    phones: shelf.matrix("phones.embedding", phones.length, embedding),
    encoder: {
      forward: lstm("encoder.forward", embedding),
      backward: lstm("encoder.backward", embedding),
    },
    attention: {
      key: affine(shelf, "attention.key", attention, memory),
      query: shelf.matrix("attention.query.weight", attention, hidden),
      v: shelf.vector("attention.v", [1, attention]),
    },
    bridge: affine(shelf, "bridge", hidden, memory),
    decoder: lstm("decoder", embedding + memory),
    output: affine(shelf, "output", phones.length, hidden + memory),
    alphabets: { letters, phones },
  };
  const problems = shelf.problems();
  if (problems.length > 0) throw new InputError(path, problems.join("; "));
  return params;
}

const affine = (shelf: Shelf, name: string, outputs: number, inputs: number): LinearParams => ({
  weight: shelf.matrix(`${name}.weight`, outputs, inputs),
  bias: shelf.vector(`${name}.bias`, [outputs]),
});
