import { signed } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import { type Range, type Ranges, symmetricGrid } from "../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../quant/numerics.ts";

/** Logits stay 32-bit integers; the scale leaves them this many bits, so that an unseen input has room. */
const BITS = 32;
const FRACTION_BITS = 22;

/** The grid of the logits that were seen at the site of that name. */
export const logitGrid = (ranges: Ranges, numerics: Numerics): Grid =>
  logitGridOf(ranges.of("logits"), numerics);

/** The grid of logits in a range. */
export function logitGridOf(range: Range, numerics: Numerics): Grid {
  const { scale } = symmetricGrid(range, FRACTION_BITS, powersOfTwo(numerics));
  return { format: signed(BITS), scale, zero: 0 };
}
