import { CURVES } from "../../pwl/curves.ts";
import { type LinearParams, linear, product } from "../linear/real.ts";
import { expectLength, type Matrix, prefixed, type Tap } from "../tensors.ts";

/** A round in which one vector gates another, by a product of two matrices: `to` is the length of the gated, `from` of the other. */
export interface RoundParams {
  readonly down: Matrix; // [rank][from]
  readonly up: LinearParams; // [to][rank], with a bias
}

/** What a cell is about to read. */
export interface Mogrified<T> {
  readonly x: T; // [input]
  readonly h: T; // [outputs]
}

/**
 * Rounds of mutual gating before a cell (Melis et al. 2020), docs/method.md, section 2, over the reals:
 *
 *     x <- 2 sigmoid(up down h + bias) x        rounds 1, 3, ...
 *     h <- 2 sigmoid(up down x + bias) h        rounds 2, 4, ...
 *
 * Sites of round k: `k.low` (down's product), `k.gate` (what the sigmoid looks up), `k.gated` (the new x or h).
 *
 * @throws RangeError where lengths do not fit
 */
export function mogrify(
  rounds: readonly RoundParams[],
  x: Float64Array,
  h: Float64Array,
  tap?: Tap,
): Mogrified<Float64Array> {
  return inTurns(rounds, { x, h }, (round, gated, by, k) => {
    const show = prefixed(tap, String(k));
    const low = product(round.down, by);
    show?.("low", low);
    const gate = linear(round.up, low);
    expectLength("what a round gates", gated, gate.length);
    show?.("gate", gate, "lookedUp");
    const next = gated.map((value, i) => 2 * CURVES.sigmoid.f(gate[i]!) * value);
    show?.("gated", next);
    return next;
  });
}

/** Lets x and h take turns: `gate` makes the next one from what is gated, by what, in which round from 1. */
export function inTurns<R, T>(
  rounds: readonly R[],
  { x, h }: Mogrified<T>,
  gate: (round: R, gated: T, by: T, k: number) => T,
): Mogrified<T> {
  let [gated, by] = [x, h];
  for (const [i, round] of rounds.entries()) [gated, by] = [by, gate(round, gated, by, i + 1)];
  return rounds.length % 2 === 0 ? { x: gated, h: by } : { x: by, h: gated };
}
