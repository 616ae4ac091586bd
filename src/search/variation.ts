import { byStanding, type Standing } from "./front.ts";
import { below, type Candidate, type Dimension, type Random } from "./space.ts";

/** How often parents are crossed (Deb 2002, section IV); otherwise the first is only mutated. */
const CROSSOVER = 0.9;
/** Chance that a mutation's step goes on by one: two-sided geometric, the integers' normal distribution (Rudolph 1994). */
const STEP_ON = 0.5;

/** The better of two members drawn at random. */
export function tournament<M extends { readonly standing: Standing }>(
  members: readonly M[],
  random: Random,
): M {
  const draw = () => members[below(random, members.length)]!;
  const [a, b] = [draw(), draw()];
  return byStanding(b.standing, a.standing) < 0 ? b : a;
}

/** A child of two candidates: crossed, then mutated in one dimension on average. */
export function childOf(
  dimensions: readonly Dimension[],
  mother: Candidate,
  father: Candidate,
  random: Random,
): Candidate {
  const isCrossed = random() < CROSSOVER;
  const crossed = isCrossed
    ? dimensions.map((dimension, d) => cross(dimension, mother[d]!, father[d]!, random))
    : mother;
  const free = dimensions.filter(({ values }) => values > 1).length;
  return crossed.map((value, d) =>
    dimensions[d]!.values > 1 && random() * free < 1 ? mutate(dimensions[d]!, value, random) : value,
  );
}

/** The value of either parent; in an order, as often, one from between them. */
function cross({ kind }: Dimension, a: number, b: number, random: Random): number {
  const either = random() < 0.5 ? a : b;
  if (kind === "nominal" || random() < 0.5) return either;
  const lo = Math.min(a, b);
  return lo + below(random, Math.abs(a - b) + 1);
}

/** Another value: in an order a near one, otherwise each as likely. */
function mutate({ kind, values }: Dimension, value: number, random: Random): number {
  if (kind === "nominal") return (value + 1 + below(random, values - 1)) % values;
  let step = 1;
  while (step < values && random() < STEP_ON) step++;
  const direction = random() < 0.5 ? -1 : 1;
  const target = [value + direction * step, value - direction * step].find((to) => to >= 0 && to < values);
  // A step that leaves the axis on either side goes to the further end.
  return target ?? (2 * value >= values - 1 ? 0 : values - 1);
}
