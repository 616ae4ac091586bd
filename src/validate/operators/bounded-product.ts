import { decodeAll, encodeAll } from "../../fixed/real.ts";
import { lowerSum, quantizeSum } from "../../kernels/elementwise.ts";
import { lowerLinear } from "../../kernels/linear/lower.ts";
import { quantizeLinear } from "../../kernels/linear/quantize.ts";
import { linear } from "../../kernels/linear/real.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { affineGrid } from "../../quant/grid.ts";
import { execute } from "../bench.ts";
import { FINE, FINE_RECIPE, numericsOf, rangeOf } from "./bounded.ts";

/** y[M][N] = x[M][K] · w[N][K] + c[M][N], over the reals. */
export interface Product {
  readonly x: Matrix;
  readonly w: Matrix;
  readonly c?: Float64Array;
}

/** The product as a layer whose weights are w, then the sum; and what their elements keep to. */
export function product({ x, w, c }: Product): { readonly y: Float64Array; readonly bound: number } {
  const bits = FINE_RECIPE.activation_bits;
  const numerics = numericsOf();
  const gridOf = (values: Float64Array) => affineGrid(rangeOf(values), bits, false);
  const vectors = Array.from({ length: x.rows }, (_, i) => rowOf(x, i));
  const real = Float64Array.from(vectors.flatMap((row) => [...linear({ weight: w }, row)]));
  const [input, between] = [gridOf(Float64Array.from(x.data)), gridOf(real)];
  const q = quantizeLinear(
    [{ weight: w, grid: input }],
    undefined,
    between,
    FINE_RECIPE.weight_bits,
    numerics,
  );
  const added = c && gridOf(c);
  const sum = added && quantizeSum(between, added, gridOf(real.map((y, i) => y + c[i]!)), numerics);
  const [lane] = execute(
    FINE,
    {
      inputs: [
        { grid: input, length: x.columns, count: x.rows },
        ...(added ? [{ grid: added, length: w.rows, count: x.rows }] : []),
      ],
      matrices: q.parts.map(({ weights }) => weights),
      lower(b, [rows, summand]) {
        const products = b.map.tensor(between, w.rows, x.rows);
        lowerLinear(b, q, [rows!], products);
        if (sum === undefined) return [products];
        const output = b.map.tensor(sum.output, w.rows, x.rows);
        lowerSum(b, sum, products, summand!, output);
        return [output];
      },
    },
    [[encodeAll(x.data, input), ...(added ? [encodeAll(c, added)] : [])]],
  );
  // The summand's own rounding; that of both operands as they are added; half a step beyond either end of the sum's grid.
  const summed = sum === undefined ? 0 : sum.b.scale / 2 + sum.output.scale * 2;
  return {
    y: decodeAll(lane![0]!, sum?.output ?? between),
    bound: productError(x, w, input.scale) + between.scale + summed,
  };
}

/**
 * How far a sum of products is off: every x by half a step, every weight by half a step of 2^-15 of its row's largest,
 * which the 16 bits of the requantizer's multiplier enlarge by less than a factor of 2.
 */
function productError(x: Matrix, w: Matrix, step: number): number {
  const absolutes = (matrix: Matrix) =>
    Array.from({ length: matrix.rows }, (_, i) =>
      rowOf(matrix, i).reduce((sum, value) => sum + Math.abs(value), 0),
    );
  const weightStep = most(w.data) / 2 ** (FINE_RECIPE.weight_bits - 2);
  return (step / 2) * most(absolutes(w)) + (weightStep / 2) * most(absolutes(x));
}

function most(values: ArrayLike<number>): number {
  const { lo, hi } = rangeOf(values);
  return Math.max(-lo, hi);
}

const rowOf = ({ columns, data }: Matrix, i: number): Float64Array =>
  Float64Array.from(data.slice(i * columns, (i + 1) * columns));
