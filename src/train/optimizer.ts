import type { Engine } from "./engine.ts";
import type { Parameters } from "./parameters.ts";

export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Greatest norm that the gradient of all parameters together may have; it is scaled down to it. */
  readonly clip: number;
  /** Share of a weight matrix that is taken off at rate 1 (decoupled); vectors do not decay. */
  readonly decay: number;
}

/** What every recipe has: the authors' own, and gradients cut to a norm of 1. */
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1 } as const;

/**
 * One step of Adam (Kingma and Ba, 2015), with the gradients that the parameters hold.
 * @param step  counts from 1
 * @returns the norm of the gradient before clipping
 */
export function adamStep(
  { kernels }: Engine,
  parameters: Parameters,
  { beta1, beta2, epsilon, clip, decay }: AdamSettings,
  rate: number,
  step: number,
): number {
  const norm = kernels.squares(parameters.plane("gradient"), parameters.size) ** 0.5;
  const factor = norm > clip ? clip / norm : 1;
  const corrected = rate / (1 - beta1 ** step);
  const bias2 = 1 - beta2 ** step;
  for (const { name, shape } of parameters.specs) {
    const [w, g, m, v] = (["value", "gradient", "first", "second"] as const).map((plane) =>
      parameters.values(name, plane),
    );
    kernels.adam(
      w!.byteOffset,
      g!.byteOffset,
      m!.byteOffset,
      v!.byteOffset,
      w!.length,
      factor,
      beta1,
      beta2,
      corrected,
      bias2,
      epsilon,
      shape.length === 1 ? 0 : rate * decay,
    );
  }
  return norm;
}
