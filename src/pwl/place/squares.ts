/** The squared errors of chords of a curve, from running sums: any chord takes the same few operations. */
export interface Squares {
  /**
   * The sum over the inputs between `from` and `to` of weight times squared error of the chord from one to the other,
   * never negative. Sums of N terms are rounded: off by about 2^-50 N times the curve's squares.
   */
  readonly cost: (from: number, to: number) => number;
  /** The weights of the inputs between `from` and `to`, `from` included. */
  readonly weight: (from: number, to: number) => number;
}

/** @param weights  `[N]`, 1 each where absent */
export function squaresOf(values: Float64Array, weights?: Float64Array): Squares {
  const running = (term: (i: number) => number): Float64Array => {
    const sums = new Float64Array(values.length + 1);
    for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i]! + (weights?.[i] ?? 1) * term(i);
    return sums;
  };
  const w = running(() => 1);
  const wx = running((i) => i);
  const wxx = running((i) => i * i);
  const wy = running((i) => values[i]!);
  const wxy = running((i) => i * values[i]!);
  const wyy = running((i) => values[i]! ** 2);

  const cost = (from: number, to: number): number => {
    const y = values[from]!;
    const slope = (values[to]! - y) / (to - from);
    const between = (sums: Float64Array) => sums[to]! - sums[from]!;
    const [n, sx, sy] = [between(w), between(wx), between(wy)];
    // Distances are from the chord's first point.
    const yy = between(wyy) - 2 * y * sy + y * y * n;
    const xy = between(wxy) - from * sy - y * (sx - from * n);
    const xx = between(wxx) - 2 * from * sx + from * from * n;
    return Math.max(0, yy - 2 * slope * xy + slope * slope * xx);
  };
  return { cost, weight: (from, to) => w[to]! - w[from]! };
}

/** The sum of the costs of all chords between knots. */
export function totalCost({ cost }: Squares, knots: Int32Array): number {
  let sum = 0;
  for (let k = 1; k < knots.length; k++) sum += cost(knots[k - 1]!, knots[k]!);
  return sum;
}
