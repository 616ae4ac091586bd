import { type Builder, strideOf, type Tensor } from "./builder.ts";

/** A hardware loop over the vectors of two tensors; one alone needs none. */
export function eachVector(
  b: Builder,
  input: Tensor,
  output: Tensor,
  body: (from: Tensor, to: Tensor) => void,
): void {
  if (input.count === 1) {
    body(input, output);
    return;
  }
  b.loop(input.count, [strideOf(input), strideOf(output)], (indexed) => {
    body(
      { ...input, at: indexed(input.at, 0), count: 1 },
      { ...output, at: indexed(output.at, 1), count: 1 },
    );
  });
}
