import type { Settings } from "../../arch/fields.ts";
import { exactCurve } from "../curve.ts";
import { exactProduct } from "../elementwise.ts";
import { exactLinear } from "../linear/exact.ts";
import type { QMogrifier } from "./quantize.ts";
import { inTurns, type Mogrified } from "./real.ts";

/** x and h behind the last round. */
export const exactMogrifier = (
  { rounds }: QMogrifier,
  input: Mogrified<Int32Array>,
  arch: Settings,
): Mogrified<Int32Array> =>
  inTurns(rounds, input, (q, gated, by) => {
    const gate = exactLinear(q.up, [exactLinear(q.down, [by], arch)], arch);
    return exactProduct(q.gated, gated, exactCurve(q.sigmoid, gate, arch), arch);
  });
