import type { Floats } from "../floats.ts";
import { widenLinear } from "../linear/widen.ts";
import type { QConv } from "./quantize.ts";

/** The convolution in floats. */
export const widenConv = ({ shape, layer }: QConv, floats: Floats): QConv => ({
  shape,
  layer: widenLinear(layer, floats),
});
