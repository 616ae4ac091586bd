import { divide as divideSafe, mulShift, type Rounding, settle } from "../../fixed/round.ts";
import { ints, Output, type Twin } from "./access.ts";
import { plainModeOf } from "./scaling.ts";

export const normalize: Twin<"normalize"> = (
  memory,
  a,
  aBytes,
  groups,
  n,
  lanes,
  sum,
  sumBytes,
  mantissa,
  exponent,
  out,
  outBytes,
  zero,
  lo,
  hi,
  rounding,
  sat,
) => {
  const count = groups * n * lanes;
  const codes = ints(memory, a, aBytes, count);
  const sums = ints(memory, sum, sumBytes, groups * lanes);
  const mantissas = ints(memory, mantissa, 4, groups * lanes);
  const exponents = ints(memory, exponent, 4, groups * lanes);
  const to = new Output(ints(memory, out, outBytes, count), ints(memory, sat, 4, lanes), zero, lo, hi);
  const mode = plainModeOf(rounding);
  for (let g = 0; g < groups; g++) {
    for (let i = g * n; i < (g + 1) * n; i++) {
      for (let l = 0; l < lanes; l++) {
        const own = g * lanes + l;
        const x = n * codes[i * lanes + l]! - sums[own]!;
        const estimate = (x * mantissas[own]!) / 2 ** exponents[own]!;
        const isHuge = Math.abs(estimate) >= Number.MAX_SAFE_INTEGER;
        to.put(i * lanes + l, l, isHuge ? estimate : mulShift(x, mantissas[own]!, exponents[own]!, mode));
      }
    }
  }
};

export const divide: Twin<"divide"> = (
  memory,
  a,
  aBytes,
  aZero,
  b,
  bBytes,
  groups,
  n,
  lanes,
  factor,
  shift,
  out,
  outBytes,
  zero,
  lo,
  hi,
  rounding,
  sat,
) => {
  const count = groups * n * lanes;
  const codes = ints(memory, a, aBytes, count);
  const divisors = ints(memory, b, bBytes, groups * lanes);
  const to = new Output(ints(memory, out, outBytes, count), ints(memory, sat, 4, lanes), zero, lo, hi);
  const mode = plainModeOf(rounding);
  for (let g = 0; g < groups; g++) {
    for (let i = g * n; i < (g + 1) * n; i++) {
      for (let l = 0; l < lanes; l++) {
        const divisor = Math.max(divisors[g * lanes + l]!, 1);
        to.put(i * lanes + l, l, quotient(codes[i * lanes + l]! - aZero, factor, divisor, shift, mode));
      }
    }
  }
};

/** x * factor / (divisor * 2^shift) rounded; numerator and denominator below 2^62 in magnitude. */
function quotient(x: number, factor: number, divisor: number, shift: number, mode: Rounding): number {
  const above = x * factor;
  const below = divisor * 2 ** shift;
  if (Number.isSafeInteger(above) && Number.isSafeInteger(below)) return divideSafe(above, below, mode);
  return longQuotient(product(Math.abs(x), factor), product(divisor, 2 ** shift), x < 0, mode);
}

/** A natural number below 2^63 as high * 2^32 + low. */
interface Wide {
  high: number;
  low: number;
}

const LIMB = 2 ** 32;
const HALF_LIMB = 2 ** 16;

/** x * y of safe naturals, y <= 2^31, below 2^63. */
function product(x: number, y: number): Wide {
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
function longQuotient(above: Wide, below: Wide, negative: boolean, mode: Rounding): number {
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
