import { expectLength, type Matrix, type Tap } from "../tensors.ts";

/** y = W x + b; a layer without `bias` adds nothing. */
export interface LinearParams {
  readonly weight: Matrix; // [outputs][inputs]
  readonly bias?: Float64Array; // [outputs]
}

/**
 * The affine layer W x + b over the reals, from [inputs] to [outputs]. Sites: `input` (averaged), `output`.
 *
 * @throws RangeError where the lengths do not fit the weight
 */
export function linear(p: LinearParams, x: Float64Array, tap?: Tap): Float64Array {
  tap?.("input", x, "averaged");
  const y = product(p.weight, x);
  if (p.bias) addTo(y, p.bias);
  tap?.("output", y);
  return y;
}

/** Rows whose sums run side by side: each is a chain of additions, and one chain alone waits for itself. */
const ROWS = 4;

/**
 * The matrix-vector product W x in double precision, each row summed from its first column to its last.
 *
 * @throws RangeError unless `x` has one element per column
 */
export function product(weight: Matrix, x: Float64Array): Float64Array {
  const { rows, columns, data } = weight;
  expectLength("a matrix's argument", x, columns);
  const y = new Float64Array(rows);
  const blocked = rows - (rows % ROWS);
  for (let r = 0; r < blocked; r += ROWS) {
    const [i, j, k, l] = [r * columns, (r + 1) * columns, (r + 2) * columns, (r + 3) * columns];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let n = 0; n < columns; n++) {
      const value = x[n]!;
      a += data[i + n]! * value;
      b += data[j + n]! * value;
      c += data[k + n]! * value;
      d += data[l + n]! * value;
    }
    y[r] = a;
    y[r + 1] = b;
    y[r + 2] = c;
    y[r + 3] = d;
  }
  for (let r = blocked; r < rows; r++) {
    let sum = 0;
    for (let n = 0; n < columns; n++) sum += data[r * columns + n]! * x[n]!;
    y[r] = sum;
  }
  return y;
}

/** y += x, element by element, in place. @throws RangeError where the lengths differ */
export function addTo(y: Float64Array, x: Float64Array): void {
  expectLength("a summand", x, y.length);
  for (let i = 0; i < y.length; i++) y[i]! += x[i]!;
}
