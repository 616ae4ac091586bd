import { floorDiv } from "../../fixed/round.ts";
import { placeByGap } from "./gap.ts";
import { type Squares, squaresOf, totalCost } from "./squares.ts";
import { roundingOf, windowsAround } from "./windows.ts";

/**
 * The knots whose interpolation has the least sum of squared errors, each input weighed: the optimum, up to the
 * rounding of the sums.
 *
 * Dynamic programming over (knot, input), with nothing assumed about the curve: the quadrangle inequality that would
 * make it fast holds where a curve bends one way only. Up to SMALL inputs all are tried. Above, they are first taken
 * in blocks: `leastBetween` bounds from below what a chord from one block to another costs, and a block that no
 * path cheaper than the best known one can use is dropped; the rest is split until blocks are single inputs.
 *
 * @param weights  `[N]` how often each input occurs; 1 each where absent
 */
export function placeForLeastSquares(
  values: Float64Array,
  pieces: number,
  weights?: Float64Array,
): Int32Array {
  const count = values.length;
  const squares = squaresOf(values, weights);
  const start = placeByGap(values, pieces);
  const everything = Int32Array.from(values.keys());
  if (count <= SMALL) return cheapest(squares, layersOf(everything, count, pieces)) ?? start;

  const floor = count * roundingOf(values) ** 2;
  let known = cheapestNear(squares, start, count);
  let size = BLOCK;
  // Few inputs per piece: what lies between blocks of more would bound nothing.
  while (size > 1 && size * pieces * 4 > count) size /= SPLIT;
  const coarse = cheapest(
    squares,
    layersOf(
      everything.filter((i) => i % size === 0 || i === count - 1),
      count,
      pieces,
    ),
  );
  if (coarse) known = better(squares, known, cheapestNear(squares, coarse, count));
  const limit = totalCost(squares, known) * (1 + ROUNDING);
  if (limit <= floor) return known;

  let layers = blockLayers(values, size, pieces);
  for (; size > 1; size /= SPLIT) {
    layers = split(values, survivors(squares, values, layers, limit), size / SPLIT);
  }
  const inputs = survivors(squares, values, layers, limit).map((blocks) =>
    Int32Array.from(blocks, ({ first }) => first),
  );
  return better(squares, known, cheapest(squares, inputs) ?? known);
}

/** So many inputs are searched whole. */
const SMALL = 1024;
/** Inputs in the first blocks, and into how many a block is split. */
const BLOCK = 64;
const SPLIT = 4;
/** How far a knot moves at a time while a first solution is looked for. */
const NEAR = 16;
/** Room for rounding in sums that are compared, in parts of them. */
const ROUNDING = 2 ** -30;

const better = (squares: Squares, a: Int32Array, b: Int32Array): Int32Array =>
  totalCost(squares, b) < totalCost(squares, a) ? b : a;

/** For each knot the inputs that it may stand on. */
function layersOf(inputs: Int32Array, count: number, pieces: number): Int32Array[] {
  return Array.from({ length: pieces + 1 }, (_, k) => {
    if (k === 0) return Int32Array.of(0);
    return k === pieces ? Int32Array.of(count - 1) : inputs;
  });
}

/** The best that small steps lead to. */
function cheapestNear(squares: Squares, start: Int32Array, count: number): Int32Array {
  for (let knots = start; ; ) {
    const { first, last } = windowsAround(knots, NEAR, count);
    const layers = Array.from(first, (from, k) =>
      Int32Array.from({ length: last[k]! - from + 1 }, (_, i) => from + i),
    );
    const next = cheapest(squares, layers) ?? knots;
    if (!(totalCost(squares, next) < totalCost(squares, knots) * (1 - ROUNDING))) return knots;
    knots = next;
  }
}

/** The ascending knots, one of each layer, whose chords cost least in all; the first of equals. */
function cheapest({ cost }: Squares, layers: readonly Int32Array[]): Int32Array | undefined {
  const before: Int32Array[] = [];
  let costs = Float64Array.of(0);
  for (let k = 1; k < layers.length; k++) {
    const [from, to] = [layers[k - 1]!, layers[k]!];
    const next = new Float64Array(to.length).fill(Number.POSITIVE_INFINITY);
    const parents = new Int32Array(to.length).fill(-1);
    for (let j = 0; j < to.length; j++) {
      for (let i = 0; i < from.length && from[i]! < to[j]!; i++) {
        if (costs[i]! >= next[j]!) continue;
        const sum = costs[i]! + cost(from[i]!, to[j]!);
        if (sum < next[j]!) {
          next[j] = sum;
          parents[j] = i;
        }
      }
    }
    before.push(parents);
    costs = next;
  }
  if (costs[0] === Number.POSITIVE_INFINITY) return undefined;
  const knots = new Int32Array(layers.length);
  for (let k = layers.length - 1, at = 0; k >= 0; k--) {
    knots[k] = layers[k]![at]!;
    if (k > 0) at = before[k - 1]![at]!;
  }
  return knots;
}

