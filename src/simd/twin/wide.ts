import { type Rounding, settle } from "../../fixed/round.ts";

/** A natural number below 2^63 as high * 2^32 + low. */
export interface Wide {
  high: number;
  low: number;
}

const LIMB = 2 ** 32;
const HALF_LIMB = 2 ** 16;

/** x * y of safe naturals, y <= 2^31, below 2^63. */
export function product(x: number, y: number): Wide {
  const top = Math.floor(x / LIMB);
  const bottom = x % LIMB;
  const column0 = (bottom % HALF_LIMB) * y;
  const column1 = Math.floor(bottom / HALF_LIMB) * y + Math.floor(column0 / HALF_LIMB);
  const low = (column1 % HALF_LIMB) * HALF_LIMB + (column0 % HALF_LIMB);
  return { high: top * y + Math.floor(column1 / HALF_LIMB), low };
}

/**
 * Restoring division, a bit at a time as a sequential divider does it. Quotients beyond 2^53 come out with 53 leading
 * bits: enough for every clamp.
 */
export function longQuotient(above: Wide, below: Wide, negative: boolean, mode: Rounding): number {
  const rest: Wide = { high: 0, low: 0 };
  let down = 0;
  for (let bit = 62; bit >= 0; bit--) {
    const limb = bit >= 32 ? above.high / 2 ** (bit - 32) : above.low / 2 ** bit;
    down = 2 * down + step(rest, below, Math.floor(limb) % 2);
  }
  const half = step(rest, below, 0);
  const sticky = rest.high > 0 || rest.low > 0 ? 1 : 0;
  return settle(down, 2 * half + sticky, 4, negative, mode);
}

/** Shifts a bit into the rest and returns the quotient's bit, taken off the rest. */
function step(rest: Wide, below: Wide, bit: number): number {
  const low = 2 * rest.low + bit;
  rest.low = low % LIMB;
  rest.high = 2 * rest.high + Math.floor(low / LIMB);
  if (rest.high < below.high || (rest.high === below.high && rest.low < below.low)) return 0;
  const borrow = rest.low < below.low ? 1 : 0;
  rest.low += borrow * LIMB - below.low;
  rest.high -= below.high + borrow;
  return 1;
}
