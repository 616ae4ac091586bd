import { plainRounding, REQUANT_ROUNDINGS, type RequantRounding, requantize } from "../../fixed/requant.ts";
import { type Rounding, roundShift } from "../../fixed/round.ts";
import { ints, Output, type Twin } from "./access.ts";
import { longQuotient, product } from "./wide.ts";

/** What `requantize` takes. */
const REQUANT_SPAN = 2 ** 48;

/**
 * rq(x; m, s) of the Kernels interface, for any safe x; beyond the safe integers only its side of every clamp is kept.
 */
export function scaled(x: number, multiplier: number, shift: number, mode: RequantRounding): number {
  const scale = { multiplier, shift };
  if (mode === "tflite-double") return requantize(x | 0, scale, mode);
  if (mode === "float32") return requantize(x, scale, mode);
  const estimate = (x * multiplier) / 2 ** shift;
  if (Math.abs(estimate) >= Number.MAX_SAFE_INTEGER) return estimate;
  if (Math.abs(x) < REQUANT_SPAN || Number.isSafeInteger(x * multiplier)) return requantize(x, scale, mode);
  const above = product(Math.abs(x), Math.abs(multiplier));
  const below = product(2 ** Math.min(shift, 31), 2 ** Math.max(shift - 31, 0));
  return longQuotient(above, below, x < 0 !== multiplier < 0, mode === "tflite-single" ? "half-up" : mode);
}

/** The mode of an index into REQUANT_ROUNDINGS. */
export const modeOf = (rounding: number): RequantRounding => REQUANT_ROUNDINGS[rounding]!;

/** The plain mode of such an index. */
export const plainModeOf = (rounding: number): Rounding => plainRounding(modeOf(rounding));

export const requant: Twin<"requant"> = (
  memory,
  acc,
  accBytes,
  out,
  outBytes,
  rows,
  lanes,
  bias,
  multiplier,
  shift,
  zero,
  lo,
  hi,
  rounding,
  sat,
) => {
  const sums = ints(memory, acc, accBytes, rows * lanes);
  const biases = ints(memory, bias, accBytes, rows);
  const multipliers = ints(memory, multiplier, 4, rows);
  const shifts = ints(memory, shift, 4, rows);
  const to = new Output(ints(memory, out, outBytes, rows * lanes), ints(memory, sat, 4, lanes), zero, lo, hi);
  const mode = modeOf(rounding);
  for (let r = 0; r < rows; r++) {
    for (let l = 0; l < lanes; l++) {
      const i = r * lanes + l;
      to.put(i, l, scaled(sums[i]! + biases[r]!, multipliers[r]!, shifts[r]!, mode));
    }
  }
};

export const rescale: Twin<"rescale"> = (
  memory,
  a,
  aBytes,
  aZero,
  out,
  outBytes,
  n,
  lanes,
  m,
  s,
  zero,
  lo,
  hi,
  rounding,
  sat,
) => {
  const codes = ints(memory, a, aBytes, n * lanes);
  const to = new Output(ints(memory, out, outBytes, n * lanes), ints(memory, sat, 4, lanes), zero, lo, hi);
  const mode = modeOf(rounding);
  for (let i = 0; i < n * lanes; i++) to.put(i, i % lanes, scaled(codes[i]! - aZero, m, s, mode));
};

export const add: Twin<"add"> = (
  memory,
  a,
  aBytes,
  aZero,
  aM,
  aS,
  b,
  bBytes,
  bZero,
  bM,
  bS,
  bPeriod,
  sign,
  out,
  outBytes,
  n,
  lanes,
  zero,
  lo,
  hi,
  rounding,
  sat,
) => {
  const left = ints(memory, a, aBytes, n * lanes);
  const right = ints(memory, b, bBytes, bPeriod * lanes);
  const to = new Output(ints(memory, out, outBytes, n * lanes), ints(memory, sat, 4, lanes), zero, lo, hi);
  const mode = modeOf(rounding);
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < lanes; l++) {
      const x = scaled(left[i * lanes + l]! - aZero, aM, aS, mode);
      const y = scaled(right[(i % bPeriod) * lanes + l]! - bZero, bM, bS, mode);
      to.put(i * lanes + l, l, x + sign * y);
    }
  }
};

/** Of each pair of elements one, by its value: the second operand repeats. */
const chosen =
  (choose: (x: number, y: number) => number): Twin<"minimum"> =>
  (memory, a, b, bPeriod, out, bytes, n, lanes) => {
    const left = ints(memory, a, bytes, n * lanes);
    const right = ints(memory, b, bytes, bPeriod * lanes);
    const to = ints(memory, out, bytes, n * lanes);
    for (let i = 0; i < n * lanes; i++) to[i] = choose(left[i]!, right[i % (bPeriod * lanes)]!);
  };

export const minimum: Twin<"minimum"> = chosen((x, y) => Math.min(x, y));
export const maximum: Twin<"maximum"> = chosen((x, y) => Math.max(x, y));

export const multiply: Twin<"multiply"> = (
  memory,
  a,
  aBytes,
  aZero,
  b,
  bBytes,
  bZero,
  bPeriod,
  out,
  outBytes,
  n,
  lanes,
  m,
  s,
  zero,
  lo,
  hi,
  rounding,
  sat,
) => {
  const left = ints(memory, a, aBytes, n * lanes);
  const right = ints(memory, b, bBytes, bPeriod * lanes);
  const to = new Output(ints(memory, out, outBytes, n * lanes), ints(memory, sat, 4, lanes), zero, lo, hi);
  const mode = modeOf(rounding);
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < lanes; l++) {
      const x = left[i * lanes + l]! - aZero;
      const y = right[(i % bPeriod) * lanes + l]! - bZero;
      to.put(i * lanes + l, l, scaled(x * y, m, s, mode));
    }
  }
};

export const affine: Twin<"affine"> = (
  memory,
  a,
  aBytes,
  aZero,
  gain,
  bias,
  period,
  drop,
  out,
  outBytes,
  n,
  lanes,
  m,
  s,
  zero,
  lo,
  hi,
  rounding,
  sat,
) => {
  const codes = ints(memory, a, aBytes, n * lanes);
  const gains = ints(memory, gain, 4, period);
  const biases = ints(memory, bias, 8, period);
  const to = new Output(ints(memory, out, outBytes, n * lanes), ints(memory, sat, 4, lanes), zero, lo, hi);
  const mode = modeOf(rounding);
  for (let i = 0; i < n; i++) {
    const g = gains[i % period]!;
    const offset = biases[i % period]!;
    for (let l = 0; l < lanes; l++) {
      const x = roundShift((codes[i * lanes + l]! - aZero) * g + offset, drop, "half-away");
      to.put(i * lanes + l, l, scaled(x, m, s, mode));
    }
  }
};
