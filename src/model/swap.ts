import type { Tensor } from "./safetensors.ts";

/** Mean absolute deviation of a Gaussian of deviation 1: sqrt(2 / pi). */
const MAD_OF_GAUSSIAN = (2 / Math.PI) ** 0.5;

/**
 * Weights of a model with layer norms, for the same model with MadNorms: every gain times sqrt(2 / pi), since of Gaussian rows
 * the mean absolute deviation is that much less than the standard deviation (docs/method.md, section 3). Fine-tuning does the rest.
 *
 * @returns the weights, and how many gains they have; none means that this is no model with norms
 */
export function swapNorms(weights: ReadonlyMap<string, Tensor>): {
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly gains: number;
} {
  let gains = 0;
  const swapped = [...weights].map(([name, tensor]): [string, Tensor] => {
    if (!name.endsWith(".gain")) return [name, tensor];
    gains++;
    return [name, { ...tensor, data: tensor.data.map((gain) => gain * MAD_OF_GAUSSIAN) }];
  });
  return { weights: new Map(swapped), gains };
}
