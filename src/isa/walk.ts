import { storageBytes } from "../fixed/format.ts";
import { floorDiv } from "../fixed/round.ts";
import type { Walk } from "./define.ts";

/** Operands that are walked over in steps. */

/** Codes that a walk may have: as many as a count of elements. */
export const MOST_WALKED = 2 ** 20 - 1;

/** Places from the first of `count` codes, `step` apart, to the last, both ends included. */
const reachOf = (count: number, step: number): number => (count - 1) * step + 1;

/** Codes from the first that a walk touches to the last, what it steps over included. */
export const coveredBy = ({ rows, columns, row, column }: Walk): number =>
  reachOf(rows, row) + reachOf(columns, column) - 1;

/** Whether codes follow one another from the first to the last. */
export const isDense = ({ columns, row, column }: Walk): boolean => column === 1 && row === columns;

/** Whether a walk touches no code twice: one of its directions is over before the other takes a step. */
export const isNested = ({ rows, columns, row, column }: Walk): boolean =>
  row >= reachOf(columns, column) || column >= reachOf(rows, row);

/** Where a walk's codes lie, in its order, counted in codes from its first. */
export const placesOf = ({ rows, columns, row, column }: Walk): number[] =>
  Array.from({ length: rows * columns }, (_, i) => {
    const r = floorDiv(i, columns);
    return r * row + (i - r * columns) * column;
  });

/** Bytes of an operand, from `at` after its first on. */
export interface Stretch {
  readonly at: number;
  readonly size: number;
}

/** The bytes that codes of `bits` bits lie in which a walk touches, ascending; all from the first to the last of a walk that is too long. */
export function stretchesOf(walk: Walk, bits: number): readonly Stretch[] {
  const { rows, columns, row, column } = walk;
  const stretch = (first: number, codes: number): Stretch => {
    const at = floorDiv(first * bits, 8);
    return { at, size: storageBytes(1, (first + codes) * bits) - at };
  };
  const lines = (length: number, count: number, step: number): readonly Stretch[] =>
    step <= length
      ? [stretch(0, reachOf(count, step) + length - 1)]
      : Array.from({ length: count }, (_, i) => stretch(i * step, length));
  if (rows * columns > MOST_WALKED) return [stretch(0, coveredBy(walk))];
  if (columns === 1 || column <= 1) return lines(reachOf(columns, column), rows, row);
  if (rows === 1 || row <= 1) return lines(reachOf(rows, row), columns, column);
  return placesOf(walk)
    .map((place) => stretch(place, 1))
    .sort((a, b) => a.at - b.at);
}
