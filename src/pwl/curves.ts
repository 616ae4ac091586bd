/** A real function that a table can be built for. Design time only: real numbers stay in here. */
export interface Curve {
  /** What a network uses it for. */
  readonly doc: string;
  readonly f: (x: number) => number;
  /** Where a table is worth its pieces. A machine's input range may be wider or narrower. */
  readonly domain: readonly [lo: number, hi: number];
  /** f(x) + f(-x) where it is the same number for every x, so that half a table does: 0 of an odd curve. */
  readonly symmetry: number | undefined;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const hardSigmoid = (x: number): number => Math.min(1, Math.max(0, x / 6 + 0.5));

/** Adding an activation is a line here: tables, sweeps, lowering and tests run over this one. */
export const CURVES = {
  sigmoid: { doc: "gates", f: sigmoid, domain: [-8, 8], symmetry: 1 },
  sigmoid2: { doc: "gates of a Mogrifier LSTM", f: (x) => 2 * sigmoid(x), domain: [-8, 8], symmetry: 2 },
  tanh: { doc: "cell input and output, attention scores", f: Math.tanh, domain: [-4, 4], symmetry: 0 },
  exp: {
    doc: "softmax numerator after the maximum is off",
    f: Math.exp,
    ...{ domain: [-16, 0], symmetry: undefined },
  },
  rsqrt: {
    doc: "layer norm, on the mantissa",
    f: (x) => 1 / Math.sqrt(x),
    ...{ domain: [1, 4], symmetry: undefined },
  },
  reciprocal: {
    doc: "division, on the mantissa",
    f: (x) => 1 / x,
    ...{ domain: [1, 2], symmetry: undefined },
  },
  gelu: {
    doc: "transformers: x times the normal distribution function",
    f: (x) => (x / 2) * erfc(-x / Math.SQRT2),
    ...{ domain: [-4, 4], symmetry: undefined },
  },
  silu: {
    doc: "x sigmoid(x), also called swish",
    f: (x) => x * sigmoid(x),
    ...{ domain: [-8, 8], symmetry: undefined },
  },
  softplus: {
    doc: "log(1 + exp(x)), steps of state-space models",
    f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    ...{ domain: [-8, 8], symmetry: undefined },
  },
  elu: {
    doc: "x above 0, exp(x) - 1 below",
    f: (x) => (x > 0 ? x : Math.expm1(x)),
    ...{ domain: [-8, 8], symmetry: undefined },
  },
  "hard-sigmoid": {
    doc: "x / 6 + 1/2 cut off at 0 and 1",
    f: hardSigmoid,
    ...{ domain: [-4, 4], symmetry: 1 },
  },
  "hard-swish": {
    doc: "x hard-sigmoid(x)",
    f: (x) => x * hardSigmoid(x),
    ...{ domain: [-4, 4], symmetry: undefined },
  },
  log: { doc: "log-probabilities", f: Math.log, domain: [1 / 16, 4], symmetry: undefined },
  sqrt: { doc: "deviations", f: Math.sqrt, domain: [0, 4], symmetry: undefined },
} as const satisfies Readonly<Record<string, Curve>>;

export type CurveName = keyof typeof CURVES;

/** Below this the series is used, above it the continued fraction: where the two take about the same number of terms. */
const SERIES_END = 2.5;
/** From here on the error function is 1 in a double. */
const ERF_END = 6;
const ROOT_PI = Math.sqrt(Math.PI);

/**
 * The error function, to a few units in the last place: 2 / sqrt(pi) exp(-x^2) sum of 2^k x^(2k+1) / (1 · 3 · … · (2k+1)),
 * whose terms have one sign, so none cancel (Abramowitz and Stegun 7.1.6).
 */
export function erf(x: number): number {
  if (Math.abs(x) >= ERF_END) return Math.sign(x);
  let [term, sum] = [x, 0];
  for (let k = 1; sum + term !== sum; k++) {
    sum += term;
    term *= (2 * x * x) / (2 * k + 1);
  }
  return (2 / ROOT_PI) * Math.exp(-x * x) * sum;
}

/** Levels of the continued fraction: enough for a double from SERIES_END on. */
const LEVELS = 60;

/**
 * 1 - erf(x), to 1e-13 of itself also where erf is next to 1:
 * exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / (x + …)))) (Abramowitz and Stegun 7.1.14).
 */
function erfc(x: number): number {
  if (x < SERIES_END) return 1 - erf(x);
  let tail = x;
  for (let k = LEVELS; k > 0; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / (ROOT_PI * tail);
}
