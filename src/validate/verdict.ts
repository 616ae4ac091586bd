/** How a case ended. */
export type Verdict =
  | { readonly kind: "passed"; readonly elements: number }
  | {
      readonly kind: "failed";
      /** The first element that differs. */
      readonly tensor: string;
      readonly index: number;
      readonly got: number;
      readonly want: number;
      /** Of a comparison within a bound: what the bound is. */
      readonly rule?: string;
    }
  | { readonly kind: "skipped"; readonly reason: string }
  /** Nothing could be compared: the file does not keep to its schema, or asks for what no machine is. */
  | { readonly kind: "refused"; readonly problem: string };

export const skipped = (reason: string): Verdict => ({ kind: "skipped", reason });

/** Bit for bit: the first element that differs fails the tensor, as does a length that does. */
export function compareCodes(tensor: string, got: ArrayLike<number>, want: ArrayLike<number>): Verdict {
  if (got.length !== want.length) return unequalLengths(tensor, got, want);
  for (let index = 0; index < want.length; index++) {
    if (got[index] !== want[index]) {
      return { kind: "failed", tensor, index, got: got[index]!, want: want[index]! };
    }
  }
  return { kind: "passed", elements: want.length };
}

/** Within a bound: |got - want| <= bound for every element. */
export function compareReals(
  tensor: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  bound: number,
): Verdict {
  if (got.length !== want.length) return unequalLengths(tensor, got, want);
  for (let index = 0; index < want.length; index++) {
    // The negation fails NaN too.
    if (!(Math.abs(got[index]! - want[index]!) <= bound)) {
      const rule = `within ${bound}`;
      return { kind: "failed", tensor, index, got: got[index]!, want: want[index]!, rule };
    }
  }
  return { kind: "passed", elements: want.length };
}

/** The first verdict that is not a pass, or a pass over all their elements. */
export function allOf(verdicts: Iterable<Verdict>): Verdict {
  let elements = 0;
  for (const verdict of verdicts) {
    if (verdict.kind !== "passed") return verdict;
    elements += verdict.elements;
  }
  return { kind: "passed", elements };
}

const unequalLengths = (tensor: string, got: ArrayLike<number>, want: ArrayLike<number>): Verdict => ({
  kind: "failed",
  tensor: `${tensor}.length`,
  index: 0,
  got: got.length,
  want: want.length,
});
