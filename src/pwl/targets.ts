import { maxOf, minOf } from "../fixed/format.ts";
import { decode, type Grid } from "../fixed/real.ts";

/**
 * f on the input codes from `first` to `last`, cut off at the ends of the output's range: saturation is no error. `[last -
 * first + 1]`. Codes may lie beyond the input's format, as those do that a mirrored table folds its inputs to. Where f
 * is not a number, the value at the nearest code that has one, the lower on a tie.
 *
 * @throws RangeError where f is a number nowhere
 */
export function targets(
  f: (x: number) => number,
  input: Grid,
  first: number,
  last: number,
  output: Grid,
): Float64Array {
  const lo = decode(minOf(output.format), output);
  const hi = decode(maxOf(output.format), output);
  const values = Float64Array.from({ length: last - first + 1 }, (_, i) =>
    Math.min(hi, Math.max(lo, f(decode(first + i, input)))),
  );
  return continueNumbers(values);
}

/** Each NaN becomes the number nearest in position, the earlier one on a tie. */
function continueNumbers(values: Float64Array): Float64Array {
  if (!values.some(Number.isNaN)) return values;
  const known = [...values.keys()].filter((i) => !Number.isNaN(values[i]));
  if (known.length === 0) throw new RangeError("the function is not a number on any input");
  let nearest = 0;
  return values.map((_, i) => {
    while (nearest + 1 < known.length && known[nearest + 1]! - i < i - known[nearest]!) nearest++;
    return values[known[nearest]!]!;
  });
}
