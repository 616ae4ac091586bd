import seedrandom from "seedrandom";
import { floorDiv } from "../../fixed/round.ts";
import { squaresOf, totalCost } from "./squares.ts";
import { placeUniformly } from "./uniform.ts";

const POPULATION = 60;
const GENERATIONS = 200;
/** Of a child's knots so many are moved, on average. */
const MOVES = 2;
/** Bits below the highest of an input that a rounding mutation may clear. */
const ROUND_BITS = 6;

/**
 * Knots by a genetic search for the least weighted mean square, in the manner of GQA-LUT (DAC 2024): tournaments of
 * two, crossover at one cut, and mutations that move a knot or round it to a coarser grid of inputs, whose comparators
 * are narrower. The best two of each generation live on. The same knots on every machine: the seed is a constant, and
 * the end is a number of generations.
 *
 * No more than a heuristic: it finds what `optimal-rms` knows, or less.
 *
 * @param weights  `[N]` how often each input occurs; 1 each where absent
 */
export function placeGenetically(values: Float64Array, pieces: number, weights?: Float64Array): Int32Array {
  const rng = seedrandom(`pwl/genetic/${values.length}/${pieces}`);
  const below = (n: number): number => floorDiv(rng() * n, 1);
  const last = values.length - 1;
  const squares = squaresOf(values, weights);
  const scored = (knots: Int32Array) => ({ knots, cost: totalCost(squares, knots) });
  const random = () =>
    repair(
      Int32Array.from({ length: pieces + 1 }, () => below(last + 1)),
      last,
    );

  let population = Array.from({ length: POPULATION }, random).map(scored);
  population[0] = scored(placeUniformly(values, pieces));
  const parent = () => {
    const [a, b] = [population[below(POPULATION)]!, population[below(POPULATION)]!];
    return (a.cost <= b.cost ? a : b).knots;
  };
  const child = (): Int32Array => {
    const cut = below(pieces);
    const [left, right] = [parent(), parent()];
    const knots = left.map((knot, k) => (k <= cut ? knot : right[k]!));
    for (let k = 1; k < pieces; k++) {
      if (below(pieces) >= MOVES) continue;
      const grid = 2 ** below(ROUND_BITS);
      const reach = 1 + floorDiv(last, pieces * 2 ** below(ROUND_BITS));
      const moved = knots[k]! + below(2 * reach + 1) - reach;
      knots[k] = below(2) === 0 ? moved : floorDiv(knots[k]! + grid / 2, grid) * grid;
    }
    return repair(knots, last);
  };

  for (let generation = 0; generation < GENERATIONS; generation++) {
    population.sort((a, b) => a.cost - b.cost);
    const children = Array.from({ length: POPULATION - 2 }, child).map(scored);
    population = [...population.slice(0, 2), ...children];
  }
  return population.reduce((best, one) => (one.cost < best.cost ? one : best)).knots;
}

/** The same knots ascending and distinct, the first and the last input among them. */
function repair(knots: Int32Array, last: number): Int32Array {
  const sorted = knots.toSorted();
  const pieces = sorted.length - 1;
  sorted[0] = 0;
  for (let k = 1; k <= pieces; k++) sorted[k] = Math.max(sorted[k]!, sorted[k - 1]! + 1);
  sorted[pieces] = last;
  for (let k = pieces - 1; k > 0; k--) sorted[k] = Math.min(sorted[k]!, sorted[k + 1]! - 1);
  return sorted;
}
