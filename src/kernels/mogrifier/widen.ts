import { widenCurve } from "../curve.ts";
import { widenProduct } from "../elementwise.ts";
import type { Floats } from "../floats.ts";
import { widenLinear } from "../linear/widen.ts";
import type { QMogrifier } from "./quantize.ts";

/** The rounds in floats. */
export const widenMogrifier = ({ rounds, output }: QMogrifier, floats: Floats): QMogrifier => ({
  rounds: rounds.map(({ down, up, sigmoid, gated }) => ({
    down: widenLinear(down, floats),
    up: widenLinear(up, floats),
    sigmoid: widenCurve(sigmoid, floats),
    gated: widenProduct(gated, floats),
  })),
  output: { x: floats.grid(output.x), h: floats.grid(output.h) },
});
