import { floorDiv } from "../fixed/round.ts";
import { below, type Candidate, type Dimension, type Random } from "./space.ts";

/** Binary digits of a coordinate: so few that no operator of 32 bits sees a sign. */
const DIGITS = 30;
/** Coordinates are whole numbers below this. */
export const ONE = 2 ** DIGITS;

/**
 * Of each dimension from the second on: its primitive polynomial as binary digits, and its initial direction numbers. S. Joe and
 * F. Y. Kuo, Constructing Sobol sequences with better two-dimensional projections, SIAM J. Sci. Comput. 30 (2008), 2635-2654: the
 * first rows of their table new-joe-kuo-6.21201.
 */
const DIRECTIONS: readonly (readonly [polynomial: number, ...initial: readonly number[]])[] = [
  [3, 1],
  [7, 1, 3],
  [11, 1, 3, 1],
  [13, 1, 1, 1],
  [19, 1, 1, 3, 3],
  [25, 1, 3, 5, 13],
  [37, 1, 1, 5, 5, 17],
  [41, 1, 1, 5, 5, 5],
  [47, 1, 1, 7, 11, 19],
  [55, 1, 1, 5, 1, 1],
  [59, 1, 1, 1, 3, 11],
  [61, 1, 3, 5, 5, 31],
  [67, 1, 3, 3, 9, 7, 49],
  [91, 1, 1, 1, 15, 21, 21],
  [97, 1, 3, 1, 13, 27, 49],
  [103, 1, 1, 1, 15, 7, 5],
  [109, 1, 3, 1, 15, 13, 25],
  [115, 1, 1, 5, 5, 19, 61],
  [131, 1, 3, 7, 11, 23, 15, 103],
  [137, 1, 3, 7, 13, 13, 15, 69],
  [143, 1, 1, 3, 13, 7, 35, 63],
  [145, 1, 3, 5, 9, 1, 25, 53],
  [157, 1, 3, 1, 13, 9, 35, 107],
  [167, 1, 3, 1, 5, 27, 61, 31],
  [171, 1, 1, 5, 11, 19, 41, 61],
  [185, 1, 3, 5, 3, 3, 13, 69],
  [191, 1, 1, 7, 13, 1, 19, 1],
  [193, 1, 3, 7, 5, 13, 19, 59],
  [203, 1, 1, 3, 9, 25, 29, 41],
  [211, 1, 3, 5, 13, 23, 1, 55],
  [213, 1, 3, 7, 3, 13, 59, 17],
  [229, 1, 3, 1, 3, 5, 53, 69],
  [239, 1, 1, 5, 5, 23, 33, 13],
  [241, 1, 1, 7, 7, 1, 61, 123],
  [247, 1, 1, 7, 9, 13, 61, 49],
  [253, 1, 3, 3, 5, 3, 55, 33],
  [285, 1, 3, 1, 15, 31, 13, 49, 245],
  [299, 1, 3, 5, 15, 31, 59, 63, 97],
  [301, 1, 3, 1, 11, 11, 11, 77, 249],
];

/** Dimensions that a sequence may have. */
export const MOST_DIMENSIONS = 1 + DIRECTIONS.length;

/** Direction numbers of a dimension, v[k] = m[k] / 2^(k + 1) as coordinates. */
function directionsOf(dimension: number): readonly number[] {
  if (dimension === 0) return Array.from({ length: DIGITS }, (_, k) => ONE / 2 ** (k + 1));
  const [polynomial, ...initial] = DIRECTIONS[dimension - 1]!;
  const degree = initial.length;
  const v = initial.map((m, k) => (m * ONE) / 2 ** (k + 1));
  for (let k = degree; k < DIGITS; k++) {
    let next = v[k - degree]! ^ (v[k - degree]! / 2 ** degree);
    for (let j = 1; j < degree; j++) if ((polynomial & (2 ** (degree - j))) !== 0) next ^= v[k - j]!;
    v.push(next);
  }
  return v;
}

/**
 * Sobol's sequence, in the Gray code's order of Antonov and Saleev: coordinates are whole numbers in [0, ONE).
 *
 * @param shift  of each dimension the digits that are flipped: a digital shift, which keeps every property of a net
 * @throws RangeError beyond MOST_DIMENSIONS
 */
export function* sobol(shift: readonly number[]): Generator<readonly number[]> {
  if (shift.length > MOST_DIMENSIONS)
    throw new RangeError(
      `Sobol's sequence has up to ${MOST_DIMENSIONS} dimensions here, not ${shift.length}`,
    );
  const directions = shift.map((_, dimension) => directionsOf(dimension));
  const point = [...shift];
  for (let n = 0; n < ONE - 1; n++) {
    yield [...point];
    let zero = 0;
    while ((n & (2 ** zero)) !== 0) zero++;
    for (const [dimension, v] of directions.entries()) point[dimension]! ^= v[zero]!;
  }
}

/**
 * Candidates that fill a lattice evenly from the first few on, other ones for each seed; one may come more than once. Dimensions beyond
 * MOST_DIMENSIONS, not counting those of one value, are drawn at random.
 */
export function* evenly(dimensions: readonly Dimension[], random: Random): Generator<Candidate> {
  const free = dimensions.filter(({ values }) => values > 1).slice(0, MOST_DIMENSIONS);
  const shift = free.map(() => below(random, ONE));
  for (const point of sobol(shift)) {
    const coordinates = new Map(free.map((dimension, f) => [dimension, point[f]!]));
    yield dimensions.map((dimension) => {
      const coordinate = coordinates.get(dimension);
      const { values } = dimension;
      return coordinate === undefined ? below(random, values) : floorDiv(coordinate * values, ONE);
    });
  }
}
