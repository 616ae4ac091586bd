import { type Floats, NO_SCALE } from "../floats.ts";
import type { QLinear } from "./quantize.ts";

/** The layer in floats. */
export const widenLinear = ({ rows, parts, bias, output }: QLinear, floats: Floats): QLinear => ({
  rows,
  parts: parts.map(({ weights, input }) => ({ weights: floats.weights(weights), input: floats.grid(input) })),
  bias: floats.biases(bias),
  scales: [NO_SCALE],
  output: floats.grid(output),
});
