import type { Data } from "../dtype.ts";
import { broadcastStrides, elementsIn, isConcrete, offsetsOf, type Shape, type Tensor } from "../tensor.ts";
import { broadcast, type Call, int, like, type Op, real, unified } from "./define.ts";

/** A matrix [rows][columns] inside an array: where it begins, and how far apart its rows and columns are. */
export interface View {
  readonly data: Data;
  readonly at: number;
  readonly row: number;
  readonly column: number;
}

/** Rows and columns of a product that are summed at once: as many sums as a processor has registers for. */
const TALL = 4;
export const WIDE = 2;

/** A matrix's rows, four by four: [rows / 4][columns][4], filled up with zeros. What is multiplied then lies in the order of its use. */
function inFours({ data, at, row, column }: View, rows: number, columns: number): Float64Array {
  const packed = new Float64Array((rows + TALL) * columns);
  for (let i = 0; i < rows; i++) {
    const to = (i - (i % TALL)) * columns + (i % TALL);
    for (let j = 0; j < columns; j++) packed[to + j * TALL] = data[at + i * row + j * column]!;
  }
  return packed;
}

/** Adds the products of four rows and two columns, `k` by `k`, to sums [4][2]. */
function addProducts(
  sums: Float64Array,
  rows: Float64Array,
  from: number,
  columns: Float64Array,
  count: number,
): void {
  let a0 = sums[0]!;
  let a1 = sums[1]!;
  let b0 = sums[2]!;
  let b1 = sums[3]!;
  let c0 = sums[4]!;
  let c1 = sums[5]!;
  let d0 = sums[6]!;
  let d1 = sums[7]!;
  for (let j = 0, at = from; j < WIDE * count; j += WIDE, at += TALL) {
    const x0 = columns[j]!;
    const x1 = columns[j + 1]!;
    const a = rows[at]!;
    const b = rows[at + 1]!;
    const c = rows[at + 2]!;
    const d = rows[at + 3]!;
    a0 += a * x0;
    a1 += a * x1;
    b0 += b * x0;
    b1 += b * x1;
    c0 += c * x0;
    c1 += c * x1;
    d0 += d * x0;
    d1 += d * x1;
  }
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = b0;
  sums[3] = b1;
  sums[4] = c0;
  sums[5] = c1;
  sums[6] = d0;
  sums[7] = d1;
}

/** Writes a column of a matrix to every `WIDE`-th place of `to`, from `at` on. */
export type ColumnOf = (column: number, to: Float64Array, at: number) => void;

