/** What was found of a point. */
export interface Figures {
  /** Each the better the lower it is; no NaN. */
  readonly objectives: readonly number[];
  /** By how much constraints are broken: 0 where all are kept. */
  readonly violation: number;
}

/** Whether a is at least as good in all objectives. */
export function covers(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i]! > b[i]!) return false;
  return true;
}

/** Whether a is at least as good in all objectives, and better in one. */
export const dominates = (a: readonly number[], b: readonly number[]): boolean =>
  covers(a, b) && !covers(b, a);

/** Constrained domination (Deb 2002, section VI): the smaller violation wins; of equal ones the objectives decide. */
export const beats = (a: Figures, b: Figures): boolean =>
  a.violation === b.violation ? dominates(a.objectives, b.objectives) : a.violation < b.violation;

/**
 * The numbers of the fronts, from 0: those that nobody beats, those that only these beat, and so on. By counting who is left to beat
 * each, the fast sort of K. Deb, A. Pratap, S. Agarwal and T. Meyarivan, A fast and elitist multiobjective genetic algorithm: NSGA-II,
 * IEEE Trans. Evol. Comput. 6 (2002), 182-197.
 */
export function ranksOf(all: readonly Figures[]): number[] {
  const beaten: number[][] = all.map(() => []);
  const beatenBy = all.map(() => 0);
  for (const [i, a] of all.entries()) {
    for (let j = i + 1; j < all.length; j++) {
      const [winner, loser] = beats(a, all[j]!) ? [i, j] : beats(all[j]!, a) ? [j, i] : [];
      if (winner === undefined) continue;
      beaten[winner]!.push(loser!);
      beatenBy[loser!]!++;
    }
  }
  const ranks = all.map(() => 0);
  let front = all.flatMap((_, i) => (beatenBy[i] === 0 ? [i] : []));
  for (let rank = 0; front.length > 0; rank++) {
    const next: number[] = [];
    for (const i of front) {
      ranks[i] = rank;
      for (const j of beaten[i]!) if (--beatenBy[j]! === 0) next.push(j);
    }
    front = next;
  }
  return ranks;
}

/** The indices of all that keep the constraints and that no other such dominates, in order; equal ones do not dominate each other. */
export const frontOf = (all: readonly Figures[]): number[] => {
  const ranks = ranksOf(all);
  return all.flatMap(({ violation }, i) => (ranks[i] === 0 && violation === 0 ? [i] : []));
};

/**
 * Crowding distances of the members of one front (Deb 2002, section III-B): the sum over the objectives of the gap between a member's
 * neighbours, in parts of the front's span; Infinity at its ends. Of equal members only the first counts as such.
 */
export function crowdingOf(front: readonly Figures[]): number[] {
  const distances = front.map(() => 0);
  const first = new Map<string, number>();
  for (const [i, { objectives }] of front.entries()) {
    const key = objectives.join(" ");
    if (!first.has(key)) first.set(key, i);
  }
  const distinct = [...first.values()];
  for (const o of front[0]?.objectives.keys() ?? []) {
    const at = (i: number) => front[i]!.objectives[o]!;
    const sorted = distinct.toSorted((a, b) => at(a) - at(b));
    const [lo, hi] = [sorted[0]!, sorted.at(-1)!];
    for (const end of [lo, hi]) distances[end] = Number.POSITIVE_INFINITY;
    if (at(hi) === at(lo)) continue;
    for (let k = 1; k + 1 < sorted.length; k++)
      distances[sorted[k]!]! += (at(sorted[k + 1]!) - at(sorted[k - 1]!)) / (at(hi) - at(lo));
  }
  return distances;
}

/** Rank and crowding distance, by which members are compared. */
export interface Standing {
  readonly rank: number;
  readonly crowding: number;
}

/** The standing of each. */
export function standingsOf(all: readonly Figures[]): Standing[] {
  const ranks = ranksOf(all);
  const fronts: number[][] = ranks.map(() => []);
  for (const [i, rank] of ranks.entries()) fronts[rank]!.push(i);
  const standings: Standing[] = [];
  for (const [rank, members] of fronts.entries()) {
    const crowding = crowdingOf(members.map((i) => all[i]!));
    for (const [k, i] of members.entries()) standings[i] = { rank, crowding: crowding[k]! };
  }
  return standings;
}

/** Negative where a comes before b: the lower rank, then the less crowded. */
export const byStanding = (a: Standing, b: Standing): number =>
  a.rank - b.rank || (a.crowding === b.crowding ? 0 : b.crowding - a.crowding);
