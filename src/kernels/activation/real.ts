import { CURVES } from "../../pwl/curves.ts";

/** Nonlinearities of one number that the kernel is made for. */
export const ACTIVATIONS = {
  sigmoid: CURVES.sigmoid.f,
  tanh: CURVES.tanh.f,
  exp: CURVES.exp.f,
  gelu: CURVES.gelu.f,
} as const satisfies Readonly<Record<string, (x: number) => number>>;

export type ActivationName = keyof typeof ACTIVATIONS;
