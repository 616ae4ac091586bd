import { makeArch } from "../../arch/spec.ts";
import { maxOf, minOf, signed } from "../../fixed/format.ts";
import { decode, decodeAll, encodeAll, type Grid, roundReal } from "../../fixed/real.ts";
import { lowerLookup } from "../../kernels/elementwise.ts";
import { lowerSoftmax } from "../../kernels/softmax/lower.ts";
import { type QSoftmax, quantizeSoftmax } from "../../kernels/softmax/quantize.ts";
import { affineGrid, type Range } from "../../quant/grid.ts";
import type { Numerics } from "../../quant/numerics.ts";
import { makeRecipe, type Recipe } from "../../quant/recipe.ts";
import { tableFor } from "../../quant/tables.ts";
import { execute } from "../bench.ts";

/**
 * Operators over the reals, as the machine has them: quantized by the kernels to the widest codes that there are, on
 * the case's own ranges, run, and decoded.
 */

/** Accumulators for products of two 16-bit operands, and multipliers that hide no bit of a 16-bit code. */
export const FINE = makeArch(
  {
    ...{ "acc.bits": 47, "requant.multiplierBits": 16, "vector.multiplierBits": 24 },
    ...{ "pwl.maxPieces": 512, "table.bytes": 2 ** 16 },
  },
  "16-bit codes",
);

/** Every tensor and every weight at 16 bits, tables as large as the machine's. */
export const FINE_RECIPE: Recipe = {
  ...makeRecipe({
    ...{ weight_bits: 16, activation_bits: 16, product_bits: 16, normalized_bits: 16, norm_bits: 16 },
    ...{ gain_bits: 16, cell_bits: 16, score_bits: 16, exp_bits: 16, alpha_bits: 16 },
    ...{ pwl_method: "uniform", rsqrt_pieces: 256 },
  }),
  pwl_pieces: FINE.settings["pwl.maxPieces"],
};

export const numericsOf = (recipe: Recipe = FINE_RECIPE): Numerics => ({ recipe, arch: FINE.settings });

export function rangeOf(values: ArrayLike<number>): Range {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) [lo, hi] = [Math.min(lo, values[i]!), Math.max(hi, values[i]!)];
  return { lo, hi };
}

/** A monotone function of one number by a table of 512 pieces. */
export function curve(x: readonly number[], f: (x: number) => number): Float64Array {
  const bits = FINE_RECIPE.activation_bits;
  const input = affineGrid(movingPart(rangeOf(x), f), bits, false);
  const ends = [minOf(input.format), maxOf(input.format)].map((code) => f(decode(code, input)));
  const output = affineGrid(rangeOf([...x.map(f), ...ends]), bits, false);
  const table = tableFor("activation", { f, symmetry: undefined }, input, output, numericsOf());
  const [lane] = execute(
    FINE,
    {
      inputs: [{ grid: input, length: x.length, count: 1 }],
      lower(b, [codes]) {
        const result = b.map.tensor(output, x.length);
        lowerLookup(b, table, codes!, result);
        return [result];
      },
    },
    [[encodeAll(x, input)]],
  );
  return decodeAll(lane![0]!, output);
}

/** Steps of a bisection: a range halved so often is a float's own step. */
const HALVINGS = 40;

/**
 * The part of a range outside of which a monotone function has all but reached its ends, to 2^-16 of what it covers:
 * inputs beyond it saturate, and the steps of the grid go where the function moves.
 */
function movingPart({ lo, hi }: Range, f: (x: number) => number): Range {
  const allowed = 2 ** -16 * Math.abs(f(hi) - f(lo));
  const farthest = (end: number, other: number): number => {
    let [from, to] = [end, other];
    for (let i = 0; i < HALVINGS; i++) {
      const middle = (from + to) / 2;
      if (Math.abs(f(middle) - f(end)) <= allowed) from = middle;
      else to = middle;
    }
    return from;
  };
  return lo === hi ? { lo, hi } : { lo: farthest(lo, hi), hi: farthest(hi, lo) };
}

/**
 * What `curve` keeps to, in parts of the output's range. Half an input step, 2^-17 of its range, is 2^-13 of the
 * output's where the curve is nowhere 16 times as steep as from end to end; chords of a 512th of the range miss h^2 / 8
 * of the second derivative, for exp over 16 units 2^-13.
 */
export const CURVE_BOUND = 2 ** -12;

/** A score this far below the largest has a weight below 2^-23. */
const SPAN = 16;

/** Softmax of rows of one length, a lane of the machine each; a row's zero point is its own, as it cancels. */
export function softmax(rows: readonly (readonly number[])[]): Float64Array[] {
  const bits = FINE_RECIPE.score_bits;
  const ranges = rows.map((row) => {
    const { lo, hi } = rangeOf(row);
    return { lo: Math.max(lo, hi - SPAN), hi };
  });
  const span = ranges.reduce((most, { lo, hi }) => Math.max(most, hi - lo), 0);
  const input = affineGrid({ lo: 0, hi: span }, bits, false);
  const lanes = rows.map((row, i) =>
    encodeAll(
      row.map((x) => x - ranges[i]!.lo),
      input,
    ),
  );
  const q = quantizeSoftmax(input, numericsOf());
  return softmaxOf(q, lanes).map((codes) => decodeAll(codes, q.output));
}

/**
 * What `softmax` of `n` scores keeps to. Scores are off by up to half an input step, 16 / 2^17, and chords of 16 / 512
 * lie above exp by up to h^2 / 8 = 2^-13 of its value: weights a move by a (1 - a) times the sum, 2^-13.4 at most.
 * Exponentials are rounded to 2^-16, each for itself, which n of them add up to n 2^-16 of a sum that is at least 1,
 * and the weight is rounded once more.
 */
export const softmaxBound = (n: number): number => 2 ** -13 + n * 2 ** -15;

/** Codes in, codes out. */
export function softmaxOf(q: QSoftmax, lanes: readonly ArrayLike<number>[]): number[][] {
  const results = execute(
    FINE,
    {
      inputs: [{ grid: q.input, length: lanes[0]!.length, count: 1 }],
      lower(b, [scores]) {
        const output = b.map.tensor(q.output, scores!.length);
        lowerSoftmax(b, q, scores!, output);
        return [output];
      },
    },
    lanes.map((codes) => [codes]),
  );
  return results.map(([codes]) => codes!);
}

/** A reference's grid of signed codes. */
export const codesGrid = (bits: number, scale: number, zero: number): Grid => ({
  format: signed(bits),
  scale,
  zero,
});

/** Softmax from a reference's own codes to its own. */
export function quantizedSoftmax(input: Grid, output: Grid): QSoftmax {
  const q = quantizeSoftmax(input, numericsOf({ ...FINE_RECIPE, score_bits: input.format.bits }));
  if (q.method !== "pwl") throw new Error("the recipe asks for tables");
  return { ...q, output, factor: roundReal(1 / output.scale, "half-even") };
}
