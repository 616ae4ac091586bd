/**
 * The index of the greatest element; of several equal ones, the first.
 *
 * @throws RangeError for no elements
 */
export function argmax(x: ArrayLike<number>): number {
  if (x.length === 0) throw new RangeError("argmax of nothing");
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[best]!) best = i;
  return best;
}
