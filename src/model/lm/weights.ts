import { InputError } from "../../base/errors.ts";
import type { LstmParams } from "../../kernels/lstm/real.ts";
import type { NormParams } from "../../kernels/norm/real.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { readSafetensors } from "../safetensors.ts";
import { normedLstmOf, Shelf } from "../shelf.ts";

/** The float model: a word's row of the embedding through one LSTM to a logit for each word, by the same embedding. */
export interface LmParams {
  readonly embedding: Matrix; // [words][hidden], also the last layer's weight
  readonly bias: Float64Array; // [words], of the last layer
  readonly cell: LstmParams;
}

const WORDS = 6000;
const HIDDEN = 200;

/**
 * Reads the model's weights.
 *
 * @param kind  of its norms, which the tensors do not say
 * @throws InputError naming every tensor that is missing, unknown or of another shape, joined by "; ", and for
 *   whatever readSafetensors refuses
 */
export function loadLm(path: string, kind: NormParams["kind"]): LmParams {
  const shelf = new Shelf(readSafetensors(path));
  const params = {
    embedding: shelf.matrix("embedding", WORDS, HIDDEN),
    bias: shelf.vector("output.bias", [WORDS]),
    cell: normedLstmOf(shelf, "cell", { input: HIDDEN, hidden: HIDDEN, kind }),
  };
  const problems = shelf.problems();
  if (problems.length > 0) throw new InputError(path, problems.join("; "));
  return params;
}
