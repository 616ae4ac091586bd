import { InputError } from "../../base/errors.ts";
import { decode, decodeAll, encodeAll, type Grid } from "../../fixed/real.ts";
import { rsqrt } from "../../isa/ops/pwl.ts";
import { sum, sumsq, variance } from "../../isa/ops/reduce.ts";
import { WIDE_BITS, WORD_BITS } from "../../isa/widths.ts";
import type { Builder, Tensor } from "../../kernels/builder.ts";
import { lowerNorm, mantissaTable } from "../../kernels/norm/lower.ts";
import { type QLayerNorm, quantizeNorm } from "../../kernels/norm/quantize.ts";
import { type NormParams, norm } from "../../kernels/norm/real.ts";
import { affineGrid, Ranges } from "../../quant/grid.ts";
import { codesOf, execute } from "../bench.ts";
import { FINE, FINE_RECIPE, numericsOf, rangeOf } from "./bounded.ts";

/** Layer norm of rows of one length. */
export interface LayerNorm {
  readonly rows: readonly Float64Array[];
  readonly gain: Float64Array;
  readonly shift: Float64Array;
  readonly epsilon: number;
}

export interface Normed {
  readonly y: readonly Float64Array[];
  /** Of each row, as are the inverse deviations. */
  readonly mean: Float64Array;
  readonly inverse: Float64Array;
  /** What each of them keeps to. */
  readonly bounds: { readonly y: number; readonly mean: number; readonly inverse: number };
}

/** Rows so long that fewer bits are left for a code are not worth normalizing. */
const LEAST_BITS = 8;

/**
 * Every row a lane of the machine.
 * @throws InputError where the rows are too long for the vector unit's 48 bits
 */
export function layerNorm({ rows, gain, shift, epsilon }: LayerNorm): Normed {
  const params: NormParams = { kind: "layer", gain, shift, epsilon };
  const input = inputGrid(rows, gain.length, epsilon);
  const lanes = rows.map((row) => encodeAll(row, input));
  const ranges = new Ranges();
  const deviations: number[] = [];
  for (const codes of lanes)
    norm(params, decodeAll(codes, input), (site, values) => {
      ranges.observe(site, values);
      if (site === "deviation") deviations.push(values[0]!);
    });
  const output = affineGrid(ranges.of("output"), FINE_RECIPE.norm_bits, false);
  const q = quantizeNorm(params, input, ranges, 1, output, numericsOf()) as QLayerNorm;
  const results = execute(
    FINE,
    {
      inputs: [{ grid: input, length: q.n, count: 1 }],
      lower(b, [row]) {
        const y = b.map.tensor(output, q.n);
        lowerNorm(b, q, row!, y);
        return [y, ...lowerStatistics(b, q, row!)];
      },
    },
    lanes.map((codes) => [codes]),
  );
  return {
    y: results.map(([y]) => decodeAll(y!, output)),
    mean: Float64Array.from(results, ([, sums]) => decode(sums![0]! / q.n, input)),
    inverse: Float64Array.from(
      results,
      ([, , mantissa, exponent]) => (q.n * mantissa![0]!) / (input.scale * 2 ** exponent![0]!),
    ),
    bounds: boundsOf(q, ranges, params, Math.min(...deviations)),
  };
}

/** The finest grid on which n^2 times the variance fits 48 bits and n^2 epsilon 32. */
function inputGrid(rows: readonly Float64Array[], n: number, epsilon: number): Grid {
  const range = rangeOf(rows.flatMap((row) => [...row]));
  for (let bits = FINE_RECIPE.product_bits; bits >= LEAST_BITS; bits--) {
    const grid = affineGrid(range, bits, false);
    if (n * n * 2 ** (2 * bits - 2) < 2 ** (WIDE_BITS - 1) && epsilon * (n / grid.scale) ** 2 < 2 ** 31)
      return grid;
  }
  throw new InputError(`rows of ${n} elements`, `their variance has no room for codes of ${LEAST_BITS} bits`);
}

/** The row's sum, and mantissa and exponent of the inverse of n times its deviation. */
function lowerStatistics(b: Builder, { n, input, epsilon, table }: QLayerNorm, row: Tensor): Tensor[] {
  const [sums, mantissa, exponent] = [0, 1, 2].map(() => b.map.tensor(codesOf(WORD_BITS), 1));
  const [squares, v] = [0, 1].map(() => b.map.reserve(1, WIDE_BITS));
  const shape = { a: row.at, groups: 1, n, aBits: input.format.bits, aZero: 0 };
  b.emit(sum, { ...shape, dst: sums!.at, bits: WORD_BITS });
  b.emit(sumsq, { ...shape, dst: squares!, bits: WIDE_BITS });
  b.emit(variance, { dst: v!, sums: sums!.at, squares: squares!, groups: 1, n, epsilon });
  b.emit(rsqrt, {
    ...{ dst: mantissa!.at, exponent: exponent!.at, src: v!, n: 1 },
    ...mantissaTable(b, table!),
  });
  return [sums!, mantissa!, exponent!];
}

/** Relative error of 1/sqrt: its 256 pieces miss 2^-15.2 of it, its 16 bits round off 2^-15. */
const ROOT_ERROR = 2 ** -14;

/**
 * With s the input's step, d the smallest deviation, z the largest normalized value and g the largest gain: inputs are
 * off by s / 2, which moves the mean by s / 2, the deviation by s / 2 and a normalized value by (s / d)(1 + z / 2).
 * 1/sqrt adds ROOT_ERROR of the value, and the normalized value, the gain and the result are rounded to their steps,
 * the first to half of one, the last two times (the shift and the result).
 */
function boundsOf(q: QLayerNorm, ranges: Ranges, { gain }: NormParams, d: number): Normed["bounds"] {
  const largest = (values: { lo: number; hi: number }) => Math.max(-values.lo, values.hi);
  const z = largest(ranges.of("normalized"));
  const g = largest(rangeOf(gain));
  const s = q.input.scale;
  const normalized = (s / d) * (1 + z / 2) + z * ROOT_ERROR + q.normalized.scale / 2;
  return {
    y: g * normalized + (z * g) / 2 ** (q.affine.gainBits - 1) + q.output.scale,
    mean: s / 2,
    inverse: (s / (2 * d) + ROOT_ERROR) / d,
  };
}
