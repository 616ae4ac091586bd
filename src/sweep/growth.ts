import { frontOf } from "../search/front.ts";
import { frameOf, growthOf } from "../search/hypervolume.ts";
import type { Explored } from "./explore.ts";

/** A search after one of its evaluations. */
export interface Step {
  readonly method: string;
  /** From 1. */
  readonly evaluation: number;
  /** Number of the point evaluated. */
  readonly point: number;
  /** Distinct executions of quantized models so far. */
  readonly executions: number;
  /** Of what was found so far, in parts of the hypervolume of all that the searches found together. */
  readonly hypervolume: number;
}

/**
 * How searches of the same goals went on. Objectives are measured from the best to the worst of the front of all that they found together,
 * the reference point a tenth of that beyond the worst. What breaks a constraint has no volume.
 */
export function stepsOf(searches: readonly Explored[]): Step[][] {
  const all = searches.flatMap(({ found }) => found);
  const front = frontOf(all).map((i) => all[i]!.objectives);
  const volumes = (points: readonly (readonly number[])[]): number[] =>
    front.length === 0 ? points.map(() => 0) : growthOf(points, frameOf(front));
  const most = volumes(front).at(-1) ?? 0;
  return searches.map(({ method, found }) => {
    const kept = found.map(({ objectives, violation }) =>
      violation === 0 ? objectives : objectives.map(() => Number.POSITIVE_INFINITY),
    );
    const growth = volumes(kept);
    const executed = new Set<string>();
    return found.map(({ row, numerics }, i) => ({
      ...{ method, evaluation: i + 1, point: row.point.index },
      executions: executed.add(numerics).size,
      hypervolume: most === 0 ? 0 : growth[i]! / most,
    }));
  });
}

/** The first step at which so large a part of the whole hypervolume is there. */
export const firstAt = (steps: readonly Step[], part: number): Step | undefined =>
  steps.find(({ hypervolume }) => hypervolume >= part);
