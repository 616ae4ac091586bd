import seedrandom from "seedrandom";
import type { Recipe } from "../../quant/recipe.ts";
import { type Bound, defineKernel, type SampleOf } from "../define.ts";
import { type Rng, uniform, uniformMatrix, uniformVectors } from "../samples.ts";
import { exactMogrifier } from "./exact.ts";
import { lowerMogrifier } from "./lower.ts";
import { productsOf, type QMogrifier, quantizeMogrifier } from "./quantize.ts";
import { type Mogrified, mogrify, type RoundParams } from "./real.ts";
import { widenMogrifier } from "./widen.ts";

interface Shape {
  readonly x: number;
  readonly h: number;
  readonly rank: number;
  readonly rounds: number;
  readonly count: number;
}

/** Rounds that gate vectors of these lengths in turns. */
export const uniformRounds = (rng: Rng, { x, h, rank, rounds }: Omit<Shape, "count">): RoundParams[] =>
  Array.from({ length: rounds }, (_, i) => {
    const [to, from] = i % 2 === 0 ? [x, h] : [h, x];
    return {
      down: uniformMatrix(rng, rank, from),
      up: { weight: uniformMatrix(rng, to, rank), bias: uniform(rng, to) },
    };
  });

const sample = (
  name: string,
  shape: Shape,
  recipe: Partial<Recipe> = {},
  bound?: Bound,
): SampleOf<readonly RoundParams[]> => ({
  name,
  params: uniformRounds(seedrandom(`mogrifier: ${name}`), shape),
  recipe,
  draw: (random) => [
    uniformVectors(random, shape.x, shape.count, 2),
    uniformVectors(random, shape.h, shape.count),
  ],
  ...(bound && { bound }),
});

/** The vector that the last round gated. */
const lastOf = <T>({ x, h }: Mogrified<T>, rounds: readonly unknown[]): T =>
  rounds.length % 2 === 0 ? h : x;

const FINE: Bound = {
  ...{ rms: 0.6, most: 3 },
  reason:
    "gates of 16 bits: what is left are the roundings of x and h to 8 bits after every round, and 8-bit weights",
};

export const mogrifier = defineKernel<readonly RoundParams[], QMogrifier>({
  name: "mogrifier",
  doc: "rounds in which x and h gate each other; the vector that the last round gated",
  bound: {
    rms: 1.5,
    reason:
      "a round's gate is off by an LSB or two of 8 bits, twice over for the 2 in front of it, and goes on to the next round",
  },
  samples: [
    sample("one round", { x: 5, h: 4, rank: 2, rounds: 1, count: 3 }),
    sample("two rounds", { x: 4, h: 7, rank: 3, rounds: 2, count: 1 }),
    sample("five rounds", { x: 6, h: 6, rank: 2, rounds: 5, count: 2 }),
    sample("six rounds, wider than the array", { x: 18, h: 17, rank: 5, rounds: 6, count: 2 }),
    sample(
      "q3.12",
      { x: 5, h: 4, rank: 2, rounds: 3, count: 2 },
      { gate_format: "q3.12", product_bits: 16 },
      FINE,
    ),
    sample(
      "gemmlowp",
      { x: 5, h: 6, rank: 3, rounds: 4, count: 2 },
      { gate_format: "q3.12", gate_curve: "gemmlowp", product_bits: 16 },
      FINE,
    ),
    sample("mirrored", { x: 4, h: 4, rank: 3, rounds: 3, count: 1 }, { gate_curve: "mirrored" }),
  ],
  real: (rounds, [xs, hs], tap) => xs!.map((x, t) => lastOf(mogrify(rounds, x, hs![t]!, tap), rounds)),
  quantize: (rounds, [x, h], ranges, numerics) =>
    quantizeMogrifier(rounds, { x: x!, h: h! }, ranges, numerics),
  widen: widenMogrifier,
  outputGrid: ({ output, rounds }) => lastOf(output, rounds),
  matrices: (q) => productsOf(q).flatMap(({ parts }) => parts.map(({ weights }) => weights)),
  exact: (q, [xs, hs], arch) =>
    xs!.map((x, t) => lastOf(exactMogrifier(q, { x, h: hs![t]! }, arch), q.rounds)),
  lower: (q, b, [x, h]) => lastOf(lowerMogrifier(b, q, { x: x!, h: h! }), q.rounds),
});
