/** A real function that a table can be built for. Design time only: real numbers stay in here. */
export interface Curve {
  /** What a network uses it for. */
  readonly doc: string;
  readonly f: (x: number) => number;
  /** Where a table is worth its pieces. A machine's input range may be wider or narrower. */
  readonly domain: readonly [lo: number, hi: number];
  /** "odd": f(-x) = -f(x). "unit": f(-x) = 1 - f(x). */
  readonly symmetry: "odd" | "unit" | "none";
}

/** Adding an activation is a line here: tables, sweeps, lowering and tests run over this one. */
export const CURVES = {
  sigmoid: { doc: "gates", f: (x) => 1 / (1 + Math.exp(-x)), domain: [-8, 8], symmetry: "unit" },
  tanh: { doc: "cell input and output, attention scores", f: Math.tanh, domain: [-4, 4], symmetry: "odd" },
  exp: { doc: "softmax numerator after the maximum is off", f: Math.exp, domain: [-16, 0], symmetry: "none" },
  rsqrt: { doc: "layer norm, on the mantissa", f: (x) => 1 / Math.sqrt(x), domain: [1, 4], symmetry: "none" },
  reciprocal: { doc: "division, on the mantissa", f: (x) => 1 / x, domain: [1, 2], symmetry: "none" },
} as const satisfies Readonly<Record<string, Curve>>;

export type CurveName = keyof typeof CURVES;
