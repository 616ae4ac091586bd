import { covers } from "./front.ts";

type Vector = readonly number[];

/**
 * Volume of what a set of points dominates and a reference point bounds, all objectives to be low: exact but for rounding, in any
 * number of dimensions. What lies beyond the reference in some objective adds nothing.
 *
 * WFG: each point adds its box less what points after it have of that box (L. While, L. Bradstreet and L. Barone, A fast way of
 * calculating exact hypervolumes, IEEE Trans. Evol. Comput. 16 (2012), 86-95); two objectives by a sweep.
 */
export const hypervolume = (points: readonly Vector[], reference: Vector): number =>
  volumeOf(undominated(points.filter((point) => isWithin(point, reference))), reference);

/** What a point adds to the hypervolume of others. */
export const gainOf = (point: Vector, others: readonly Vector[], reference: Vector): number =>
  isWithin(point, reference)
    ? exclusive(
        point,
        others.filter((other) => isWithin(other, reference)),
        reference,
      )
    : 0;

const isWithin = (point: Vector, reference: Vector): boolean =>
  point.every((value, i) => value < reference[i]!);

function volumeOf(front: readonly Vector[], reference: Vector): number {
  if (reference.length === 1) return front.length === 0 ? 0 : reference[0]! - front[0]![0]!;
  if (reference.length === 2) return staircase(front, reference);
  // The worst in the last objective first: what the others have of its box is flat in that objective, and little of it is undominated.
  const sorted = front.toSorted((a, b) => b.at(-1)! - a.at(-1)!);
  let sum = 0;
  for (const [i, point] of sorted.entries()) sum += exclusive(point, sorted.slice(i + 1), reference);
  return sum;
}

/** The box of a point, less what others have of it. */
function exclusive(point: Vector, others: readonly Vector[], reference: Vector): number {
  const box = point.reduce((product, value, i) => product * (reference[i]! - value), 1);
  const common = others.map((other) => other.map((value, i) => Math.max(value, point[i]!)));
  return box - volumeOf(undominated(common), reference);
}

function staircase(front: readonly Vector[], [right, top]: Vector): number {
  let sum = 0;
  let above = top!;
  for (const [x, y] of front.toSorted((a, b) => a[0]! - b[0]!)) {
    sum += (right! - x!) * (above - y!);
    above = y!;
  }
  return sum;
}

/** Of equal points the first, and none that another dominates. */
function undominated(points: readonly Vector[]): Vector[] {
  let kept: Vector[] = [];
  for (const point of points) {
    if (kept.some((other) => covers(other, point))) continue;
    kept = [...kept.filter((other) => !covers(point, other)), point];
  }
  return kept;
}

/** What objectives are measured by: from the best to the worst of a front. */
export interface Frame {
  readonly ideal: Vector;
  readonly nadir: Vector;
}

/** The frame of a front: the best and the worst that each objective is in it. */
export const frameOf = (front: readonly Vector[]): Frame => ({
  ideal: front[0]!.map((_, i) => Math.min(...front.map((point) => point[i]!))),
  nadir: front[0]!.map((_, i) => Math.max(...front.map((point) => point[i]!))),
});

/** Where the reference point lies in a frame: beyond the nadir, so that a front's ends have a volume too. */
const REFERENCE = 1.1;

/** The reference point of a frame, in parts of it. */
export const referenceOf = ({ ideal }: Frame): Vector => ideal.map(() => REFERENCE);

/** Objectives in parts of a frame: 0 is the ideal, 1 the nadir; an objective that is the same all over the front is in units of its own. */
export const inFrame = ({ ideal, nadir }: Frame, point: Vector): number[] =>
  point.map((value, i) => (value - ideal[i]!) / (nadir[i]! - ideal[i]! || Math.abs(ideal[i]!) || 1));

/** The hypervolume after each point of a sequence, in parts of a frame. */
export function growthOf(points: readonly Vector[], frame: Frame): number[] {
  const reference = referenceOf(frame);
  let front: Vector[] = [];
  let volume = 0;
  return points.map((raw) => {
    const point = inFrame(frame, raw);
    const gain = gainOf(point, front, reference);
    if (gain > 0) {
      volume += gain;
      front = undominated([...front, point]);
    }
    return volume;
  });
}
