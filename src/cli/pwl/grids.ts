import { minOf, signed } from "../../fixed/format.ts";
import { type Grid, roundReal } from "../../fixed/real.ts";
import { affineGrid } from "../../quant/grid.ts";

/**
 * The grid of all signed codes of `bits` bits over [lo, hi], in steps of (hi - lo) / (2^bits - 1). Both ends have codes; where
 * 0 is between them it has one too, as in every affine grid, which moves the ends by up to half a step.
 */
export function inputGrid(lo: number, hi: number, bits: number): Grid {
  if (lo <= 0 && hi >= 0) return affineGrid({ lo, hi }, bits, false, 0);
  const format = signed(bits);
  const scale = (hi - lo) / (2 ** bits - 1);
  return { format, scale, zero: minOf(format) - lo / scale };
}

/** A range below this would have steps that are no normal numbers. */
const LEAST_SPAN = 1e-200;

/**
 * The finest grid of signed codes that holds values in [least, most], 0, and a code for 0, where the ends are first moved
 * outwards to two significant digits; nothing but numbers next to 0 is as if it were 0. So it is [0, 1] for a sigmoid, and [-1, 1] with zero point 0 for a tanh.
 */
export function outputGrid(least: number, most: number, bits: number): Grid {
  const format = signed(bits);
  const [lo, hi] = [outwards(Math.min(least, 0)), outwards(Math.max(most, 0))];
  if (hi - lo < LEAST_SPAN) return { format, scale: 1, zero: 0 };
  const steps = 2 ** bits - 1;
  const stepFor = (below: number) => Math.max(lo < 0 ? -lo / below : 0, hi > 0 ? hi / (steps - below) : 0);
  // How many codes lie below that of 0: of the two numbers nearest to its share of them, the one with the finer step.
  const share = (-lo / (hi - lo)) * steps;
  const [up, down] = [roundReal(share, "ceiling"), roundReal(share, "floor")];
  const below = stepFor(down) < stepFor(up) ? down : up;
  return { format, scale: stepFor(below), zero: minOf(format) + below };
}

/** The number of two significant digits nearest to x that is not nearer to 0. */
function outwards(x: number): number {
  const digits = Number(x.toPrecision(2));
  if (Math.abs(digits) >= Math.abs(x)) return digits;
  const [, exponent] = x.toExponential(1).split("e");
  const next = digits + Math.sign(x) * 10 ** (Number(exponent) - 1);
  return Number(next.toPrecision(2));
}
