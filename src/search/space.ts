import { floorDiv } from "../fixed/round.ts";

/** An axis of a space. */
export interface Dimension {
  /** How many values it has, from 1 on. */
  readonly values: number;
  /** Whether neighbours are alike: numbers in order are, names are not. */
  readonly kind: "ordinal" | "nominal";
  /** Whether a costly objective may depend on it. */
  readonly isCostly: boolean;
}

/** A value of each dimension, by its number from 0. */
export type Candidate = readonly number[];

/** What is searched: candidates of a lattice, some of which may stand for no point, and some for the same one. */
export interface Space {
  readonly dimensions: readonly Dimension[];
  /** How many candidates there are to choose from: at least as many as points. */
  readonly size: number;
  /** The candidate of each number from 0 on below `size`; together they stand for every point. */
  readonly at: (index: number) => Candidate;
  /** Identity of the point that a candidate of the lattice stands for; undefined where it stands for none. */
  readonly identify: (candidate: Candidate) => string | undefined;
}

/** A source of numbers that are evenly distributed in [0, 1). */
export type Random = () => number;

/** A whole number from 0 on below `bound`, each as likely. */
export const below = (random: Random, bound: number): number => floorDiv(random() * bound, 1);

/** Draws of which none may be new before the space is walked through. */
const MOST_DRAWS = 1000;
/** Candidates that are walked past: all, of a space that anybody could search through. */
const MOST_STEPS = 1_000_000;

/**
 * A candidate of a new point, each as likely; where so few are new that none is drawn, the first after some place of the space.
 * Undefined where none is left, or where the next million are none.
 */
export function drawNew(
  { size, at, identify }: Space,
  random: Random,
  isNew: (identity: string) => boolean,
): Candidate | undefined {
  const isWanted = (candidate: Candidate): boolean => {
    const identity = identify(candidate);
    return identity !== undefined && isNew(identity);
  };
  for (let draw = 0; draw < MOST_DRAWS; draw++) {
    const candidate = at(below(random, size));
    if (isWanted(candidate)) return candidate;
  }
  const from = below(random, size);
  for (let step = 0; step < Math.min(size, MOST_STEPS); step++) {
    const candidate = at((from + step) % size);
    if (isWanted(candidate)) return candidate;
  }
  return undefined;
}
