import fc from "fast-check";
import type { Figures } from "../../src/search/front.ts";
import type { Priced, Problem } from "../../src/search/problem.ts";
import type { Candidate, Dimension, Space } from "../../src/search/space.ts";

/** A space of all combinations, each a point of its own but those that are kept out. */
export function latticeOf(
  dimensions: readonly Dimension[],
  admits: (candidate: Candidate) => boolean = () => true,
): Space {
  const at = (index: number): Candidate => {
    let rest = index;
    return dimensions.map(({ values }) => {
      const value = rest % values;
      rest = (rest - value) / values;
      return value;
    });
  };
  return {
    dimensions,
    size: dimensions.reduce((product, { values }) => product * values, 1),
    at,
    identify: (candidate) => (admits(candidate) ? candidate.join(" ") : undefined),
  };
}

export const ordinal = (values: number, isCostly = true): Dimension => ({
  values,
  kind: "ordinal",
  isCostly,
});
export const nominal = (values: number, isCostly = true): Dimension => ({
  values,
  kind: "nominal",
  isCostly,
});

/** Every candidate of a space that stands for a point. */
export const allOf = ({ size, at, identify }: Space): Candidate[] =>
  Array.from({ length: size }, (_, i) => at(i)).filter((candidate) => identify(candidate) !== undefined);

/** Whole objectives, few enough values that ties and equal vectors occur. */
export const vectors = (objectives: number, most = 12): fc.Arbitrary<number[][]> =>
  fc.array(fc.array(fc.integer({ min: 0, max: 7 }), { minLength: objectives, maxLength: objectives }), {
    minLength: 1,
    maxLength: most,
  });

export const figuresOf = (objectives: readonly number[], violation = 0): Figures => ({
  objectives,
  violation,
});

/** A problem of plain functions that keeps what it was asked, in order. */
export function problemOf(
  space: Space,
  figures: (candidate: Candidate) => Figures | undefined,
  price?: (candidate: Candidate) => Priced | undefined,
): Problem & { readonly asked: Candidate[]; readonly priced: Candidate[] } {
  const asked: Candidate[] = [];
  const priced: Candidate[] = [];
  return {
    ...{ space, asked, priced },
    evaluate: async (candidates) => {
      asked.push(...candidates);
      return candidates.map(figures);
    },
    ...(price !== undefined && {
      price: async (candidates: readonly Candidate[]) => {
        priced.push(...candidates);
        return candidates.map(price);
      },
    }),
  };
}
