import { MinHeap } from "./heap.ts";

/**
 * The paper's recursive greedy: every input starts as a knot, and the knot whose two pieces differ
 * least in slope goes, again and again, until `pieces` are left. The ends stay; of equal
 * differences the first in input order goes. O(N log N).
 *
 * The rule weighs a change of slope the same however long the pieces are. So flat tails keep no
 * knots, and where pieces are few the long first and last one make the largest errors.
 *
 * Equal means equal in doubles: mirrored knots of a symmetric curve can differ in their last bit.
 */
export function placeBySlope(values: Float64Array, pieces: number): Int32Array {
  const count = values.length;
  const before = Int32Array.from({ length: count }, (_, i) => i - 1);
  const after = Int32Array.from({ length: count }, (_, i) => i + 1);

  const slope = (from: number, to: number) => (values[to]! - values[from]!) / (to - from);
  // The ends are never the least: they cannot be removed.
  const bend = (knot: number) =>
    knot === 0 || knot === count - 1
      ? Number.POSITIVE_INFINITY
      : Math.abs(slope(knot, after[knot]!) - slope(before[knot]!, knot));

  const heap = new MinHeap(Float64Array.from({ length: count }, (_, knot) => bend(knot)));
  for (let left = count - 1; left > pieces; left--) {
    const gone = heap.removeLeast();
    const previous = before[gone]!;
    const next = after[gone]!;
    after[previous] = next;
    before[next] = previous;
    heap.update(previous, bend(previous));
    heap.update(next, bend(next));
  }

  const knots = new Int32Array(pieces + 1);
  for (let i = 0, knot = 0; i <= pieces; i++, knot = after[knot]!) knots[i] = knot;
  return knots;
}
