import { widenSum } from "../elementwise.ts";
import { type Floats, NO_SCALE } from "../floats.ts";
import type { QSoftmax } from "./quantize.ts";

/** The softmax in floats, by the same steps. */
export function widenSoftmax(q: QSoftmax, floats: Floats): QSoftmax {
  const grids = { input: floats.grid(q.input), output: floats.grid(q.output) };
  switch (q.method) {
    case "pwl":
      return {
        ...grids,
        method: q.method,
        difference: widenSum(q.difference, floats),
        exp: floats.table(q.exp),
        exponential: floats.grid(q.exponential),
        factor: 1,
      };
    case "gemmlowp":
      return { ...grids, method: q.method, scale: NO_SCALE, limit: 0, terms: floats.format(q.terms) };
    case "tables":
      return {
        ...grids,
        method: q.method,
        scale: NO_SCALE,
        exp: floats.table(q.exp),
        reciprocal: floats.table(q.reciprocal),
      };
    case "polynomial":
      return { ...grids, method: q.method, exp: { log2: 1, a: 1, b: 0, c: 0 }, factor: 1 };
  }
}
