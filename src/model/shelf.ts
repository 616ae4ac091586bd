import type { LstmParams } from "../kernels/lstm/real.ts";
import type { NormParams } from "../kernels/norm/real.ts";
import type { Matrix } from "../kernels/tensors.ts";
import type { Tensor } from "./safetensors.ts";

const EPSILON = 1e-5;
const FORGET_BIAS = 1;

/** Tensors handed out by name and shape. What does not fit is noted and replaced by zeros, so that all is found. */
export class Shelf {
  readonly #tensors: ReadonlyMap<string, Tensor>;
  readonly #problems: string[] = [];
  readonly #asked = new Set<string>();

  constructor(tensors: ReadonlyMap<string, Tensor>) {
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

/** An LSTM without norms. */
export const biasedLstmOf = (
  shelf: Shelf,
  name: string,
  sizes: Pick<LstmParams, "input" | "hidden">,
): LstmParams => ({
  ...plainLstmOf(shelf, name, sizes),
  bias: shelf.vector(`${name}.bias`, [4 * sizes.hidden]),
});

/** An LSTM whose two products are each normalized over all gates together, and its cell on the way to h. */
export function normedLstmOf(
  shelf: Shelf,
  name: string,
  { input, hidden, kind }: Pick<LstmParams, "input" | "hidden"> & Pick<NormParams, "kind">,
): LstmParams {
  const gates = 4 * hidden;
  const norm = (site: string, n: number): NormParams => ({
    kind,
    gain: shelf.vector(`${name}.${site}.gain`, [n]),
    shift: shelf.vector(`${name}.${site}.shift`, [n]),
    epsilon: EPSILON,
  });
  return {
    ...plainLstmOf(shelf, name, { input, hidden }),
    normX: norm("norm_x", gates),
    normH: norm("norm_h", gates),
    normC: norm("norm_c", hidden),
  };
}

const plainLstmOf = (
  shelf: Shelf,
  name: string,
  { input, hidden }: Pick<LstmParams, "input" | "hidden">,
): LstmParams => ({
  input,
  hidden,
  weightX: shelf.matrix(`${name}.weight_x`, 4 * hidden, input),
  weightH: shelf.matrix(`${name}.weight_h`, 4 * hidden, hidden),
  forgetBias: FORGET_BIAS,
  normScope: "all",
});
