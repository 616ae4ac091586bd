import { divide as divideSafe, mulShift, type Rounding } from "../../fixed/round.ts";
import { ints, Output, type Twin } from "./access.ts";
import { modeOf, plainModeOf, scaled } from "./scaling.ts";
import { longQuotient, product } from "./wide.ts";

export const normalize: Twin<"normalize"> = (
  memory,
  a,
  aBytes,
  groups,
  n,
  factor,
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
        const x = factor * codes[i * lanes + l]! - sums[own]!;
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

export const rowScale: Twin<"rowScale"> = (
  memory,
  a,
  aBytes,
  aZero,
  mantissa,
  shift,
  groups,
  n,
  lanes,
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
  const mantissas = ints(memory, mantissa, 4, groups * lanes);
  const shifts = ints(memory, shift, 4, groups * lanes);
  const to = new Output(ints(memory, out, outBytes, count), ints(memory, sat, 4, lanes), zero, lo, hi);
  const given = modeOf(rounding);
  const mode = given === "float32" ? "half-even" : given;
  for (let g = 0; g < groups; g++) {
    for (let i = g * n; i < (g + 1) * n; i++) {
      for (let l = 0; l < lanes; l++) {
        const own = g * lanes + l;
        to.put(i * lanes + l, l, scaled(codes[i * lanes + l]! - aZero, mantissas[own]!, shifts[own]!, mode));
      }
    }
  }
};
