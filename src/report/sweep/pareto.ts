import type { Field } from "./results.ts";

/** A figure that is to be as good as it can. */
type Objective = Pick<Field, "better"> & { readonly numbers: readonly number[] };

/**
 * The rows that no other dominates: none is at least as good in both figures and better in one. Equal rows do not
 * dominate each other. In the order of the first figure, the best first. A figure without a direction is the
 * better the lower it is.
 *
 * @param rows  indices to choose from
 */
export function paretoFront(first: Objective, second: Objective, rows: readonly number[]): number[] {
  const cost = ({ better, numbers }: Objective, row: number) =>
    better === "higher" ? -numbers[row]! : numbers[row]!;
  const x = (row: number) => cost(first, row);
  const y = (row: number) => cost(second, row);
  const sorted = [...rows].sort((a, b) => x(a) - x(b) || y(a) - y(b));
  const front: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const row of sorted) {
    const last = front.at(-1);
    const isEqual = last !== undefined && x(last) === x(row) && y(last) === y(row);
    if (y(row) >= least && !isEqual) continue;
    front.push(row);
    least = y(row);
  }
  return front;
}
