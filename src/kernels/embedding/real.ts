import type { Matrix } from "../tensors.ts";

/**
 * Row `index` of the table, as a vector of its own.
 *
 * @throws RangeError unless `index` is an integer in 0 … rows - 1
 */
export function embedding(table: Matrix, index: number): Float64Array {
  const { rows, columns, data } = table;
  if (!Number.isInteger(index) || index < 0 || index >= rows) {
    throw new RangeError(`${index} is not a row of a table of ${rows}`);
  }
  return Float64Array.from(data.subarray(index * columns, (index + 1) * columns));
}
