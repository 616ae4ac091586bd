import fc from "fast-check";
import { expect, test } from "vitest";
import { multiply, multiplyColumns, type View, WIDE } from "../../src/onnx/ops/matmul.ts";

/** Values whose products and sums round: the order of additions shows. */
const value = fc.double({ min: -1e3, max: 1e3, noNaN: true });
const matrix = (count: number) =>
  fc.array(value, { minLength: count, maxLength: count }).map((values) => Float32Array.from(values));
const size = fc.record({
  m: fc.integer({ min: 0, max: 9 }),
  k: fc.integer({ min: 0, max: 9 }),
  n: fc.integer({ min: 0, max: 9 }),
});
const cases = size.chain(({ m, k, n }) =>
  fc.record({
    ...{ m: fc.constant(m), k: fc.constant(k), n: fc.constant(n) },
    ...{ a: matrix(m * k), b: matrix(k * n), start: fc.option(matrix(m), { nil: undefined }) },
    ...{ isTurned: fc.tuple(fc.boolean(), fc.boolean()), at: fc.integer({ min: 0, max: 3 }) },
  }),
);

/** A matrix [rows][columns] as it lies in `data`, or as its transpose does. */
const view = (data: Float32Array, rows: number, columns: number, isTurned: boolean): View =>
  isTurned ? { data, at: 0, row: 1, column: rows } : { data, at: 0, row: columns, column: 1 };

test("a product is the sum in the order of k, to the last bit, whatever its sizes and however its operands lie", () => {
  fc.assert(
    fc.property(cases, ({ m, k, n, a, b, start, isTurned, at }) => {
      const [left, right] = [view(a, m, k, isTurned[0]), view(b, k, n, isTurned[1])];
      const y = new Float64Array(at + m * n + 2).fill(7);
      if (start === undefined) multiply(left, right, { m, k, n }, y, at);
      else {
        const columnOf = (c: number, to: Float64Array, first: number) => {
          for (let j = 0; j < k; j++) to[first + WIDE * j] = b[j * right.row + c * right.column]!;
        };
        multiplyColumns(left, columnOf, { m, k, n }, y, at, start);
      }
      const wanted = new Float64Array(y.length).fill(7);
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < n; c++) {
          let sum = start?.[r] ?? 0;
          for (let j = 0; j < k; j++)
            sum += a[r * left.row + j * left.column]! * b[j * right.row + c * right.column]!;
          wanted[at + r * n + c] = sum;
        }
      }
      expect(y).toEqual(wanted);
    }),
    { numRuns: 500 },
  );
});

test("an infinite element spoils its own row and column alone", () => {
  const a = Float32Array.of(1, Infinity, 3, 4, 5);
  const b = Float32Array.of(1, 0, 2);
  const y = new Float64Array(15);
  multiply(view(a, 5, 1, false), view(b, 1, 3, false), { m: 5, k: 1, n: 3 }, y, 0);
  expect([...y]).toEqual([1, 0, 2, Infinity, NaN, Infinity, 3, 0, 6, 4, 0, 8, 5, 0, 10]);
});
