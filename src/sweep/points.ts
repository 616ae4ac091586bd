import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { attempt } from "./refusal.ts";
import {
  type Candidate,
  type Combination,
  choiceAt,
  type Group,
  identityOf,
  type Space,
  sizesOf,
} from "./space.ts";

/** One combination that an experiment asks about. */
export interface Point extends Candidate {
  /** Counts from 1, in the order of the experiment. */
  readonly index: number;
}

/** More points than anybody waits for, or has memory for. */
const MOST_COMBINATIONS = 1_000_000;

/**
 * The points of all groups, one group after another, of equal combinations the first. They are numbered as the groups have
 * them, whatever is said over them and whether a machine can be built for them: what is said over them may make points equal.
 *
 * @param complain  told what is wrong with a group, and with which point of it where it is only one
 */
export function expand(
  space: Space,
  complain: (group: number, problem: string, index?: number) => void,
): Point[] {
  const points: Point[] = [];
  const known = new Set<string>();
  for (const [g, group] of space.groups.entries()) {
    const combinations = attempt(() => ({ all: combinationsOf(space, group) }));
    if ("problem" in combinations) {
      complain(g, `${combinations.where}: ${combinations.problem}`);
      continue;
    }
    for (const combination of combinations.all) {
      const own = attempt(() => space.own(combination));
      const key = "problem" in own ? hashOf(combination) : identityOf(own);
      if (known.has(key)) continue;
      const index = known.add(key).size;
      const point = space.isOver ? attempt(() => space.candidate(combination)) : own;
      if ("problem" in point) complain(g, `${point.where}: ${point.problem}`, index);
      else points.push(Object.freeze({ index, ...point }));
    }
  }
  return points;
}

/** All that a group admits, in the order of its axes. @throws InputError where that is nothing, or more than anybody waits for */
function combinationsOf(space: Space, group: Group): Combination[] {
  const sizes = sizesOf(group);
  const count = sizes.reduce((product, size) => product * size, 1);
  if (count > MOST_COMBINATIONS)
    throw new InputError("axes", `${count} combinations; a sweep takes ${MOST_COMBINATIONS} at most`);
  const all = Array.from({ length: count }, (_, i) => space.combination(group, choiceAt(sizes, i)));
  const admitted = all.filter((combination) => space.admits(group, combination));
  if (admitted.length === 0 && count > 0)
    throw new InputError("where", `leaves none of ${count} combinations`);
  return admitted;
}

/** Of equal points the first. */
export const distinctPoints = (points: readonly Point[]): Point[] => {
  const firsts = new Map<string, Point>();
  for (const point of points) {
    const key = identityOf(point);
    if (!firsts.has(key)) firsts.set(key, point);
  }
  return [...firsts.values()];
};
