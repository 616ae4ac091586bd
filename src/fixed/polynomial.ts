/**
 * The second-order polynomials of I-BERT (arXiv 2101.01321, sections 3.4 and 3.5) on integers, as the
 * transformer kernels of Deeploy and PULP state them. What a constant stands for is the caller's grid.
 */
import { divide, floorDiv } from "./round.ts";

/** ln 2 and the coefficients of a · (p + b)² + c ~ exp(p) over -ln 2 < p <= 0; log2 > 0. */
export interface ExpPolynomial {
  readonly log2: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** The bend b < 0 from which on the error function is 1, and `one`, what 1 is in units of its square. */
export interface GeluPolynomial {
  readonly one: number;
  readonly b: number;
}

/** The largest power of two that an exponential is divided by. */
const MAX_HALVINGS = 31;

/**
 * exp(t) for t <= 0: t = p - z · log2 gives the polynomial at p, shifted right by z, which drops to the
 * floor. z ends at 31 and takes p out of its range from there on.
 *
 * @param t  integer, at most 0; RangeError otherwise, and where a product is not a safe integer
 */
export function polynomialExp(t: number, { log2, a, b, c }: ExpPolynomial): number {
  if (!(t <= 0)) throw new RangeError(`an exponential is taken of what is not above 0, not of ${t}`);
  const z = Math.min(divide(-t, log2, "truncate"), MAX_HALVINGS);
  const p = t + z * log2;
  const y = safe(safe(a * safe((p + b) ** 2)) + c);
  return floorDiv(y, 2 ** z);
}

/**
 * x · Φ(x), its error function by the polynomial sgn(x) · (one - (min(|x|, -b) + b)²), which is half its
 * sum with `one`, dropped to the floor. The unit of the result is that of x times that of `one`.
 *
 * @throws RangeError where a product is not a safe integer
 */
export function polynomialGelu(x: number, { one, b }: GeluPolynomial): number {
  const q = Math.min(Math.abs(x), -b);
  const erf = Math.sign(x) * (one - safe((q + b) ** 2));
  return safe(x * floorDiv(safe(one + erf), 2)) + 0;
}

function safe(x: number): number {
  if (!Number.isSafeInteger(x)) throw new RangeError(`a product of ${x} is not a safe integer`);
  return x;
}
