import { CURVES } from "../../pwl/curves.ts";

/** Nonlinearities of one number. `gelu` is x times the normal distribution function, by the error function. */
export const ACTIVATIONS = {
  sigmoid: CURVES.sigmoid.f,
  tanh: CURVES.tanh.f,
  exp: CURVES.exp.f,
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
} as const satisfies Readonly<Record<string, (x: number) => number>>;

export type ActivationName = keyof typeof ACTIVATIONS;

/** From here on the error function is 1 in a double. */
const ERF_END = 6;
const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

/** The error function, to a few units in the last place: exp(-x^2) times a series without cancellation. */
export function erf(x: number): number {
  if (Math.abs(x) >= ERF_END) return Math.sign(x);
  let term = x;
  let sum = 0;
  for (let k = 1; sum + term !== sum; k++) {
    sum += term;
    term *= (2 * x * x) / (2 * k + 1);
  }
  return TWO_OVER_ROOT_PI * Math.exp(-x * x) * sum;
}
