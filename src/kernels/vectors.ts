import { type Builder, bytesOf, type Tensor } from "./builder.ts";

/** Vectors that are parts of longer rows: `row` codes from one to the next, as many as a vector has where not given. */
export interface Rows extends Tensor {
  readonly row?: number;
}

/** Bytes from one vector to the next. */
export const rowBytes = (rows: Rows): number => bytesOf(rows, rows.row ?? rows.length);

/** A hardware loop over the vectors of two tensors; one alone needs none. */
export function eachVector(
  b: Builder,
  input: Rows,
  output: Rows,
  body: (from: Tensor, to: Tensor) => void,
): void {
  if (input.count === 1) {
    body(input, output);
    return;
  }
  b.loop(input.count, [rowBytes(input), rowBytes(output)], (indexed) => {
    body(
      { ...input, at: indexed(input.at, 0), count: 1 },
      { ...output, at: indexed(output.at, 1), count: 1 },
    );
  });
}