/** Neighbouring inputs, and between which slopes the chords lie from its inputs to its last and to its first. */
interface Block {
  readonly first: number;
  readonly last: number;
  readonly toLast: readonly [lo: number, hi: number];
  readonly toFirst: readonly [lo: number, hi: number];
}

function blockOf(values: Float64Array, first: number, last: number): Block {
  const slopesTo = (end: number): readonly [number, number] => {
    let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = first; i <= last; i++) {
      if (i === end) continue;
      const slope = (values[end]! - values[i]!) / (end - i);
      lo = Math.min(lo, slope);
      hi = Math.max(hi, slope);
    }
    return [lo, hi];
  };
  return { first, last, toLast: slopesTo(last), toFirst: slopesTo(first) };
}

/** All inputs in blocks, for every knot but the two at the ends. */
function blockLayers(values: Float64Array, size: number, pieces: number): Block[][] {
  const end = values.length - 1;
  const blocks = Array.from({ length: floorDiv(end, size) + 1 }, (_, i) =>
    blockOf(values, i * size, Math.min(end, i * size + size - 1)),
  );
  return Array.from({ length: pieces + 1 }, (_, k) => {
    if (k === 0) return [blockOf(values, 0, 0)];
    return k === pieces ? [blockOf(values, end, end)] : blocks;
  });
}

/** Each block as blocks of `size`. */
function split(values: Float64Array, layers: readonly (readonly Block[])[], size: number): Block[][] {
  const made = new Map<number, Block>();
  const partOf = (first: number, last: number): Block => {
    const part = made.get(first) ?? blockOf(values, first, Math.min(last, first + size - 1));
    made.set(first, part);
    return part;
  };
  return layers.map((blocks) =>
    blocks.flatMap(({ first, last }) =>
      first === last
        ? [blockOf(values, first, last)]
        : Array.from({ length: floorDiv(last - first, size) + 1 }, (_, i) => partOf(first + i * size, last)),
    ),
  );
}

/**
 * The least that a chord from an input of `a` to one of `b` can cost; 0 where they touch.
 *
 * Such a chord, on the inputs between the blocks, is the chord from the last input of `a` to the first of `b` and a
 * straight line that is at most `off` high at both its ends; in the norm of weighted squares the two differ by
 * off sqrt(weight) at most. `off`: a chord leaves block `a` with a slope that is the mean, by length, of a chord
 * within `a`, the inner chord and one within `b`.
 */
function leastBetween({ cost, weight }: Squares, values: Float64Array, a: Block, b: Block): number {
  const run = b.first - a.last;
  if (run <= 1) return 0;
  const inner = (values[b.first]! - values[a.last]!) / run;
  const [lengthA, lengthB] = [a.last - a.first, b.last - b.first];
  const bendA = lengthA === 0 ? 0 : Math.max(a.toLast[1] - inner, inner - a.toLast[0]);
  const bendB = lengthB === 0 ? 0 : Math.max(b.toFirst[1] - inner, inner - b.toFirst[0]);
  const tilt = (lengthA * bendA + lengthB * bendB) / run;
  const off = Math.max(lengthA * (bendA + tilt), lengthB * (bendB + tilt));
  const root = Math.sqrt(cost(a.last, b.first)) - off * Math.sqrt(weight(a.last, b.first));
  return root > 0 ? root * root : 0;
}

/** The blocks of each layer that a path of no more than `limit` may pass, by the bound on each of its chords. */
function survivors(
  squares: Squares,
  values: Float64Array,
  layers: readonly (readonly Block[])[],
  limit: number,
): Block[][] {
  const bound = (a: Block, b: Block): number => {
    const follows = b.first > a.last || (a.first === b.first && a.first < a.last);
    return follows ? leastBetween(squares, values, a, b) : Number.POSITIVE_INFINITY;
  };
  const forth = pathBounds(layers, limit, bound);
  const back = pathBounds(layers.toReversed(), limit, (a, b) => bound(b, a)).toReversed();
  return layers.map((blocks, k) => blocks.filter((_, i) => forth[k]![i]! + back[k]![i]! <= limit));
}

/** Of each layer and block the least sum of bounds from the first layer on; anything above `limit` may be infinite. */
function pathBounds(
  layers: readonly (readonly Block[])[],
  limit: number,
  bound: (from: Block, to: Block) => number,
): Float64Array[] {
  const bounds = [Float64Array.of(0)];
  for (let k = 1; k < layers.length; k++) {
    const from = layers[k - 1]!;
    const known = bounds[k - 1]!;
    bounds.push(
      Float64Array.from(layers[k]!, (to) => {
        let least = Number.POSITIVE_INFINITY;
        for (let i = 0; i < from.length; i++) {
          if (known[i]! < least && known[i]! <= limit)
            least = Math.min(least, known[i]! + bound(from[i]!, to));
        }
        return least;
      }),
    );
  }
  return bounds;
}