interface Sizes {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** Columns of `rows` elements of a matrix that lies in memory. */
export const columnsOf =
  ({ data, at: from, row, column }: View, rows: number): ColumnOf =>
  (c, to, first) => {
    let source = from + c * column;
    const end = first + WIDE * rows;
    for (let at = first; at < end; at += WIDE, source += row) to[at] = data[source]!;
  };

/** y[m][n] = sum over k of a[m][k] b[k][n], row-major from `at` on. */
export const multiply = (a: View, b: View, sizes: Sizes, y: Data, at: number): void =>
  multiplyColumns(a, columnsOf(b, sizes.k), sizes, y, at);

/**
 * The same of columns that are made as they are needed, and with what the sums of each row start from, 0 where it is left out. Sums are
 * doubles, added up in the order of k.
 */
export function multiplyColumns(
  a: View,
  columnOf: ColumnOf,
  { m, k, n }: Sizes,
  y: Data,
  at: number,
  start?: Data,
): void {
  const rows = inFours(a, m, k);
  const columns = new Float64Array(WIDE * k);
  const sums = new Float64Array(TALL * WIDE);
  for (let c = 0; c < n; c += WIDE) {
    const wide = Math.min(WIDE, n - c);
    for (let i = 0; i < wide; i++) columnOf(c + i, columns, i);
    for (let r = 0; r < m; r += TALL) {
      const tall = Math.min(TALL, m - r);
      for (let i = 0; i < tall; i++) sums.fill(start?.[r + i] ?? 0, i * WIDE, (i + 1) * WIDE);
      addProducts(sums, rows, r * k, columns, k);
      for (let i = 0; i < tall; i++)
        for (let l = 0; l < wide; l++) y[at + (r + i) * n + c + l] = sums[i * WIDE + l]!;
    }
  }
}

/** The sizes of a product by NumPy's rule: a vector on the left is a row, on the right a column. */
function productOf(call: Call) {
  const [left, right] = [call.shape(0), call.shape(1)];
  if (left === undefined || right === undefined) return undefined;
  if (left.length === 0 || right.length === 0) call.refuse("takes no scalars");
  const a = left.length === 1 ? [1, ...left] : left;
  const b = right.length === 1 ? [...right, 1] : right;
  const [m, k] = a.slice(-2) as [Shape[number], Shape[number]];
  const [rows, n] = b.slice(-2) as [Shape[number], Shape[number]];
  const inner =
    unified(k, rows) ?? call.refuse(`shapes [${left.join(", ")}] and [${right.join(", ")}] do not multiply`);
  const outer = broadcast(call, a.slice(0, -2), b.slice(0, -2))!;
  const shape = [...outer, ...(left.length === 1 ? [] : [m]), ...(right.length === 1 ? [] : [n])];
  return { a, b, m, k: inner, n, outer, shape };
}

const matMul: Op = {
  ...{ name: "MatMul", target: "matrix product", inputs: [2, 2] },
  infer(call) {
    call.sameType(0, 1);
    return like(call, productOf(call)?.shape);
  },
  compute(call, [x, w], [y]) {
    const { a, b, outer, ...sizes } = productOf(call)!;
    const { m, k, n } = sizes as { m: number; k: number; n: number };
    const batches = outer as readonly number[];
    const starts = (shape: Shape, size: number): Int32Array => {
      const strides = broadcastStrides((shape as readonly number[]).slice(0, -2), batches);
      return offsetsOf(
        batches,
        strides.map((stride) => stride * size),
      );
    };
    const [from, to] = [starts(a, m * k), starts(b, k * n)];
    for (let batch = 0; batch < elementsIn(batches); batch++) {
      const left = { data: x!.data, at: from[batch]!, row: k, column: 1 };
      multiply(
        left,
        { data: w!.data, at: to[batch]!, row: n, column: 1 },
        { m, k, n },
        y!.data,
        batch * m * n,
      );
    }
  },
  macs(call) {
    const { shape, k } = productOf(call)!;
    return elementsIn(shape as number[]) * (k as number);
  },
};

/** Sizes of alpha A' B' + beta C; the two are transposed where their attributes say so. */
function gemmOf(call: Call) {
  const [a, b] = [call.shape(0), call.shape(1)];
  if (a === undefined || b === undefined) return undefined;
  if (a.length !== 2 || b.length !== 2) call.refuse(`takes matrices, not shapes [${a}] and [${b}]`);
  const [m, k] = call.int("transA") ? [a[1]!, a[0]!] : [a[0]!, a[1]!];
  const [rows, n] = call.int("transB") ? [b[1]!, b[0]!] : [b[0]!, b[1]!];
  const inner = unified(k, rows) ?? call.refuse(`shapes [${a}] and [${b}] do not multiply`);
  return { m, k: inner, n };
}

const gemm: Op = {
  ...{ name: "Gemm", target: "matrix product", inputs: [2, 3] },
  attributes: [real("alpha", 1), real("beta", 1), int("transA", 0), int("transB", 0)],
  infer(call) {
    call.sameType(0, 1, 2);
    if (!call.has(2) && call.opset < 11) call.refuse("needs C before opset 11");
    const sizes = gemmOf(call);
    if (sizes === undefined) return like(call, undefined);
    const shape = [sizes.m, sizes.n];
    const added = call.has(2) ? call.shape(2) : [];
    const spread = added && broadcast(call, shape, added);
    if (isConcrete(shape) && spread?.some((size, i) => size !== shape[i]))
      call.refuse(`C of [${added}] does not spread over [${shape}]`);
    return like(call, shape);
  },
  compute(call, [a, b, c], [y]) {
    const { m, k, n } = gemmOf(call) as { m: number; k: number; n: number };
    const view = ({ data, shape }: Tensor, turned: boolean): View => {
      const columns = shape[1]!;
      return turned ? { data, at: 0, row: 1, column: columns } : { data, at: 0, row: columns, column: 1 };
    };
    const sums = new Float64Array(m * n);
    multiply(view(a!, call.int("transA") !== 0), view(b!, call.int("transB") !== 0), { m, k, n }, sums, 0);
    const places = c && offsetsOf(y!.shape, broadcastStrides(c.shape, y!.shape));
    const [alpha, beta] = [call.real("alpha"), call.real("beta")];
    for (let i = 0; i < sums.length; i++)
      y!.data[i] = alpha * sums[i]! + (places === undefined ? 0 : beta * c!.data[places[i]!]!);
  },
  macs(call) {
    const { m, k, n } = gemmOf(call) as { m: number; k: number; n: number };
    return m * k * n;
  },
};

export const PRODUCTS: readonly Op[] = [matMul, gemm];
