import { byStanding, covers, type Figures, frontOf, standingsOf } from "./front.ts";
import { frameOf, gainOf, inFrame, referenceOf } from "./hypervolume.ts";
import type { Evaluated, Priced } from "./problem.ts";
import type { Candidate, Dimension } from "./space.ts";

/** How far apart candidates are in what costly objectives depend on: in parts of an axis that has an order, 1 for another name. */
function distance(dimensions: readonly Dimension[], a: Candidate, b: Candidate): number {
  let sum = 0;
  for (const [d, { kind, values, isCostly }] of dimensions.entries()) {
    if (!isCostly || a[d] === b[d]) continue;
    sum += kind === "nominal" ? 1 : Math.abs(a[d]! - b[d]!) / (values - 1);
  }
  return sum;
}

/** All that none is nearer than, in what costly objectives depend on. */
export function nearestOf<E extends { readonly candidate: Candidate }>(
  dimensions: readonly Dimension[],
  candidate: Candidate,
  evaluated: readonly E[],
): E[] {
  let least = Number.POSITIVE_INFINITY;
  let nearest: E[] = [];
  for (const each of evaluated) {
    const apart = distance(dimensions, candidate, each.candidate);
    if (apart > least) continue;
    if (apart < least) nearest = [];
    least = apart;
    nearest.push(each);
  }
  return nearest;
}

/**
 * What a priced candidate may come to: costly objectives, and the constraints on them, are the best among the nearest of what was
 * evaluated. Where that shares all that they depend on, it is what the candidate has.
 *
 * @param evaluated  if none, costly objectives are taken for 0
 */
export function predict(
  dimensions: readonly Dimension[],
  candidate: Candidate,
  { objectives, violation }: Priced,
  evaluated: readonly Evaluated[],
): Figures {
  const nearest = nearestOf(dimensions, candidate, evaluated);
  const least = (of: (one: Evaluated) => number): number =>
    nearest.length === 0 ? 0 : Math.min(...nearest.map(of));
  return {
    objectives: objectives.map((value, o) => value ?? least((one) => one.objectives[o]!)),
    violation: Math.max(
      violation,
      least((one) => one.violation),
    ),
  };
}

/**
 * Chooses whom to evaluate: none that is expected to break a constraint, or to be no better in any objective than what was evaluated;
 * of the others one after another the one with the greatest gain in hypervolume over those and the ones chosen before it. As long
 * as nothing that was evaluated keeps the constraints, those that break them least.
 */
export function choose<M extends Figures>(
  pool: readonly M[],
  evaluated: readonly Figures[],
  count: number,
): M[] {
  const front = frontOf(evaluated).map((i) => evaluated[i]!.objectives);
  if (front.length === 0) return best(pool, count);
  const promising = pool.filter(
    ({ objectives, violation }) => violation === 0 && !front.some((one) => covers(one, objectives)),
  );
  if (promising.length === 0) return [];
  const frame = frameOf([...front, ...promising.map(({ objectives }) => objectives)]);
  const reference = referenceOf(frame);
  const held = front.map((point) => inFrame(frame, point));
  // A gain only falls as others are chosen: the first whose gain is up to date is the greatest.
  const queue = promising.map((member) => {
    const point = inFrame(frame, member.objectives);
    return { member, point, gain: gainOf(point, held, reference), beside: held.length };
  });
  const chosen: M[] = [];
  while (chosen.length < count && queue.length > 0) {
    queue.sort((a, b) => b.gain - a.gain);
    const first = queue[0]!;
    if (first.gain <= 0) break;
    if (first.beside === held.length) {
      chosen.push(first.member);
      held.push(first.point);
      queue.shift();
    } else {
      first.gain = gainOf(first.point, held, reference);
      first.beside = held.length;
    }
  }
  return chosen;
}

/** So many of the best, by rank and crowding. */
export function best<M extends Figures>(all: readonly M[], count: number): M[] {
  const standings = standingsOf(all);
  const order = [...all.keys()].sort((a, b) => byStanding(standings[a]!, standings[b]!) || a - b);
  return order.slice(0, count).map((i) => all[i]!);
}
