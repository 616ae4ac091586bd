import { widenCurve } from "../curve.ts";
import { type Floats, NO_SCALE } from "../floats.ts";
import type { QActivation } from "./quantize.ts";

/** The activation in floats. */
export function widenActivation(q: QActivation, floats: Floats): QActivation {
  const grids = { input: floats.grid(q.input), output: floats.grid(q.output) };
  switch (q.kind) {
    case "curve":
      return { ...grids, kind: q.kind, curve: widenCurve(q.curve, floats) };
    case "polynomial":
      return { ...grids, kind: q.kind, gelu: { one: 1, b: -1 }, scale: NO_SCALE };
  }
}
