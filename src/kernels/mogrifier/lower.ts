import type { Builder, Tensor } from "../builder.ts";
import { lowerProduct } from "../elementwise.ts";
import { lowerLinear, lowerLinearCurve } from "../linear/lower.ts";
import type { QMogrifier } from "./quantize.ts";
import { inTurns, type Mogrified } from "./real.ts";

/** The rounds on every vector of x and h, which stay as they are: what has been gated is in tensors of its own. */
export const lowerMogrifier = (
  b: Builder,
  { rounds }: QMogrifier,
  input: Mogrified<Tensor>,
): Mogrified<Tensor> =>
  inTurns(rounds, input, (q, gated, by, k) => {
    const { length, count } = gated;
    const next = b.map.tensor(q.gated.output, length, count);
    b.scratch(() => {
      const low = b.map.tensor(q.down.output, q.down.rows, count);
      const open = b.map.tensor(q.gated.b, length, count);
      lowerLinear(b, q.down, [by], low);
      b.show(`mogrifier.${k}.low`, low);
      lowerLinearCurve(b, q.up, q.sigmoid, [low], open);
      lowerProduct(b, q.gated, gated, open, next);
      b.show(`mogrifier.${k}.gated`, next);
    });
    return next;
  });
