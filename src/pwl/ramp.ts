import { powerOfTwo, type Rounding, roundShift } from "../fixed/round.ts";

/**
 * From which rest on a quotient is rounded up: q 2^shift + rest, 0 <= rest < 2^shift, rounds to q or to q + 1 = k, and
 * to k where rest >= carries[classOf(k)]. Of an integer k no rounding looks at more than its sign and its last bit.
 * So the least integer that rounds to k or more is (k - 1) 2^shift + carries[classOf(k)], which is how roundings are
 * solved for what was rounded.
 */
export type Carries = readonly [even: number, odd: number, evenBelow: number, oddBelow: number];

/** The class of k, of which the sign of 0 is that of what lies below it. Infinities have one. */
export const classOf = (k: number): number => (k > 0 ? 0 : 2) + (k & 1);

/** Integers of each class. */
const SAMPLES = [2, 1, 0, -1] as const;

/** The carries of `roundShift(_, shift, rounding)`, 1 … 2^shift. */
export function carriesOf(shift: number, rounding: Rounding): Carries {
  const step = powerOfTwo(shift);
  // The least rest, a tie, what lies just above it, and none.
  const rests = shift === 0 ? [1] : [1, step / 2, step / 2 + 1, step];
  const of = (k: number): number =>
    rests.find((rest) => roundShift((k - 1) * step + rest, shift, rounding) >= k)!;
  return SAMPLES.map(of) as unknown as Carries;
}
