import { MinHeap } from "./heap.ts";

/** What it costs to take a knot out: the slopes of its two pieces, and their lengths in inputs. */
export type Loss = (slopeBefore: number, slopeAfter: number, before: number, after: number) => number;

/**
 * Starts with a knot on every input and takes out the one of least loss, again and again, until
 * `pieces` are left. The ends stay; of equal losses the first in input order goes. O(N log N).
 *
 * Equal means equal in doubles: mirrored knots of a symmetric curve can differ in their last bit.
 *
 * @returns `[pieces + 1]` knots, ascending
 */
export function removeKnots(values: Float64Array, pieces: number, loss: Loss): Int32Array {
  const count = values.length;
  const before = Int32Array.from({ length: count }, (_, i) => i - 1);
  const after = Int32Array.from({ length: count }, (_, i) => i + 1);

  const lossOf = (knot: number): number => {
    // The ends are never the least: they cannot be removed.
    if (knot === 0 || knot === count - 1) return Number.POSITIVE_INFINITY;
    const runBefore = knot - before[knot]!;
    const runAfter = after[knot]! - knot;
    const slopeBefore = (values[knot]! - values[before[knot]!]!) / runBefore;
    const slopeAfter = (values[after[knot]!]! - values[knot]!) / runAfter;
    return loss(slopeBefore, slopeAfter, runBefore, runAfter);
  };

  const heap = new MinHeap(Float64Array.from({ length: count }, (_, knot) => lossOf(knot)));
  for (let left = count - 1; left > pieces; left--) {
    const gone = heap.removeLeast();
    const previous = before[gone]!;
    const next = after[gone]!;
    after[previous] = next;
    before[next] = previous;
    heap.update(previous, lossOf(previous));
    heap.update(next, lossOf(next));
  }

  const knots = new Int32Array(pieces + 1);
  for (let i = 0, knot = 0; i <= pieces; i++, knot = after[knot]!) knots[i] = knot;
  return knots;
}
