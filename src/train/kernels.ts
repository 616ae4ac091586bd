/** A boolean of a kernel. */
type Flag = 0 | 1;
export const flag = (is: boolean): Flag => (is ? 1 : 0);

/**
 * The single-precision kernels under the tape, compiled from `simd/assembly/train`. Pointers are byte offsets into the
 * engine's memory; arrays are row-major without gaps unless strides are given, and strides count elements. "to" and
 * the gradients are added to, "out" is overwritten. Sums have a fixed order, so that equal inputs give equal bits.
 */
export interface TrainKernels {
  /**
   * c[i][j] (+)= sum over p in 0..k of a[i * aRow + p * aColumn] * b[p * bRow + j * bColumn], i in 0..m, j in 0..n; rows of
   * c are cRow apart. `keep` 1 adds. `scratch` has PRODUCT_SCRATCH_BYTES.
   */
  product(
    a: number,
    aRow: number,
    aColumn: number,
    b: number,
    bRow: number,
    bColumn: number,
    c: number,
    cRow: number,
    m: number,
    n: number,
    k: number,
    keep: Flag,
    scratch: number,
  ): void;

  /** out[i][j] = a[i][j] + b[i * bRow + j * bColumn]; a stride of 0 broadcasts. */
  add(a: number, b: number, bRow: number, bColumn: number, out: number, rows: number, columns: number): void;
  /** out[i][j] (+)= a[i][j] * b[i * bRow + j * bColumn]; `keep` 1 adds. */
  multiply(
    a: number,
    b: number,
    bRow: number,
    bColumn: number,
    out: number,
    rows: number,
    columns: number,
    keep: Flag,
  ): void;
  /** to[i * toRow + j * toColumn] += g[i][j] * a[i][j], or g[i][j] where `a` is 0. */
  reduceInto(
    g: number,
    a: number,
    to: number,
    toRow: number,
    toColumn: number,
    rows: number,
    columns: number,
  ): void;
  /** to[i * toRow + j] (+)= factor * from[i * fromRow + j]; `keep` 1 adds. */
  move(
    from: number,
    fromRow: number,
    to: number,
    toRow: number,
    rows: number,
    columns: number,
    factor: number,
    keep: Flag,
  ): void;
  /** out = factor * x + offset, n elements. */
  affine(x: number, out: number, n: number, factor: number, offset: number): void;
  sigmoid(x: number, out: number, n: number): void;
  tanh(x: number, out: number, n: number): void;
  /** to += g y (1 - y). */
  sigmoidBack(y: number, g: number, to: number, n: number): void;
  /** to += g (1 - y^2). */
  tanhBack(y: number, g: number, to: number, n: number): void;
  /** to[i] += g[i] where lo <= x[i] <= hi. */
  passWithin(x: number, g: number, to: number, n: number, lo: number, hi: number): void;
  /** The sum of n elements, in double precision. */
  sum(x: number, n: number): number;
  /** out[i] = table[ids[i]], rows of `columns`; ids are int32 and in range. */
  gather(table: number, ids: number, out: number, n: number, columns: number): void;
  /** table[ids[i]] += g[i], i upwards. */
  scatter(g: number, ids: number, table: number, n: number, columns: number): void;

  /**
   * y = (x - mean) / d * gain + shift over each of `spans` parts of a row, `span` elements long. `mad` 0: d = sqrt(variance
   * + epsilon), the variance biased; 1: d = max(mean |x - mean|, epsilon). saved is [rows][spans][2].
   */
  norm(
    x: number,
    gain: number,
    shift: number,
    y: number,
    saved: number,
    rows: number,
    spans: number,
    span: number,
    mad: Flag,
    epsilon: number,
  ): void;
  normBack(
    x: number,
    gain: number,
    saved: number,
    g: number,
    gX: number,
    gGain: number,
    gShift: number,
    rows: number,
    spans: number,
    span: number,
    mad: Flag,
  ): void;

  softmax(x: number, out: number, rows: number, columns: number): void;
  softmaxBack(y: number, g: number, to: number, rows: number, columns: number): void;
  /** out[i] = log sum e^x[i] - (1 - smoothing) x[i][ids[i]] - smoothing mean x[i]; saved is [rows]. */
  crossEntropy(
    x: number,
    ids: number,
    out: number,
    saved: number,
    rows: number,
    columns: number,
    smoothing: number,
  ): void;
  crossEntropyBack(
    x: number,
    ids: number,
    g: number,
    saved: number,
    to: number,
    rows: number,
    columns: number,
    smoothing: number,
  ): void;

  /** out[i] = log sum e^x[i] - sum p[i] x[i]; each row of p sums to 1; saved is [rows]. */
  distill(x: number, p: number, out: number, saved: number, rows: number, columns: number): void;
  distillBack(
    x: number,
    p: number,
    g: number,
    saved: number,
    to: number,
    rows: number,
    columns: number,
  ): void;

  /** next = s(f + forgetBias) c + open tanh(g), open = s(i) or, `capped`, min(s(i), 1 - s(f)); saved is [rows][3 n]. */
  cell(
    gates: number,
    c: number,
    next: number,
    saved: number,
    rows: number,
    n: number,
    forgetBias: number,
    capped: Flag,
  ): void;
  cellBack(
    c: number,
    saved: number,
    g: number,
    gGates: number,
    gC: number,
    rows: number,
    n: number,
    capped: Flag,
  ): void;
  /** h = s(o) tanh(c); saved is [rows][2 n]. */
  expose(gates: number, c: number, h: number, saved: number, rows: number, n: number): void;
  exposeBack(saved: number, g: number, gGates: number, gC: number, rows: number, n: number): void;

  /** mask[i] = 1 / (1 - rate), or 0 with probability `rate`, as a function of (seed, step, site, i) alone. */
  dropoutMask(mask: number, n: number, rate: number, seed: number, step: number, site: number): void;

  /** The sum of squares of n elements, in double precision. */
  squares(x: number, n: number): number;
  /** Adam on n weights, the gradient times `factor`; `rate` has 1 / (1 - beta1^step) in it, bias2 is 1 - beta2^step. */
  adam(
    w: number,
    g: number,
    m: number,
    v: number,
    n: number,
    factor: number,
    beta1: number,
    beta2: number,
    rate: number,
    bias2: number,
    epsilon: number,
    decay: number,
  ): void;
}

/** Bytes that `product` needs at `scratch`: a block of each operand. */
export const PRODUCT_SCRATCH_BYTES = 4 * (128 + 512) * 256;
